package sqlite

import (
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// row reads the columns of a row, one after another. A value of another type than
// the one that is asked for is an error, which err returns.
type row struct {
	values []driver.Value
	next   int
	wrong  error
}

func (r *row) value() driver.Value {
	r.next++
	return r.values[r.next-1]
}

// err returns what was wrong with the columns that were read.
func (r *row) err() error { return r.wrong }

func (r *row) mismatch(v driver.Value, want string) {
	if r.wrong == nil {
		r.wrong = fmt.Errorf("column %d holds a %T, where %s belongs", r.next, v, want)
	}
}

// text reads a text; NULL is "".
func (r *row) text() string {
	switch v := r.value().(type) {
	case string:
		return v
	case nil:
		return ""
	default:
		r.mismatch(v, "a text")
		return ""
	}
}

// number reads an integer; NULL is 0.
func (r *row) number() int64 {
	switch v := r.value().(type) {
	case int64:
		return v
	case nil:
		return 0
	default:
		r.mismatch(v, "an integer")
		return 0
	}
}

// bytes reads a blob, which the caller may keep; NULL is nil. What a hand has made
// a text of is a blob all the same: whoever opens it finds out.
func (r *row) bytes() []byte {
	switch v := r.value().(type) {
	case []byte:
		return v
	case string:
		return []byte(v)
	case nil:
		return nil
	default:
		r.mismatch(v, "a blob")
		return nil
	}
}

// time reads a time in microseconds since 1970; NULL is the zero time.
func (r *row) time() time.Time {
	if r.values[r.next] == nil {
		r.next++
		return time.Time{}
	}
	return time.UnixMicro(r.number()).UTC()
}

// generation reads the generation of a key-encryption key.
func (r *row) generation() uint32 {
	n := r.number()
	if n != int64(uint32(n)) {
		r.mismatch(n, "a generation")
	}
	return uint32(n)
}

// micros is a time as it is stored: NULL for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// Each function below reads the columns named beside it.

const clientColumns = `k.fingerprint, k.organization, k.name, k.state, k.public_key, k.created, k.mac`

func (r *row) client() escrow.Client {
	return escrow.Client{
		Fingerprint: escrow.Fingerprint(r.text()), Organization: escrow.OrgName(r.text()), Name: r.text(),
		State: escrow.ClientState(r.number()), PublicKey: r.bytes(), Created: r.time(), MAC: r.bytes(),
	}
}

const contactColumns = `contact, created, mac`

func (r *row) contact() escrow.Contact {
	return escrow.Contact{Address: r.text(), Created: r.time(), MAC: r.bytes()}
}

const organizationColumns = `o.name, o.uuid, o.approval, o.code_kek, o.code_key, o.code, o.created, o.expires, o.managed_by, o.mac`

func (r *row) organization() escrow.Organization {
	return escrow.Organization{
		Name: escrow.OrgName(r.text()), UUID: r.text(), Approval: escrow.Approval(r.text()),
		Code:    escrow.Sealed{Generation: r.generation(), Key: r.bytes(), Contents: r.bytes()},
		Created: r.time(), Expires: r.time(), ManagedBy: escrow.Management(r.text()), MAC: r.bytes(),
	}
}

// holdingQuery counts what an organization holds; one that is not there gives no row.
const holdingQuery = `SELECT (SELECT count(*) FROM clients WHERE organization = o.name), count(d.uuid), coalesce(sum(d.size), 0)
	FROM organizations o LEFT JOIN clients k ON k.organization = o.name
	LEFT JOIN deposits d ON d.client = k.fingerprint AND d.purged IS NULL WHERE o.name = $1 GROUP BY o.name`

func (r *row) holding() escrow.Holding {
	return escrow.Holding{Clients: r.number(), Deposits: r.number(), Bytes: r.number()}
}

const depositColumns = `d.client, d.uuid, d.handle, d.version, d.not_after, d.created, d.deleted, d.purged`

// deposit reads what every read of a deposit brings. All of it is NULL where an
// outer join found none.
func (r *row) deposit() (d escrow.Deposit, found bool) {
	found = r.values[r.next] != nil
	return escrow.Deposit{
		Client: escrow.Fingerprint(r.text()), UUID: escrow.UUID(r.text()), Handle: escrow.Handle(r.text()),
		Version: r.number(), NotAfter: r.time(), Created: r.time(), Deleted: r.time(), Purged: r.time(),
	}, found
}

const descriptionColumns = depositColumns + `, d.digest, d.size`

// description reads a whole description.
func (r *row) description() (d escrow.Deposit, found bool) {
	d, found = r.deposit()
	copy(d.Digest[:], r.bytes())
	d.Size = r.number()
	return d, found
}

const (
	standingColumns = `c.client, c.created, c.retired, c.mac, k.organization, k.name, k.state, k.created, k.mac, o.approval, o.expires, o.managed_by, o.mac`
	standingTables  = `FROM certificates c JOIN clients k ON k.fingerprint = c.client JOIN organizations o ON o.name = k.organization`
)

func (r *row) standing(key escrow.KeyHash) escrow.Standing {
	cert := &escrow.Certificate{Key: key, Client: escrow.Fingerprint(r.text()), Created: r.time(), Retired: r.time(), MAC: r.bytes()}
	org := escrow.OrgName(r.text())
	return escrow.Standing{
		Certificate: cert,
		Client: &escrow.Client{Fingerprint: cert.Client, Organization: org, Name: r.text(),
			State: escrow.ClientState(r.number()), Created: r.time(), MAC: r.bytes()},
		Organization: &escrow.Organization{Name: org, Approval: escrow.Approval(r.text()), Expires: r.time(),
			ManagedBy: escrow.Management(r.text()), MAC: r.bytes()},
	}
}

const certificateColumns = `key_hash, client, created, retired, mac`

func (r *row) certificate() (c escrow.Certificate) {
	copy(c.Key[:], r.bytes())
	c.Client, c.Created, c.Retired, c.MAC = escrow.Fingerprint(r.text()), r.time(), r.time(), r.bytes()
	return c
}

// What stands before a name in table usage.
const (
	clientHolder       = "client/"
	organizationHolder = "organization/"
)

// usageColumns, of the tables that usageTables joins to a client k.
const (
	usageColumns = `coalesce(uc.deposits, 0), coalesce(uc.bytes, 0), coalesce(uo.deposits, 0), coalesce(uo.bytes, 0)`
	usageTables  = ` LEFT JOIN usage uc ON uc.holder = '` + clientHolder + `' || k.fingerprint LEFT JOIN usage uo ON uo.holder = '` + organizationHolder + `' || k.organization`
)

func (r *row) usage() (u escrow.Usage) {
	u.Deposits, u.Bytes = r.number(), r.number()
	return u
}
