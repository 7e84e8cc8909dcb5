package sqlite

import (
	"errors"

	"github.com/ktsd/ktsd/internal/escrow"
)

// removeOrganization removes all that is an organization's, from the deposits up. What
// it takes of memory does not grow with them: SQLite brings pages to the log once its
// cache is full. The deposits' bytes are overwritten, as by purge.
func (s *Store) removeOrganization(name escrow.OrgName) error {
	const clients = `(SELECT fingerprint FROM clients WHERE organization = $1)`
	if err := s.writer.exec(`PRAGMA secure_delete = ON`); err != nil {
		return err
	}
	err := s.writer.exec(`DELETE FROM deposits WHERE client IN `+clients, name)
	if err := errors.Join(err, s.writer.exec(`PRAGMA secure_delete = OFF`)); err != nil {
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
