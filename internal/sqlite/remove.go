package sqlite

import (
	"github.com/ktsd/ktsd/internal/escrow"
)

// removeOrganization removes all that is an organization's, from the deposits up. What
// it takes of memory does not grow with them: SQLite brings pages to the log once its
// cache is full. The deposits' bytes are overwritten, as by purge.
func (s *Store) removeOrganization(name escrow.OrgName) error {
	const clients = `(SELECT fingerprint FROM clients WHERE organization = $1)`
	err := s.secureDelete(func() error {
		// In their places first: rows that are removed move others from page to page, which leaves copies.
		err := s.writer.exec(`UPDATE deposits SET data_key = zeroblob(length(data_key)), contents = zeroblob(length(contents)) WHERE client IN `+clients, name)
		if err != nil {
			return err
		}
		return s.writer.exec(`DELETE FROM deposits WHERE client IN `+clients, name)
	})
	if err != nil {
		return err
	}
	for _, statement := range []string{
		`INSERT INTO spent_keys (key_hash, spent) SELECT key_hash, retired FROM certificates
			WHERE client IN ` + clients + ` AND retired IS NOT NULL ON CONFLICT (key_hash) DO NOTHING`,
		`DELETE FROM certificates WHERE client IN ` + clients,
		`DELETE FROM usage WHERE holder IN (SELECT '` + clientHolder + `' || fingerprint FROM clients WHERE organization = $1)`,
		`DELETE FROM usage WHERE holder = '` + organizationHolder + `' || $1`,
		`DELETE FROM clients WHERE organization = $1`,
		`DELETE FROM contacts WHERE organization = $1`,
		`DELETE FROM organizations WHERE name = $1`,
	} {
		if err := s.writer.exec(statement, name); err != nil {
			return err
		}
	}
	return nil
}
