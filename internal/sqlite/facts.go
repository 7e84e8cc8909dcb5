package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/ktsd/ktsd/internal/escrow"
)

// facts reads, within the transaction of a change, what its decisions need.
// Organizations come after certificates: what these bring along of theirs, without
// contacts and code, gives way to the whole.
func (s *Store) facts(keys escrow.Keys) (*escrow.Facts, error) {
	f := escrow.NewFacts()
	var errs []error
	for _, key := range keys.Certificates {
		errs = append(errs, s.factCertificate(f, key))
	}
	for _, fp := range keys.Clients {
		errs = append(errs, s.factClient(f, fp))
	}
	for _, name := range keys.Organizations {
		errs = append(errs, s.factOrganization(f, name))
	}
	for _, key := range keys.Deposits {
		errs = append(errs, s.factDeposit(f, key))
	}
	return f, errors.Join(errs...)
}

// find scans one row; that there is none is no error.
func (s *Store) find(query string, args []any, dest ...any) (found bool, err error) {
	st, err := s.statement(query)
	if err != nil {
		return false, err
	}
	err = st.QueryRowContext(context.Background(), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (s *Store) factCertificate(f *escrow.Facts, key escrow.KeyHash) error {
	var r standingRow
	found, err := s.find(`SELECT `+standingColumns+` `+standingTables+` WHERE c.key_hash = $1`, []any{key[:]}, r.dest()...)
	if !found {
		return err
	}
	who := r.standing(key)
	f.AddCertificate(*who.Certificate)
	f.AddClient(*who.Client)
	f.AddOrganization(*who.Organization)
	return nil
}

func (s *Store) factClient(f *escrow.Facts, fp escrow.Fingerprint) error {
	var r clientRow
	found, err := s.find(`SELECT `+clientColumns+` FROM clients k WHERE k.fingerprint = $1`, []any{fp}, r.dest()...)
	if found {
		f.AddClient(r.client())
	}
	return err
}

// factOrganization does the same work whether or not the organization exists: a
// registration must not tell by its time.
func (s *Store) factOrganization(f *escrow.Facts, name escrow.OrgName) error {
	contacts, err := s.contacts(name)
	if err != nil {
		return err
	}
	var r organizationRow
	found, err := s.find(`SELECT `+organizationColumns+` FROM organizations o WHERE o.name = $1`, []any{name}, r.dest()...)
	if found {
		org := r.organization()
		org.Contacts = contacts
		f.AddOrganization(org)
	}
	return err
}

func (s *Store) contacts(name escrow.OrgName) ([]string, error) {
	st, err := s.statement(`SELECT contact FROM contacts WHERE organization = $1 ORDER BY contact`)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(context.Background(), name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var contacts []string
	for rows.Next() {
		var contact string
		if err := rows.Scan(&contact); err != nil {
			return nil, err
		}
		contacts = append(contacts, contact)
	}
	return contacts, rows.Err()
}

func (s *Store) factDeposit(f *escrow.Facts, key escrow.DepositKey) error {
	var r depositRow
	found, err := s.find(`SELECT `+depositColumns+` FROM certificates c JOIN deposits d ON d.client = c.client
		WHERE c.key_hash = $1 AND d.uuid = $2`, []any{key.Certificate[:], key.UUID}, r.dest()...)
	if found {
		f.AddDeposit(r.deposit())
	}
	if err != nil || key.Handle == "" {
		return err
	}
	var client escrow.Fingerprint
	var latest int64
	found, err = s.find(`SELECT d.client, d.version FROM certificates c JOIN deposits d ON d.client = c.client
		WHERE c.key_hash = $1 AND d.handle = $2 ORDER BY d.version DESC LIMIT 1`, []any{key.Certificate[:], key.Handle}, &client, &latest)
	if found {
		f.AddLatest(client, key.Handle, latest)
	}
	return err
}
