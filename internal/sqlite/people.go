package sqlite

import (
	"fmt"

	"github.com/ktsd/ktsd/internal/escrow"
)

// writeOrganization writes a mutation of organizations and contacts.
func (s *Store) writeOrganization(m escrow.Mutation) error {
	switch m := m.(type) {
	case escrow.AddOrganization:
		o := m.Organization
		err := s.writer.exec(`INSERT INTO organizations (name, uuid, approval, code_kek, code_key, code, created, expires, managed_by, mac)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			o.Name, o.UUID, o.Approval, o.Code.Generation, o.Code.Key, o.Code.Contents, micros(o.Created), micros(o.Expires), o.ManagedBy, []byte(o.MAC))
		for _, contact := range o.Contacts {
			if err == nil {
				err = s.write(escrow.AddContact{Organization: o.Name, Contact: contact})
			}
		}
		return err
	case escrow.SetAdmission:
		return s.writer.exec(`UPDATE organizations SET approval = $2, code_kek = $3, code_key = $4, code = $5, mac = $6 WHERE name = $1`,
			m.Organization, m.Approval, m.Code.Generation, m.Code.Key, m.Code.Contents, []byte(m.MAC))
	case escrow.SetExpiration:
		return s.writer.exec(`UPDATE organizations SET expires = $2, mac = $3 WHERE name = $1`, m.Organization, micros(m.Expires), []byte(m.MAC))
	case escrow.SetManagement:
		return s.writer.exec(`UPDATE organizations SET managed_by = $2, mac = $3 WHERE name = $1`, m.Organization, m.ManagedBy, []byte(m.MAC))
	case escrow.RemoveOrganization:
		return s.removeOrganization(m.Organization)
	case escrow.AddContact:
		c := m.Contact
		return s.writer.exec(`INSERT INTO contacts (organization, contact, created, mac) VALUES ($1, $2, $3, $4)`,
			m.Organization, c.Address, micros(c.Created), []byte(c.MAC))
	case escrow.RemoveContact:
		return s.writer.exec(`DELETE FROM contacts WHERE organization = $1 AND contact = $2`, m.Organization, m.Contact)
	}
	return s.writeClient(m)
}

// writeClient writes a mutation of clients and certificates.
func (s *Store) writeClient(m escrow.Mutation) error {
	switch m := m.(type) {
	case escrow.AddClient:
		c := m.Client
		return s.writer.exec(`INSERT INTO clients (fingerprint, organization, name, state, public_key, created, mac) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			c.Fingerprint, c.Organization, c.Name, c.State, c.PublicKey, micros(c.Created), []byte(c.MAC))
	case escrow.RemoveClient:
		err := s.writer.exec(`DELETE FROM certificates WHERE client = $1`, m.Client)
		if err == nil {
			err = s.writer.exec(`DELETE FROM clients WHERE fingerprint = $1`, m.Client)
		}
		return err
	case escrow.SetClientState:
		return s.writer.exec(`UPDATE clients SET state = $2, mac = $3 WHERE fingerprint = $1`, m.Client, m.State, []byte(m.MAC))
	case escrow.AddCertificate:
		c := m.Certificate
		return s.writer.exec(`INSERT INTO certificates (key_hash, client, created, retired, mac) VALUES ($1, $2, $3, $4, $5)`,
			c.Key[:], c.Client, micros(c.Created), micros(c.Retired), []byte(c.MAC))
	case escrow.RetireCertificate:
		return s.writer.exec(`UPDATE certificates SET retired = $2, mac = $3 WHERE key_hash = $1`, m.Key[:], micros(m.Retired), []byte(m.MAC))
	case escrow.SpendKey:
		return s.writer.exec(`INSERT INTO spent_keys (key_hash, spent) VALUES ($1, $2) ON CONFLICT (key_hash) DO NOTHING`, m.Key[:], micros(m.Spent))
	case escrow.Authenticate:
		return s.authenticate(m)
	}
	return fmt.Errorf("a mutation this store does not know: %T", m)
}

// authenticate sets a MAC.
func (s *Store) authenticate(m escrow.Authenticate) error {
	mac := []byte(m.MAC)
	switch {
	case m.Certificate != nil:
		return s.writer.exec(`UPDATE certificates SET mac = $2 WHERE key_hash = $1`, m.Certificate[:], mac)
	case m.Client != "":
		return s.writer.exec(`UPDATE clients SET mac = $2 WHERE fingerprint = $1`, m.Client, mac)
	case m.Contact != "":
		return s.writer.exec(`UPDATE contacts SET mac = $3 WHERE organization = $1 AND contact = $2`, m.Organization, m.Contact, mac)
	}
	return s.writer.exec(`UPDATE organizations SET mac = $2 WHERE name = $1`, m.Organization, mac)
}
