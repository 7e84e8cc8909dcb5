package sqlite

import (
	"database/sql"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Each row type scans the columns named beside it.

const clientColumns = `k.fingerprint, k.organization, k.name, k.state, k.public_key, k.created`

type clientRow struct {
	c       escrow.Client
	created int64
}

func (r *clientRow) dest() []any {
	return []any{&r.c.Fingerprint, &r.c.Organization, &r.c.Name, &r.c.State, &r.c.PublicKey, &r.created}
}

func (r *clientRow) client() escrow.Client {
	r.c.Created = fromMicros(r.created)
	return r.c
}

const organizationColumns = `o.name, o.uuid, o.approval, o.code_kek, o.code_key, o.code, o.created, o.expires`

type organizationRow struct {
	o                escrow.Organization
	created, expires int64
}

func (r *organizationRow) dest() []any {
	return []any{&r.o.Name, &r.o.UUID, &r.o.Approval, &r.o.Code.Generation, &r.o.Code.Key, &r.o.Code.Contents, &r.created, &r.expires}
}

func (r *organizationRow) organization() escrow.Organization {
	r.o.Created, r.o.Expires = fromMicros(r.created), fromMicros(r.expires)
	return r.o
}

const depositColumns = `d.client, d.uuid, d.handle, d.version, d.not_after, d.digest, d.size, d.created, d.deleted`

// depositRow scans a deposit's description. All of it is NULL where an outer
// join found none.
type depositRow struct {
	client, uuid, handle                      sql.NullString
	version, notAfter, size, created, deleted sql.NullInt64
	digest                                    []byte
}

func (r *depositRow) dest() []any {
	return []any{&r.client, &r.uuid, &r.handle, &r.version, &r.notAfter, &r.digest, &r.size, &r.created, &r.deleted}
}

func (r *depositRow) deposit() escrow.Deposit {
	d := escrow.Deposit{
		Client: escrow.Fingerprint(r.client.String), UUID: escrow.UUID(r.uuid.String), Handle: escrow.Handle(r.handle.String),
		Version: r.version.Int64, NotAfter: fromNullMicros(r.notAfter), Size: r.size.Int64,
		Created: fromNullMicros(r.created), Deleted: fromNullMicros(r.deleted),
	}
	copy(d.Digest[:], r.digest)
	return d
}

const (
	standingColumns = `c.created, c.retired, k.fingerprint, k.organization, k.name, k.state, k.created, o.uuid, o.approval, o.created, o.expires`
	standingTables  = `FROM certificates c JOIN clients k ON k.fingerprint = c.client JOIN organizations o ON o.name = k.organization`
)

type standingRow struct {
	k                                         escrow.Client
	o                                         escrow.Organization
	bound, registered, orgCreated, orgExpires int64
	retired                                   sql.NullInt64
}

func (r *standingRow) dest() []any {
	return []any{&r.bound, &r.retired, &r.k.Fingerprint, &r.k.Organization, &r.k.Name, &r.k.State, &r.registered,
		&r.o.UUID, &r.o.Approval, &r.orgCreated, &r.orgExpires}
}

func (r *standingRow) standing(key escrow.KeyHash) escrow.Standing {
	r.k.Created = fromMicros(r.registered)
	r.o.Name, r.o.Created, r.o.Expires = r.k.Organization, fromMicros(r.orgCreated), fromMicros(r.orgExpires)
	return escrow.Standing{
		Certificate:  &escrow.Certificate{Key: key, Client: r.k.Fingerprint, Created: fromMicros(r.bound), Retired: fromNullMicros(r.retired)},
		Client:       &r.k,
		Organization: &r.o,
	}
}

// micros is a time as it is stored: NULL for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

func fromNullMicros(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return fromMicros(n.Int64)
}
