package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Fetch implements escrow.Store with one query.
func (s *Store) Fetch(ctx context.Context, key escrow.KeyHash, sel escrow.Selector) (escrow.Fetched, error) {
	query, args := fetchQuery(key, sel)
	var found escrow.Fetched
	err := s.query(ctx, "reading a deposit", query, args, func(r *row) bool {
		found.Standing = r.standing(key)
		if !r.none() {
			d := r.deposit()
			d.Sealed = r.sealed()
			found.Deposit = &d
		}
		return true
	})
	if err != nil {
		return escrow.Fetched{}, err
	}
	return found, nil
}

const (
	fetchStart = `SELECT ` + standingColumns + `, ` + depositColumns + `, ` + sealedColumns + ` ` + standingTables +
		` LEFT JOIN LATERAL (SELECT * FROM deposits d WHERE `
	fetchEnd       = `) d ON true WHERE c.key_hash = $1`
	fetchByUUID    = fetchStart + `d.uuid = $2 AND d.client || '' = c.client` + fetchEnd
	fetchByVersion = fetchStart + `d.client = c.client AND d.handle = $2 AND d.version = $3` + fetchEnd
	fetchLatest    = fetchStart + `d.client = c.client AND d.handle = $2 ORDER BY d.version DESC LIMIT 1` + fetchEnd
)

// fetchQuery is the query that a selector stands for. What cannot be stored as
// text is asked for as "", which names nothing.
func fetchQuery(key escrow.KeyHash, sel escrow.Selector) (query string, args []any) {
	uuid, _ := storable(string(sel.UUID))
	handle, whole := storable(string(sel.Handle))
	if !whole {
		handle = ""
	}
	switch {
	case sel.UUID != "":
		return fetchByUUID, []any{key[:], uuid}
	case sel.Version != 0:
		return fetchByVersion, []any{key[:], handle, sel.Version}
	}
	return fetchLatest, []any{key[:], handle}
}

// storable returns the beginning of s that PostgreSQL takes as text, and whether
// that is all of it: text is UTF-8 without a NUL.
func storable(s string) (start string, whole bool) {
	start, _, nul := strings.Cut(s, "\x00")
	if utf8.ValidString(start) {
		return start, !nul
	}
	for i, r := range start {
		if _, size := utf8.DecodeRuneInString(start[i:]); r == utf8.RuneError && size == 1 {
			return start[:i], false
		}
	}
	return start, !nul
}

const (
	listStart = `SELECT ` + standingColumns + `, ` + descriptionColumns + ` ` + standingTables + ` LEFT JOIN LATERAL (
		SELECT d.* FROM deposits d WHERE d.client = k.fingerprint AND (d.handle, d.version) > ($2, $3) AND d.handle >= $4`
	listLatest = ` AND d.deleted IS NULL AND d.version = (
		SELECT max(n.version) FROM deposits n WHERE n.client = d.client AND n.handle = d.handle)` // one look at the index's end
	listEnd = ` ORDER BY d.handle, d.version LIMIT $5) d ON true WHERE c.key_hash = $1 ORDER BY d.handle, d.version`
)

// List implements escrow.Store. The rows come in the order of the index, so it
// stops at the first handle without the prefix.
func (s *Store) List(ctx context.Context, key escrow.KeyHash, q escrow.ListQuery) (escrow.Standing, []escrow.Deposit, error) {
	query := listStart + listLatest + listEnd
	if q.All {
		query = listStart + listEnd
	}
	// A handle has no control characters. So those behind one with a NUL are those
	// behind its beginning, and none has a prefix with a NUL.
	prefix, _ := storable(q.Prefix)
	after, whole := storable(string(q.AfterHandle))
	version := q.AfterVersion
	if !whole {
		version = math.MaxInt64
	}
	var standing escrow.Standing
	var deposits []escrow.Deposit
	err := s.query(ctx, "listing deposits", query, []any{key[:], after, version, prefix, int64(q.Limit)}, func(r *row) bool {
		standing = r.standing(key)
		if r.none() {
			return false
		}
		d := r.description()
		if !strings.HasPrefix(string(d.Handle), q.Prefix) {
			return false
		}
		deposits = append(deposits, d)
		return true
	})
	if err != nil {
		return escrow.Standing{}, nil, err
	}
	return standing, deposits, nil
}

