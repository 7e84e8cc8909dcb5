package postgres

import (
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// queue queues the statements that write mutations. Those of the audit records come
// last: they touch no table of the others, and so those that belong together stand
// together and share a statement. Within each half the order is kept.
func (s *Store) queue(batch *pgx.Batch, mutations []escrow.Mutation) error {
	var data, audit []escrow.Mutation
	for _, m := range mutations {
		switch m.(type) {
		case escrow.AddRecord, escrow.ForgetRecords:
			audit = append(audit, m)
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
	notAfter, created, deleted := make([]*int64, n), make([]*int64, n), make([]*int64, n)
	digests, keys, contents := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for i := range list {
		d := &list[i].Deposit
		clients[i], uuids[i], handles[i] = string(d.Client), string(d.UUID), string(d.Handle)
		versions[i], sizes[i], keks[i] = d.Version, d.Size, int64(d.Sealed.Generation)
		notAfter[i], created[i], deleted[i] = micros(d.NotAfter), micros(d.Created), micros(d.Deleted)
		digests[i], keys[i], contents[i] = d.Digest[:], d.Sealed.Key, d.Sealed.Contents
	}
	batch.Queue(`INSERT INTO deposits (client, uuid, handle, version, not_after, digest, size, created, deleted, kek, data_key, contents)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bigint[],
			$8::bigint[], $9::bigint[], $10::bigint[], $11::bytea[], $12::bytea[])`,
		clients, uuids, handles, versions, notAfter, digests, sizes, created, deleted, keks, keys, contents)
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

// queueOne queues the statement of a mutation that comes alone.
func queueOne(batch *pgx.Batch, m escrow.Mutation) error {
	switch m := m.(type) {
	case escrow.SetDeleted:
		batch.Queue(`UPDATE deposits SET deleted = $3 WHERE uuid = $2 AND client || '' = $1`, string(m.Client), string(m.UUID), micros(m.Deleted))
	case escrow.AddKEK:
		batch.Queue(`INSERT INTO keks (generation, check_value, created) VALUES ($1, $2, $3)`, int64(m.Generation), m.Check, micros(m.Created))
	case escrow.AddOrganization:
		o := m.Organization
		batch.Queue(`INSERT INTO organizations (name, uuid, approval, code_kek, code_key, code, created, expires)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, string(o.Name), o.UUID, string(o.Approval),
			int64(o.Code.Generation), o.Code.Key, o.Code.Contents, micros(o.Created), micros(o.Expires))
		if len(o.Contacts) > 0 {
			batch.Queue(`INSERT INTO contacts (organization, contact, created) SELECT $1, x, $3 FROM unnest($2::text[]) x`,
				string(o.Name), o.Contacts, micros(o.Created))
		}
	case escrow.SetAdmission:
		batch.Queue(`UPDATE organizations SET approval = $2, code_kek = $3, code_key = $4, code = $5 WHERE name = $1`,
			string(m.Organization), string(m.Approval), int64(m.Code.Generation), m.Code.Key, m.Code.Contents)
	case escrow.AddContact:
		batch.Queue(`INSERT INTO contacts (organization, contact, created) VALUES ($1, $2, $3)`, string(m.Organization), m.Contact, micros(m.Created))
	case escrow.RemoveContact:
		batch.Queue(`DELETE FROM contacts WHERE organization = $1 AND contact = $2`, string(m.Organization), m.Contact)
	case escrow.AddClient:
		c := m.Client
		batch.Queue(`INSERT INTO clients (fingerprint, organization, name, state, public_key, created) VALUES ($1, $2, $3, $4, $5, $6)`,
			string(c.Fingerprint), string(c.Organization), c.Name, int64(c.State), c.PublicKey, micros(c.Created))
	case escrow.AddCertificate:
		c := m.Certificate
		batch.Queue(`INSERT INTO certificates (key_hash, client, created, retired) VALUES ($1, $2, $3, $4)`,
			c.Key[:], string(c.Client), micros(c.Created), micros(c.Retired))
	case escrow.SetClientState:
		batch.Queue(`UPDATE clients SET state = $2 WHERE fingerprint = $1`, string(m.Client), int64(m.State))
	default:
		return fault.New(fault.Internal, "the database refused the change").Because(fmt.Errorf("a mutation this store does not know: %T", m))
	}
	return nil
}
