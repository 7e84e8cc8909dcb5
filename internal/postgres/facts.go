package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ktsd/ktsd/internal/escrow"
)

// lockLease takes the lock that makes sure that nobody else writes. It waits for a
// writer that is still committing.
const lockLease = `SELECT epoch FROM lease WHERE id = 1 FOR UPDATE`

// readFacts begins a transaction and reads what the decisions of a change need: one
// query for each kind of facts, all in one round trip.
func (s *Store) readFacts(ctx context.Context, keys escrow.Keys) (*escrow.Facts, error) {
	f := escrow.NewFacts()
	batch := &pgx.Batch{}
	batch.Queue(`BEGIN`)
	s.queueLease(batch)
	queueCertificates(batch, f, keys.Certificates)
	if len(keys.Clients) > 0 {
		queueEach(batch, func(r *row) {
			c := r.client()
			f.AddClient(c)
			f.AddUsage(c.Fingerprint, r.usage(), c.Organization, r.usage())
			f.AddBound(c.Fingerprint, r.number())
		}, `SELECT `+clientColumns+`, `+usageColumns+`, (SELECT count(*) FROM certificates c WHERE c.client = k.fingerprint)
			FROM clients k`+usageTables+` WHERE k.fingerprint = ANY($1)`, texts(keys.Clients))
	}
	// Organizations come after certificates: what these bring along of theirs,
	// without contacts and code, gives way to the whole.
	queueOrganizations(batch, f, keys.Organizations)
	queueDeposits(batch, f, keys.Deposits)
	for _, key := range keys.Owned {
		queueEach(batch, func(r *row) { f.AddDeposit(r.description()) },
			`SELECT `+descriptionColumns+` FROM deposits d WHERE d.uuid = $1 AND d.client || '' = $2`, string(key.UUID), string(key.Client))
	}
	if len(keys.Holdings) > 0 {
		queueEach(batch, func(r *row) { f.AddHolding(r.holding()) }, holdingQuery, texts(keys.Holdings))
	}
	if len(keys.Spent) > 0 {
		queueEach(batch, func(r *row) { f.AddSpent(escrow.KeyHash(r.hash())) }, `SELECT key_hash FROM spent_keys WHERE key_hash = ANY($1)`, hashes(keys.Spent))
	}
	return f, s.conn.SendBatch(ctx, batch).Close()
}

// queueLease has a batch fail with errLost if the lease is not ours.
func (s *Store) queueLease(batch *pgx.Batch) {
	held := false
	batch.Queue(lockLease).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			r := row{values: rows.RawValues()}
			held = r.number() == s.lease.epoch
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if !held {
			return errLost
		}
		return nil
	})
}

// queueEach queues a query whose rows each takes.
func queueEach(batch *pgx.Batch, each func(*row), query string, args ...any) {
	batch.Queue(query, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			r := row{values: rows.RawValues()}
			if each(&r); r.err != nil {
				return r.err
			}
		}
		return rows.Err()
	})
}

func queueCertificates(batch *pgx.Batch, f *escrow.Facts, keys []escrow.KeyHash) {
	if len(keys) == 0 {
		return
	}
	queueEach(batch, func(r *row) {
		key := escrow.KeyHash(r.hash())
		who := r.standing(key)
		f.AddUsage(who.Client.Fingerprint, r.usage(), who.Organization.Name, r.usage())
		f.AddCertificate(*who.Certificate)
		f.AddClient(*who.Client)
		f.AddOrganization(*who.Organization)
	}, `SELECT c.key_hash, `+standingColumns+`, `+usageColumns+` `+standingTables+usageTables+` WHERE c.key_hash = ANY($1)`, hashes(keys))
}

// hashes are keys without repetition, as the driver takes them.
func hashes(keys []escrow.KeyHash) [][]byte {
	var list [][]byte
	seen := map[escrow.KeyHash]bool{}
	for _, key := range keys {
		if !seen[key] {
			list = append(list, key[:])
			seen[key] = true
		}
	}
	return list
}

// queueOrganizations does the same work whether or not an organization exists: a
// registration must not tell by its time.
func queueOrganizations(batch *pgx.Batch, f *escrow.Facts, names []escrow.OrgName) {
	if len(names) == 0 {
		return
	}
	list := texts(names)
	queueEach(batch, func(r *row) {
		name := escrow.OrgName(r.text())
		f.AddPending(name, r.number())
		f.AddOrganizationUsage(name, r.usage())
	}, `SELECT n.name, (SELECT count(*) FROM clients k WHERE k.organization = n.name AND k.state = 1),
		coalesce(u.deposits, 0), coalesce(u.bytes, 0)
		FROM unnest($1::text[]) n(name) LEFT JOIN usage u ON u.holder = '`+organizationHolder+`' || n.name`, list)
	contacts := map[escrow.OrgName][]escrow.Contact{}
	queueEach(batch, func(r *row) {
		org := escrow.OrgName(r.text())
		contacts[org] = append(contacts[org], r.contact())
	}, `SELECT organization, `+contactColumns+` FROM contacts WHERE organization = ANY($1) ORDER BY organization, contact`, list)
	queueEach(batch, func(r *row) {
		o := r.organization()
		o.Contacts = contacts[o.Name]
		f.AddOrganization(o)
	}, `SELECT `+organizationColumns+` FROM organizations o WHERE o.name = ANY($1)`, list)
}

func queueDeposits(batch *pgx.Batch, f *escrow.Facts, keys []escrow.DepositKey) {
	if len(keys) == 0 {
		return
	}
	var certs, handleCerts [][]byte
	var uuids, handles []string
	for i := range keys {
		key := &keys[i]
		certs, uuids = append(certs, key.Certificate[:]), append(uuids, string(key.UUID))
		if key.Handle != "" {
			handleCerts, handles = append(handleCerts, key.Certificate[:]), append(handles, string(key.Handle))
		}
	}
	queueEach(batch, func(r *row) { f.AddDeposit(r.description()) },
		`SELECT `+descriptionColumns+` FROM unnest($1::bytea[], $2::text[]) x(key, uuid)
			JOIN certificates c ON c.key_hash = x.key JOIN deposits d ON d.uuid = x.uuid AND d.client || '' = c.client`, certs, uuids)
	if len(handles) > 0 {
		queueEach(batch, func(r *row) { f.AddLatest(escrow.Fingerprint(r.text()), escrow.Handle(r.text()), r.number()) },
			`SELECT c.client, x.handle, l.version FROM unnest($1::bytea[], $2::text[]) x(key, handle)
				JOIN certificates c ON c.key_hash = x.key
				CROSS JOIN LATERAL (SELECT d.version FROM deposits d WHERE d.client = c.client AND d.handle = x.handle
					ORDER BY d.version DESC LIMIT 1) l`, handleCerts, handles)
	}
}

// texts are names without repetition, as the driver takes them.
func texts[T ~string](names []T) []string {
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, string(name))
	}
	slices.Sort(list)
	return slices.Compact(list)
}
