package postgres

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// queueOrganization queues the statements of a mutation of organizations and
// contacts.
func queueOrganization(batch *pgx.Batch, m escrow.Mutation) error {
	switch m := m.(type) {
	case escrow.AddOrganization:
		o := m.Organization
		batch.Queue(`INSERT INTO organizations (name, uuid, approval, code_kek, code_key, code, created, expires, managed_by, mac)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, string(o.Name), o.UUID, string(o.Approval),
			int64(o.Code.Generation), o.Code.Key, o.Code.Contents, micros(o.Created), micros(o.Expires), string(o.ManagedBy), []byte(o.MAC))
		queueContacts(batch, o.Name, o.Contacts)
	case escrow.SetAdmission:
		batch.Queue(`UPDATE organizations SET approval = $2, code_kek = $3, code_key = $4, code = $5, mac = $6 WHERE name = $1`,
			string(m.Organization), string(m.Approval), int64(m.Code.Generation), m.Code.Key, m.Code.Contents, []byte(m.MAC))
	case escrow.SetExpiration:
		batch.Queue(`UPDATE organizations SET expires = $2, mac = $3 WHERE name = $1`, string(m.Organization), micros(m.Expires), []byte(m.MAC))
	case escrow.SetManagement:
		batch.Queue(`UPDATE organizations SET managed_by = $2, mac = $3 WHERE name = $1`, string(m.Organization), string(m.ManagedBy), []byte(m.MAC))
	case escrow.RemoveOrganization:
		queueRemoveOrganization(batch, m.Organization)
	case escrow.AddContact:
		queueContacts(batch, m.Organization, []escrow.Contact{m.Contact})
	case escrow.RemoveContact:
		batch.Queue(`DELETE FROM contacts WHERE organization = $1 AND contact = $2`, string(m.Organization), m.Contact)
	default:
		return queueClient(batch, m)
	}
	return nil
}

func queueContacts(batch *pgx.Batch, org escrow.OrgName, contacts []escrow.Contact) {
	if len(contacts) == 0 {
		return
	}
	n := len(contacts)
	addresses, created, macs := make([]string, n), make([]*int64, n), make([][]byte, n)
	for i, c := range contacts {
		addresses[i], created[i], macs[i] = c.Address, micros(c.Created), c.MAC
	}
	batch.Queue(`INSERT INTO contacts (organization, contact, created, mac)
		SELECT $1, x.* FROM unnest($2::text[], $3::bigint[], $4::bytea[]) x`, string(org), addresses, created, macs)
}

// queueClient queues the statements of a mutation of clients and certificates.
func queueClient(batch *pgx.Batch, m escrow.Mutation) error {
	switch m := m.(type) {
	case escrow.AddClient:
		c := m.Client
		batch.Queue(`INSERT INTO clients (fingerprint, organization, name, state, public_key, created, mac) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			string(c.Fingerprint), string(c.Organization), c.Name, int64(c.State), c.PublicKey, micros(c.Created), []byte(c.MAC))
	case escrow.RemoveClient:
		batch.Queue(`DELETE FROM certificates WHERE client = $1`, string(m.Client))
		batch.Queue(`DELETE FROM clients WHERE fingerprint = $1`, string(m.Client))
	case escrow.SetClientState:
		batch.Queue(`UPDATE clients SET state = $2, mac = $3 WHERE fingerprint = $1`, string(m.Client), int64(m.State), []byte(m.MAC))
	case escrow.AddCertificate:
		c := m.Certificate
		batch.Queue(`INSERT INTO certificates (key_hash, client, created, retired, mac) VALUES ($1, $2, $3, $4, $5)`,
			c.Key[:], string(c.Client), micros(c.Created), micros(c.Retired), []byte(c.MAC))
	case escrow.RetireCertificate:
		batch.Queue(`UPDATE certificates SET retired = $2, mac = $3 WHERE key_hash = $1`, m.Key[:], micros(m.Retired), []byte(m.MAC))
	case escrow.SpendKey:
		batch.Queue(`INSERT INTO spent_keys (key_hash, spent) VALUES ($1, $2) ON CONFLICT (key_hash) DO NOTHING`, m.Key[:], micros(m.Spent))
	case escrow.Authenticate:
		queueAuthenticate(batch, m)
	default:
		return fault.New(fault.Internal, "the database refused the change").Because(fmt.Errorf("a mutation this store does not know: %T", m))
	}
	return nil
}

func queueAuthenticate(batch *pgx.Batch, m escrow.Authenticate) {
	mac := []byte(m.MAC)
	switch {
	case m.Certificate != nil:
		batch.Queue(`UPDATE certificates SET mac = $2 WHERE key_hash = $1`, m.Certificate[:], mac)
	case m.Client != "":
		batch.Queue(`UPDATE clients SET mac = $2 WHERE fingerprint = $1`, string(m.Client), mac)
	case m.Contact != "":
		batch.Queue(`UPDATE contacts SET mac = $3 WHERE organization = $1 AND contact = $2`, string(m.Organization), m.Contact, mac)
	default:
		batch.Queue(`UPDATE organizations SET mac = $2 WHERE name = $1`, string(m.Organization), mac)
	}
}