// Organizations implements escrow.Store.
func (s *Store) Organizations(ctx context.Context) ([]escrow.Organization, error) {
	var orgs []escrow.Organization
	index := map[escrow.OrgName]int{}
	err := s.query(ctx, "reading the organizations", `SELECT `+organizationColumns+` FROM organizations o ORDER BY o.name`, nil, func(r *row) bool {
		o := r.organization()
		index[o.Name] = len(orgs)
		orgs = append(orgs, o)
		return true
	})
	if err != nil {
		return nil, err
	}
	err = s.query(ctx, "reading the contacts", `SELECT organization, `+contactColumns+` FROM contacts ORDER BY organization, contact`, nil, func(r *row) bool {
		org, contact := escrow.OrgName(r.text()), r.contact()
		if i, ok := index[org]; ok {
			orgs[i].Contacts = append(orgs[i].Contacts, contact)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return orgs, nil
}

// Clients implements escrow.Store.
func (s *Store) Clients(ctx context.Context, org escrow.OrgName) ([]escrow.Client, error) {
	query, args := `SELECT `+clientColumns+` FROM clients k ORDER BY k.organization, k.fingerprint`, []any(nil)
	if org != "" {
		name, whole := storable(string(org))
		if !whole {
			return nil, nil
		}
		query, args = `SELECT `+clientColumns+` FROM clients k WHERE k.organization = $1 ORDER BY k.organization, k.fingerprint`, []any{name}
	}
	var clients []escrow.Client
	err := s.query(ctx, "reading the clients", query, args, func(r *row) bool {
		clients = append(clients, r.client())
		return true
	})
	if err != nil {
		return nil, err
	}
	return clients, nil
}

// Holding implements escrow.Store.
func (s *Store) Holding(ctx context.Context, org escrow.OrgName) (found *escrow.Holding, err error) {
	name, whole := storable(string(org))
	if !whole {
		return nil, nil
	}
	err = s.query(ctx, "counting what an organization holds", holdingQuery, []any{[]string{name}}, func(r *row) bool {
		_, h := r.holding()
		found = &h
		return true
	})
	return found, err
}

// Certificates implements escrow.Store.
func (s *Store) Certificates(ctx context.Context, client escrow.Fingerprint) ([]escrow.Certificate, error) {
	name, whole := storable(string(client))
	if !whole {
		return nil, nil
	}
	var certs []escrow.Certificate
	err := s.query(ctx, "reading the certificates", `SELECT `+certificateColumns+` FROM certificates WHERE client = $1 ORDER BY created, key_hash`,
		[]any{name}, func(r *row) bool {
			certs = append(certs, r.certificate())
			return true
		})
	if err != nil {
		return nil, err
	}
	return certs, nil
}

// PendingBefore implements escrow.Store.
func (s *Store) PendingBefore(ctx context.Context, before time.Time, limit int) ([]escrow.Client, error) {
	var clients []escrow.Client
	err := s.query(ctx, "reading the pending clients", `SELECT `+clientColumns+` FROM clients k WHERE k.state = 1 AND k.created < $1
		ORDER BY k.created, k.fingerprint LIMIT $2`, []any{before.UnixMicro(), int64(limit)}, func(r *row) bool {
		c := r.client()
		c.PublicKey = nil
		clients = append(clients, c)
		return true
	})
	if err != nil {
		return nil, err
	}
	return clients, nil
}

// PendingAudit implements escrow.Store.
func (s *Store) PendingAudit(ctx context.Context) ([]escrow.Record, error) {
	var records []escrow.Record
	err := s.query(ctx, "reading the audit records", `SELECT record FROM audit_records ORDER BY position`, nil, func(r *row) bool {
		var record escrow.Record
		if err := json.Unmarshal(r.next(), &record); err != nil {
			r.err = errors.Join(errUnreadable, err)
		}
		records = append(records, record)
		return true
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// KEKs implements escrow.Store.
func (s *Store) KEKs(ctx context.Context) (map[uint32][]byte, error) {
	keks := map[uint32][]byte{}
	err := s.query(ctx, "reading the generations of the key-encryption key", `SELECT generation, check_value FROM keks`, nil, func(r *row) bool {
		keks[r.generation()] = r.bytes()
		return true
	})
	if err != nil {
		return nil, err
	}
	return keks, nil
}

// Ping implements escrow.Store.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.query(ctx, "asking the database", `SELECT 1 FROM lease WHERE id = 1`, nil, func(*row) bool { return true }); err != nil {
		return err
	}
	if f := s.broken.Load(); f != nil {
		return f
	}
	return nil
}

// query calls each for every row, until it returns false. A connection that broke
// since its last use, as all do when PostgreSQL is restarted, is no error: the
// query is asked once more, on a new one.
func (s *Store) query(ctx context.Context, doing, query string, args []any, each func(*row) bool) error {
	stale, err := s.ask(ctx, query, args, each)
	if stale && ctx.Err() == nil {
		s.pool.Reset()
		_, err = s.ask(ctx, query, args, each)
	}
	if err != nil {
		return readError(ctx, doing, err)
	}
	return nil
}

// ask sends a query once. It tells whether that failed for the connection, before
// the first row.
func (s *Store) ask(ctx context.Context, query string, args []any, each func(*row) bool) (stale bool, err error) {
	acquired, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer acquired.Release()
	conn := acquired.Conn()
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		return conn.IsClosed(), err
	}
	defer rows.Close()
	any := false
	for rows.Next() {
		any = true
		r := row{values: rows.RawValues()}
		more := each(&r)
		if r.err != nil {
			return false, r.err
		}
		if !more {
			rows.Close()
			return false, nil
		}
	}
	err = rows.Err()
	return err != nil && !any && conn.IsClosed(), err
}
