package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Fetch implements escrow.Store with one query.
func (s *Store) Fetch(ctx context.Context, key escrow.KeyHash, sel escrow.Selector) (escrow.Fetched, error) {
	which, args := selected(sel)
	var who standingRow
	var row depositRow
	var sealed escrow.Sealed
	var generation sql.NullInt64
	dest := append(append(who.dest(), row.dest()...), &generation, &sealed.Key, &sealed.Contents)
	err := s.readers.QueryRowContext(ctx, `SELECT `+standingColumns+`, `+depositColumns+`, d.kek, d.data_key, d.contents `+standingTables+`
		LEFT JOIN deposits d ON d.client = k.fingerprint AND `+which+`
		WHERE c.key_hash = $1 ORDER BY d.version DESC LIMIT 1`, append([]any{key[:]}, args...)...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return escrow.Fetched{}, nil
	}
	if err != nil {
		return escrow.Fetched{}, readError("reading a deposit", err)
	}
	found := escrow.Fetched{Standing: who.standing(key)}
	if row.uuid.Valid {
		d := row.deposit()
		sealed.Generation = uint32(generation.Int64)
		d.Sealed, found.Deposit = sealed, &d
	}
	return found, nil
}

// selected is the condition that a selector stands for, from parameter 2 on.
func selected(sel escrow.Selector) (condition string, args []any) {
	switch {
	case sel.UUID != "":
		return `d.uuid = $2`, []any{sel.UUID}
	case sel.Version != 0:
		return `d.handle = $2 AND d.version = $3`, []any{sel.Handle, sel.Version}
	}
	return `d.handle = $2`, []any{sel.Handle}
}

// List implements escrow.Store. The rows come in the order of the index, so it
// stops at the first handle without the prefix.
func (s *Store) List(ctx context.Context, key escrow.KeyHash, q escrow.ListQuery) (escrow.Standing, []escrow.Deposit, error) {
	condition := `(d.handle > $2 OR d.handle = $2 AND d.version > $3) AND d.handle >= $4`
	if !q.All {
		condition += ` AND d.deleted IS NULL AND NOT EXISTS (
			SELECT 1 FROM deposits n WHERE n.client = d.client AND n.handle = d.handle AND n.version > d.version)`
	}
	rows, err := s.readers.QueryContext(ctx, `SELECT `+standingColumns+`, `+depositColumns+` `+standingTables+`
		LEFT JOIN deposits d ON d.client = k.fingerprint AND `+condition+`
		WHERE c.key_hash = $1 ORDER BY d.handle, d.version LIMIT $5`, key[:], q.AfterHandle, q.AfterVersion, q.Prefix, q.Limit)
	if err != nil {
		return escrow.Standing{}, nil, readError("listing deposits", err)
	}
	defer rows.Close()
	var standing escrow.Standing
	var deposits []escrow.Deposit
	for rows.Next() {
		var who standingRow
		var row depositRow
		if err := rows.Scan(append(who.dest(), row.dest()...)...); err != nil {
			return escrow.Standing{}, nil, readError("listing deposits", err)
		}
		standing = who.standing(key)
		if !row.uuid.Valid || !strings.HasPrefix(row.handle.String, q.Prefix) {
			break
		}
		deposits = append(deposits, row.deposit())
	}
	if err := rows.Err(); err != nil {
		return escrow.Standing{}, nil, readError("listing deposits", err)
	}
	return standing, deposits, nil
}

// Organizations implements escrow.Store.
func (s *Store) Organizations(ctx context.Context) ([]escrow.Organization, error) {
	var orgs []escrow.Organization
	index := map[escrow.OrgName]int{}
	err := s.each(ctx, `SELECT `+organizationColumns+` FROM organizations o ORDER BY o.name`, nil, func(rows *sql.Rows) error {
		var r organizationRow
		if err := rows.Scan(r.dest()...); err != nil {
			return err
		}
		index[r.o.Name] = len(orgs)
		orgs = append(orgs, r.organization())
		return nil
	})
	if err != nil {
		return nil, readError("reading the organizations", err)
	}
	err = s.each(ctx, `SELECT organization, contact FROM contacts ORDER BY organization, contact`, nil, func(rows *sql.Rows) error {
		var org escrow.OrgName
		var contact string
		if err := rows.Scan(&org, &contact); err != nil {
			return err
		}
		if i, ok := index[org]; ok {
			orgs[i].Contacts = append(orgs[i].Contacts, contact)
		}
		return nil
	})
	if err != nil {
		return nil, readError("reading the contacts", err)
	}
	return orgs, nil
}

// Clients implements escrow.Store.
func (s *Store) Clients(ctx context.Context, org escrow.OrgName) ([]escrow.Client, error) {
	var clients []escrow.Client
	err := s.each(ctx, `SELECT `+clientColumns+` FROM clients k WHERE $1 = '' OR k.organization = $1
		ORDER BY k.organization, k.fingerprint`, []any{org}, func(rows *sql.Rows) error {
		var r clientRow
		if err := rows.Scan(r.dest()...); err != nil {
			return err
		}
		clients = append(clients, r.client())
		return nil
	})
	if err != nil {
		return nil, readError("reading the clients", err)
	}
	return clients, nil
}

// PendingAudit implements escrow.Store.
func (s *Store) PendingAudit(ctx context.Context) ([]escrow.Record, error) {
	var records []escrow.Record
	err := s.each(ctx, `SELECT record FROM audit_records ORDER BY position`, nil, func(rows *sql.Rows) error {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return err
		}
		var r escrow.Record
		if err := json.Unmarshal(data, &r); err != nil {
			return err
		}
		records = append(records, r)
		return nil
	})
	if err != nil {
		return nil, readError("reading the audit records", err)
	}
	return records, nil
}

// KEKs implements escrow.Store.
func (s *Store) KEKs(ctx context.Context) (map[uint32][]byte, error) {
	keks := map[uint32][]byte{}
	err := s.each(ctx, `SELECT generation, check_value FROM keks`, nil, func(rows *sql.Rows) error {
		var generation uint32
		var check []byte
		err := rows.Scan(&generation, &check)
		keks[generation] = check
		return err
	})
	if err != nil {
		return nil, readError("reading the generations of the key-encryption key", err)
	}
	return keks, nil
}

// each calls f for every row of a query.
func (s *Store) each(ctx context.Context, query string, args []any, f func(*sql.Rows) error) error {
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
