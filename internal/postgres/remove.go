package postgres

import (
	"github.com/jackc/pgx/v5"

	"github.com/ktsd/ktsd/internal/escrow"
)

// queueRemoveOrganization queues the statements that remove all that is an
// organization's, from the deposits up.
func queueRemoveOrganization(batch *pgx.Batch, name escrow.OrgName) {
	const clients = `(SELECT fingerprint FROM clients WHERE organization = $1)`
	for _, statement := range []string{
		`DELETE FROM deposits WHERE client IN ` + clients,
		`INSERT INTO spent_keys (key_hash, spent) SELECT key_hash, retired FROM certificates
			WHERE client IN ` + clients + ` AND retired IS NOT NULL ON CONFLICT (key_hash) DO NOTHING`,
		`DELETE FROM certificates WHERE client IN ` + clients,
		`DELETE FROM usage WHERE holder IN (SELECT '` + clientHolder + `' || fingerprint FROM clients WHERE organization = $1)`,
		`DELETE FROM usage WHERE holder = '` + organizationHolder + `' || $1`,
		`DELETE FROM clients WHERE organization = $1`,
		`DELETE FROM contacts WHERE organization = $1`,
		`DELETE FROM organizations WHERE name = $1`,
	} {
		batch.Queue(statement, string(name))
	}
}
