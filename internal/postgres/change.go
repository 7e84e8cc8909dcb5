package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// preludeTime is how long a change may wait for what leaves nothing written: for
// a connection, for the lock of the lease, and for the facts.
const preludeTime = 5 * time.Second

// countTime is preludeTime where what organizations hold is counted one by one.
const countTime = time.Minute

// Change implements escrow.Store in one transaction of two round trips: one locks
// the lease and reads the facts, the other writes and commits. No context that can
// end reaches the second.
func (s *Store) Change(keys escrow.Keys, decide func(*escrow.Facts) ([]escrow.Mutation, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.broken.Load(); f != nil {
		return f
	}
	facts, err := s.begin(keys)
	if err != nil {
		return err
	}
	mutations, err := decide(facts)
	if err != nil || len(mutations) == 0 {
		s.rollback()
		return err
	}
	return s.commit(mutations)
}

// begin begins the transaction and reads the facts. A connection that broke since
// the last change is no error.
func (s *Store) begin(keys escrow.Keys) (*escrow.Facts, error) {
	wait := preludeTime
	if len(keys.Holdings) > 0 {
		wait = countTime
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	for {
		fresh := s.conn == nil || s.conn.IsClosed()
		if fresh {
			if err := s.connect(ctx); err != nil {
				return nil, refusal("connecting", err)
			}
		}
		facts, err := s.readFacts(ctx, keys)
		if err == nil {
			return facts, nil
		}
		if s.conn.IsClosed() && !fresh && ctx.Err() == nil {
			continue
		}
		s.abandon(err)
		if errors.Is(err, errLost) {
			return nil, s.lose(err)
		}
		return nil, refusal("reading what a change needs", err)
	}
}

// rollback ends a transaction that is not to be written. A connection on which that
// fails is given up, and the server ends the transaction.
func (s *Store) rollback() {
	if s.conn.IsClosed() || s.conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), preludeTime)
	defer cancel()
	if _, err := s.conn.Exec(ctx, `ROLLBACK`); err != nil {
		hangUp(s.conn)
	}
}

// abandon ends a transaction that failed. A session that may only read is given up
// too: the next one may be let write, or lead to another server.
func (s *Store) abandon(why error) {
	s.rollback()
	if pgErr, answered := errors.AsType[*pgconn.PgError](why); answered && pgErr.Code == readOnly {
		hangUp(s.conn)
	}
}

// commit writes mutations and commits them, in one round trip.
func (s *Store) commit(mutations []escrow.Mutation) error {
	batch := &pgx.Batch{}
	if err := s.queue(batch, mutations); err != nil {
		s.rollback()
		return err
	}
	batch.Queue(`COMMIT`).Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("the transaction ended with %s", tag)
		}
		return nil
	})
	err := s.conn.SendBatch(context.Background(), batch).Close()
	if err == nil {
		return nil
	}
	if s.conn.IsClosed() {
		return s.resolve(mutations, err)
	}
	s.abandon(err) // PostgreSQL has said that it will not commit
	if _, answered := errors.AsType[*pgconn.PgError](err); !answered {
		return fault.New(fault.Internal, "the database refused the change").Because(fmt.Errorf("writing: %w", err))
	}
	return refusal("writing", err)
}
