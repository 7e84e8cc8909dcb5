package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// Change implements escrow.Store in one transaction. No context reaches it: a
// write under way is never cancelled.
func (s *Store) Change(keys escrow.Keys, decide func(*escrow.Facts) ([]escrow.Mutation, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.writer.exec(`BEGIN IMMEDIATE`); err != nil {
		return refusal("beginning a transaction", err)
	}
	position := s.position
	mutations, err := s.decideAndWrite(keys, decide)
	if err == nil && len(mutations) > 0 {
		err = s.commit()
	}
	if err != nil || len(mutations) == 0 {
		s.position = position
		return s.rollback(err)
	}
	s.wrote(sizeOf(mutations))
	return nil
}

// writable returns nil while changes can be made. What a checkpoint came upon is
// told as it is, once: from then on it is known.
func (s *Store) writable() error {
	if err := s.lost; err != nil {
		s.lost = nil
		return err
	}
	if f := s.broken.Load(); f != nil {
		return f
	}
	if s.isClosed {
		return s.lose(errClosed)
	}
	return nil
}

// sizeOf is about what mutations add to the log, in bytes.
func sizeOf(mutations []escrow.Mutation) (n int) {
	for _, m := range mutations {
		n += 1 << 10
		switch m := m.(type) {
		case escrow.AddDeposit:
			n += 4<<10 + len(m.Deposit.Sealed.Contents)
		case escrow.RemoveOrganization: // all of it is overwritten
			n += checkpointSize
		}
	}
	return n
}

// decideAndWrite does everything of a change but its commit, so whatever fails
// here leaves nothing written.
func (s *Store) decideAndWrite(keys escrow.Keys, decide func(*escrow.Facts) ([]escrow.Mutation, error)) ([]escrow.Mutation, error) {
	facts, err := s.facts(keys)
	if err != nil {
		return nil, refusal("reading what a change needs", err)
	}
	mutations, err := decide(facts)
	if err != nil {
		return nil, err
	}
	for _, m := range mutations {
		if err := s.write(m); err != nil {
			return nil, refusal(fmt.Sprintf("writing %T", m), err)
		}
	}
	return mutations, nil
}

// commit brings the transaction to disk. Unless the file is full or locked, nobody
// knows after an error what is there, and nothing more is written.
func (s *Store) commit() error {
	err := s.writer.exec(`COMMIT`)
	if err == nil {
		return nil
	}
	switch resultCode(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY:
		return refusal("committing", err)
	}
	return s.lose(fmt.Errorf("committing: %w", err))
}

// rollback ends a transaction that is not to be written, and returns why. One
// that cannot be ended leaves the connection in a state that nobody knows.
func (s *Store) rollback(why error) error {
	err := s.writer.exec(`ROLLBACK`)
	if err == nil || resultCode(err) == sqlite3.SQLITE_ERROR { // SQLite has ended it by itself
		return why
	}
	return s.lose(fmt.Errorf("rolling back: %w (after: %v)", err, why))
}

// lose ends all writing, and returns its cause.
func (s *Store) lose(cause error) error {
	s.broken.CompareAndSwap(nil, fault.New(fault.Unavailable, "the database cannot be written since an earlier error").Because(cause))
	return cause
}

// write writes one mutation.
func (s *Store) write(m escrow.Mutation) error {
	switch m := m.(type) {
	case escrow.AddDeposit:
		d := m.Deposit
		return s.writer.exec(`INSERT INTO deposits (client, uuid, handle, version, not_after, digest, size, created, deleted, purged, kek, data_key, contents)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			d.Client, d.UUID, d.Handle, d.Version, micros(d.NotAfter), d.Digest[:], d.Size, micros(d.Created), micros(d.Deleted), micros(d.Purged),
			d.Sealed.Generation, d.Sealed.Key, d.Sealed.Contents)
	case escrow.SetDeleted:
		return s.writer.exec(`UPDATE deposits SET deleted = $3 WHERE client = $1 AND uuid = $2`, m.Client, m.UUID, micros(m.Deleted))
	case escrow.Purge:
		return s.purge(m)
	case escrow.SetUsage:
		return s.writer.exec(`INSERT INTO usage (holder, deposits, bytes) VALUES ($1, $2, $3)
			ON CONFLICT (holder) DO UPDATE SET deposits = excluded.deposits, bytes = excluded.bytes`, holderOf(m), m.Usage.Deposits, m.Usage.Bytes)
	case escrow.AddRecord:
		return s.writeRecord(m.Record)
	case escrow.ForgetRecords:
		for _, id := range m.IDs {
			if err := s.writer.exec(`DELETE FROM audit_records WHERE id = $1`, id); err != nil {
				return err
			}
		}
		return nil
	case escrow.AddKEK:
		return s.writer.exec(`INSERT INTO keks (generation, check_value, created) VALUES ($1, $2, $3)`, m.Generation, m.Check, micros(m.Created))
	}
	return s.writeOrganization(m)
}

// purge takes sealed bytes out of the row, and overwrites them in the file.
func (s *Store) purge(m escrow.Purge) error {
	return s.secureDelete(func() error {
		return s.writer.exec(`UPDATE deposits SET purged = $3, data_key = x'', contents = x'' WHERE client = $1 AND uuid = $2`,
			m.Client, m.UUID, micros(m.Purged))
	})
}

// secureDelete has what is removed be overwritten in the file, whole pages too
// (sqlite.org/pragma.html#pragma_secure_delete). For all that is ever removed, such as
// audit records, that would cost more than it is worth.
func (s *Store) secureDelete(remove func() error) error {
	if err := s.writer.exec(`PRAGMA secure_delete = ON`); err != nil {
		return err
	}
	return errors.Join(remove(), s.writer.exec(`PRAGMA secure_delete = FAST`))
}

// holderOf names whose usage it is, as the table does.
func holderOf(m escrow.SetUsage) string {
	if m.Client != "" {
		return clientHolder + string(m.Client)
	}
	return organizationHolder + string(m.Organization)
}

func (s *Store) writeRecord(r escrow.Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	s.position++
	return s.writer.exec(`INSERT INTO audit_records (id, position, record) VALUES ($1, $2, $3)`, r.ID, s.position, data)
}
