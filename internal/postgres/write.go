package postgres

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// queue queues the statements that write mutations. Those of usage, and those of
// the audit records, come last: they touch no table of the others, but for a removal,
// and so those that belong together stand together and share a statement. Within each
// part the order is kept.
func (s *Store) queue(batch *pgx.Batch, mutations []escrow.Mutation) error {
	var data, audit []escrow.Mutation
	var usage []escrow.SetUsage
	for _, m := range mutations {
		switch m := m.(type) {
		case escrow.SetUsage:
			usage = append(usage, m)
		case escrow.AddRecord, escrow.ForgetRecords:
			audit = append(audit, m)
		case escrow.RemoveOrganization: // with what was set of its usage before
			for _, u := range usage {
				data = append(data, u)
			}
			usage, data = nil, append(data, m)
		default:
			data = append(data, m)
		}
	}
	for len(data) > 0 {
		deposits := leading[escrow.AddDeposit](data)
		if len(deposits) > 0 {
			queueAddDeposits(batch, deposits)
			data = data[len(deposits):]
			continue
		}
		if err := queueOne(batch, data[0]); err != nil {
			return err
		}
		data = data[1:]
	}
	if len(usage) > 0 {
		queueUsage(batch, usage)
	}
	for len(audit) > 0 {
		records, forgotten := leading[escrow.AddRecord](audit), leading[escrow.ForgetRecords](audit)
		if err := s.queueRecords(batch, records); err != nil {
			return err
		}
		queueForget(batch, forgotten)
		audit = audit[len(records)+len(forgotten):]
	}
	return nil
}

// leading returns the mutations of one type that a list begins with.
func leading[T escrow.Mutation](list []escrow.Mutation) (run []T) {
	for _, m := range list {
		t, ok := m.(T)
		if !ok {
			break
		}
		run = append(run, t)
	}
	return run
}

func queueAddDeposits(batch *pgx.Batch, list []escrow.AddDeposit) {
	n := len(list)
	clients, uuids, handles := make([]string, n), make([]string, n), make([]string, n)
	versions, sizes, keks := make([]int64, n), make([]int64, n), make([]int64, n)
	notAfter, created, deleted, purged := make([]*int64, n), make([]*int64, n), make([]*int64, n), make([]*int64, n)
	digests, keys, contents := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for i := range list {
		d := &list[i].Deposit
		clients[i], uuids[i], handles[i] = string(d.Client), string(d.UUID), string(d.Handle)
		versions[i], sizes[i], keks[i] = d.Version, d.Size, int64(d.Sealed.Generation)
		notAfter[i], created[i], deleted[i], purged[i] = micros(d.NotAfter), micros(d.Created), micros(d.Deleted), micros(d.Purged)
		digests[i], keys[i], contents[i] = d.Digest[:], d.Sealed.Key, d.Sealed.Contents
	}
	batch.Queue(`INSERT INTO deposits (client, uuid, handle, version, not_after, digest, size, created, deleted, purged, kek, data_key, contents)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bigint[],
			$8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bytea[], $13::bytea[])`,
		clients, uuids, handles, versions, notAfter, digests, sizes, created, deleted, purged, keks, keys, contents)
}

func (s *Store) queueRecords(batch *pgx.Batch, list []escrow.AddRecord) error {
	if len(list) == 0 {
		return nil
	}
	n := len(list)
	ids, positions, records := make([]string, n), make([]int64, n), make([][]byte, n)
	for i := range list {
		data, err := json.Marshal(list[i].Record)
		if err != nil {
			return fault.New(fault.Internal, "an audit record cannot be written").Because(err)
		}
		s.position++
		ids[i], positions[i], records[i] = list[i].Record.ID, s.position, data
	}
	batch.Queue(`INSERT INTO audit_records (id, position, record) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[])`,
		ids, positions, records)
	return nil
}

func queueForget(batch *pgx.Batch, list []escrow.ForgetRecords) {
	var ids []string
	for _, m := range list {
		ids = append(ids, m.IDs...)
	}
	if len(ids) > 0 {
		batch.Queue(`DELETE FROM audit_records WHERE id = ANY($1)`, ids)
	}
}

// queueUsage queues what was set last of each holder.
func queueUsage(batch *pgx.Batch, list []escrow.SetUsage) {
	last := map[string]escrow.Usage{}
	for _, m := range list {
		last[holderOf(m)] = m.Usage
	}
	holders := slices.Sorted(maps.Keys(last))
	deposits, sizes := make([]int64, len(holders)), make([]int64, len(holders))
	for i, holder := range holders {
		deposits[i], sizes[i] = last[holder].Deposits, last[holder].Bytes
	}
	batch.Queue(`INSERT INTO usage (holder, deposits, bytes) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
		ON CONFLICT (holder) DO UPDATE SET deposits = excluded.deposits, bytes = excluded.bytes`, holders, deposits, sizes)
}

// holderOf names whose usage it is, as the table does.
func holderOf(m escrow.SetUsage) string {
	if m.Client != "" {
		return clientHolder + string(m.Client)
	}
	return organizationHolder + string(m.Organization)
}

// queueOne queues the statement of a mutation that comes alone.
func queueOne(batch *pgx.Batch, m escrow.Mutation) error {
	switch m := m.(type) {
	case escrow.SetDeleted:
		batch.Queue(`UPDATE deposits SET deleted = $3 WHERE uuid = $2 AND client || '' = $1`, string(m.Client), string(m.UUID), micros(m.Deleted))
	case escrow.Purge:
		batch.Queue(`UPDATE deposits SET purged = $3, data_key = '', contents = '' WHERE uuid = $2 AND client || '' = $1`,
			string(m.Client), string(m.UUID), micros(m.Purged))
	case escrow.SetUsage:
		queueUsage(batch, []escrow.SetUsage{m})
	case escrow.AddKEK:
		batch.Queue(`INSERT INTO keks (generation, check_value, created) VALUES ($1, $2, $3)`, int64(m.Generation), m.Check, micros(m.Created))
	default:
		return queueOrganization(batch, m)
	}
	return nil
}
