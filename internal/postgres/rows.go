package postgres

import (
	"encoding/binary"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// row takes the values of one row in turn, as they came over the wire: text as it
// is, BIGINT as eight bytes, BYTEA as it is. The first that is not what it must
// be ends the reading; err says so.
type row struct {
	values [][]byte
	err    error
}

func (r *row) next() []byte {
	if len(r.values) == 0 {
		r.err = errUnreadable
		return nil
	}
	v := r.values[0]
	r.values = r.values[1:]
	return v
}

// text takes a text that is not NULL.
func (r *row) text() string {
	v := r.next()
	if v == nil {
		r.err = errUnreadable
	}
	return string(v)
}

// optional takes a number or NULL.
func (r *row) optional() (n int64, there bool) {
	v := r.next()
	if v == nil {
		return 0, false
	}
	if len(v) != 8 {
		r.err = errUnreadable
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(v)), true
}

// number takes a number that is not NULL.
func (r *row) number() int64 {
	n, there := r.optional()
	if !there {
		r.err = errUnreadable
	}
	return n
}

// bytes takes a copy of bytes; nil for NULL.
func (r *row) bytes() []byte {
	v := r.next()
	if v == nil {
		return nil
	}
	return append(make([]byte, 0, len(v)), v...)
}

// hash takes 32 bytes.
func (r *row) hash() (h [32]byte) {
	if copy(h[:], r.next()) != len(h) {
		r.err = errUnreadable
	}
	return h
}

// time takes a time that is not NULL.
func (r *row) time() time.Time { return fromMicros(r.number()) }

// optionalTime takes a time; the zero time for NULL.
func (r *row) optionalTime() time.Time {
	n, there := r.optional()
	if !there {
		return time.Time{}
	}
	return fromMicros(n)
}

// generation takes the number of a generation of the key-encryption key.
func (r *row) generation() uint32 {
	n := r.number()
	if n < 0 || n > 1<<32-1 {
		r.err = errUnreadable
	}
	return uint32(n)
}

// Each method takes the columns named beside it.

const (
	standingColumns = `c.created, c.retired, c.mac, k.fingerprint, k.organization, k.name, k.state, k.created, k.mac, o.approval, o.expires, o.managed_by, o.mac`
	standingTables  = `FROM certificates c JOIN clients k ON k.fingerprint = c.client JOIN organizations o ON o.name = k.organization`
)

func (r *row) standing(key escrow.KeyHash) escrow.Standing {
	found := &struct { // one allocation
		cert escrow.Certificate
		k    escrow.Client
		o    escrow.Organization
	}{}
	cert, k, o := &found.cert, &found.k, &found.o
	cert.Key, cert.Created, cert.Retired, cert.MAC = key, r.time(), r.optionalTime(), r.bytes()
	k.Fingerprint, k.Organization = escrow.Fingerprint(r.text()), escrow.OrgName(r.text())
	k.Name, k.State, k.Created, k.MAC = r.text(), escrow.ClientState(r.number()), r.time(), r.bytes()
	o.Approval, o.Expires, o.ManagedBy, o.MAC = escrow.Approval(r.text()), r.time(), escrow.Management(r.text()), r.bytes()
	cert.Client, o.Name = k.Fingerprint, k.Organization
	return escrow.Standing{Certificate: cert, Client: k, Organization: o}
}

const certificateColumns = `key_hash, client, created, retired, mac`

func (r *row) certificate() escrow.Certificate {
	return escrow.Certificate{
		Key: escrow.KeyHash(r.hash()), Client: escrow.Fingerprint(r.text()),
		Created: r.time(), Retired: r.optionalTime(), MAC: r.bytes(),
	}
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

func (r *row) usage() escrow.Usage { return escrow.Usage{Deposits: r.number(), Bytes: r.number()} }

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
		Name: escrow.OrgName(r.text()), UUID: r.text(), Approval: escrow.Approval(r.text()), Code: r.sealed(),
		Created: r.time(), Expires: r.time(), ManagedBy: escrow.Management(r.text()), MAC: r.bytes(),
	}
}

// holdingQuery counts what organizations hold; one that is not there gives no row.
const holdingQuery = `SELECT o.name, (SELECT count(*) FROM clients WHERE organization = o.name), count(d.uuid), coalesce(sum(d.size), 0)::bigint
	FROM organizations o LEFT JOIN clients k ON k.organization = o.name
	LEFT JOIN deposits d ON d.client = k.fingerprint AND d.purged IS NULL WHERE o.name = ANY($1) GROUP BY o.name`

func (r *row) holding() (escrow.OrgName, escrow.Holding) {
	return escrow.OrgName(r.text()), escrow.Holding{Clients: r.number(), Deposits: r.number(), Bytes: r.number()}
}

const sealedColumns = `d.kek, d.data_key, d.contents`

func (r *row) sealed() escrow.Sealed {
	return escrow.Sealed{Generation: r.generation(), Key: r.bytes(), Contents: r.bytes()}
}

const (
	depositColumns     = `d.uuid, d.client, d.handle, d.version, d.not_after, d.created, d.deleted, d.purged`
	descriptionColumns = depositColumns + `, d.digest, d.size`
)

// none says whether an outer join found no deposit: then even its uuid is NULL.
func (r *row) none() bool { return len(r.values) == 0 || r.values[0] == nil }

// deposit takes what every read of a deposit brings.
func (r *row) deposit() escrow.Deposit {
	return escrow.Deposit{
		UUID: escrow.UUID(r.text()), Client: escrow.Fingerprint(r.text()), Handle: escrow.Handle(r.text()), Version: r.number(),
		NotAfter: r.optionalTime(), Created: r.time(), Deleted: r.optionalTime(), Purged: r.optionalTime(),
	}
}

// description takes a whole description.
func (r *row) description() escrow.Deposit {
	d := r.deposit()
	d.Digest, d.Size = r.hash(), r.number()
	return d
}

// micros is a time as it is stored: NULL for the zero time.
func micros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.UnixMicro()
	return &n
}

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }
