package sqlite

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Fetch implements escrow.Store with one query.
func (s *Store) Fetch(ctx context.Context, key escrow.KeyHash, sel escrow.Selector) (found escrow.Fetched, err error) {
	query, args := selected(key, sel)
	err = s.read(ctx, func(c *conn) error {
		_, err := c.find(query, args, func(r *row) error {
			found.Standing = r.standing(key)
			if d, ok := r.deposit(); ok {
				d.Sealed = escrow.Sealed{Generation: r.generation(), Key: r.bytes(), Contents: r.bytes()}
				found.Deposit = &d
			}
			return r.err()
		})
		return err
	})
	if err != nil {
		return escrow.Fetched{}, readError("reading a deposit", err)
	}
	return found, nil
}

const (
	fetchQuery = `SELECT ` + standingColumns + `, ` + depositColumns + `, d.kek, d.data_key, d.contents ` + standingTables + `
		LEFT JOIN deposits d ON d.client = c.client AND `
	fetchUUID    = fetchQuery + `d.uuid = $2 WHERE c.key_hash = $1`
	fetchVersion = fetchQuery + `d.handle = $2 AND d.version = $3 WHERE c.key_hash = $1`
	fetchLatest  = fetchQuery + `d.handle = $2 WHERE c.key_hash = $1 ORDER BY d.version DESC LIMIT 1`
)

// selected is the query that a selector stands for.
func selected(key escrow.KeyHash, sel escrow.Selector) (query string, args []any) {
	switch {
	case sel.UUID != "":
		return fetchUUID, []any{key[:], sel.UUID}
	case sel.Version != 0:
		return fetchVersion, []any{key[:], sel.Handle, sel.Version}
	}
	return fetchLatest, []any{key[:], sel.Handle}
}

// List implements escrow.Store. The rows come in the order of the index, so it
// stops at the first handle without the prefix.
func (s *Store) List(ctx context.Context, key escrow.KeyHash, q escrow.ListQuery) (who escrow.Standing, deposits []escrow.Deposit, err error) {
	condition := `(d.handle > $2 OR d.handle = $2 AND d.version > $3) AND d.handle >= $4`
	if !q.All {
		condition += ` AND d.deleted IS NULL AND NOT EXISTS (
			SELECT 1 FROM deposits n WHERE n.client = d.client AND n.handle = d.handle AND n.version > d.version)`
	}
	err = s.each(ctx, `SELECT `+standingColumns+`, `+descriptionColumns+` `+standingTables+`
		LEFT JOIN deposits d ON d.client = c.client AND `+condition+`
		WHERE c.key_hash = $1 ORDER BY d.handle, d.version LIMIT $5`,
		[]any{key[:], q.AfterHandle, q.AfterVersion, q.Prefix, q.Limit}, func(r *row) error {
			who = r.standing(key)
			d, found := r.description()
			if err := r.err(); err != nil {
				return err
			}
			if !found || !strings.HasPrefix(string(d.Handle), q.Prefix) {
				return errEnough
			}
			deposits = append(deposits, d)
			return nil
		})
	if err != nil {
		return escrow.Standing{}, nil, readError("listing deposits", err)
	}
	return who, deposits, nil
}

// Organizations implements escrow.Store.
func (s *Store) Organizations(ctx context.Context) ([]escrow.Organization, error) {
	var orgs []escrow.Organization
	index := map[escrow.OrgName]int{}
	err := s.each(ctx, `SELECT `+organizationColumns+` FROM organizations o ORDER BY o.name`, nil, func(r *row) error {
		org := r.organization()
		index[org.Name] = len(orgs)
		orgs = append(orgs, org)
		return r.err()
	})
	if err != nil {
		return nil, readError("reading the organizations", err)
	}
	err = s.each(ctx, `SELECT organization, `+contactColumns+` FROM contacts ORDER BY organization, contact`, nil, func(r *row) error {
		org, contact := escrow.OrgName(r.text()), r.contact()
		if i, ok := index[org]; ok {
			orgs[i].Contacts = append(orgs[i].Contacts, contact)
		}
		return r.err()
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
		ORDER BY k.organization, k.fingerprint`, []any{org}, func(r *row) error {
		clients = append(clients, r.client())
		return r.err()
	})
	if err != nil {
		return nil, readError("reading the clients", err)
	}
	return clients, nil
}

// Certificates implements escrow.Store.
func (s *Store) Certificates(ctx context.Context, client escrow.Fingerprint) ([]escrow.Certificate, error) {
	var certs []escrow.Certificate
	err := s.each(ctx, `SELECT `+certificateColumns+` FROM certificates WHERE client = $1 ORDER BY created, key_hash`, []any{client}, func(r *row) error {
		certs = append(certs, r.certificate())
		return r.err()
	})
	if err != nil {
		return nil, readError("reading the certificates", err)
	}
	return certs, nil
}

// Holding implements escrow.Store.
func (s *Store) Holding(ctx context.Context, org escrow.OrgName) (found *escrow.Holding, err error) {
	err = s.each(ctx, holdingQuery, []any{org}, func(r *row) error {
		h := r.holding()
		found = &h
		return r.err()
	})
	if err != nil {
		return nil, readError("counting what an organization holds", err)
	}
	return found, nil
}

// PendingBefore implements escrow.Store.
func (s *Store) PendingBefore(ctx context.Context, before time.Time, limit int) ([]escrow.Client, error) {
	var clients []escrow.Client
	err := s.each(ctx, `SELECT `+clientColumns+` FROM clients k WHERE k.state = 1 AND k.created < $1 ORDER BY k.created, k.fingerprint LIMIT $2`,
		[]any{micros(before), limit}, func(r *row) error {
			c := r.client()
			c.PublicKey = nil
			clients = append(clients, c)
			return r.err()
		})
	if err != nil {
		return nil, readError("reading the pending clients", err)
	}
	return clients, nil
}

// PendingAudit implements escrow.Store.
func (s *Store) PendingAudit(ctx context.Context) ([]escrow.Record, error) {
	var records []escrow.Record
	err := s.each(ctx, `SELECT record FROM audit_records ORDER BY position`, nil, func(r *row) error {
		var record escrow.Record
		if err := json.Unmarshal(r.bytes(), &record); err != nil {
			return err
		}
		records = append(records, record)
		return r.err()
	})
	if err != nil {
		return nil, readError("reading the audit records", err)
	}
	return records, nil
}

// KEKs implements escrow.Store.
func (s *Store) KEKs(ctx context.Context) (map[uint32][]byte, error) {
	keks := map[uint32][]byte{}
	err := s.each(ctx, `SELECT generation, check_value FROM keks`, nil, func(r *row) error {
		generation := r.generation()
		keks[generation] = r.bytes()
		return r.err()
	})
	if err != nil {
		return nil, readError("reading the generations of the key-encryption key", err)
	}
	return keks, nil
}

// each calls f for every row of a query.
func (s *Store) each(ctx context.Context, query string, args []any, f func(*row) error) error {
	return s.read(ctx, func(c *conn) error { return c.each(query, args, f) })
}
