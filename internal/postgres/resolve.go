package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// resolveTime is how long one look for the outcome of a commit may take.
const resolveTime = 5 * time.Second

// resolve finds out whether a change was committed whose connection broke before
// the answer came. It looks until PostgreSQL is back, or until GiveUp; then nothing
// more is written.
func (s *Store) resolve(mutations []escrow.Mutation, cause error) error {
	proof, arg := proofOf(mutations)
	if proof == "" && onlyForgets(mutations) { // to forget them again does no harm
		return refusal("writing", cause)
	}
	if proof == "" {
		return s.lose(fmt.Errorf("committing: %w", cause))
	}
	s.log.Warn("the connection to the database broke during a commit; looking up its outcome", "database", s.where, "error", cause)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		committed, err := s.lookUp(proof, arg)
		switch {
		case err == nil && committed:
			return nil
		case err == nil:
			return fault.New(fault.Unavailable, "the connection to the database broke before the change was written").
				WithHint("try again in a moment").Because(cause)
		case errors.Is(err, errLost):
			return s.lose(fmt.Errorf("committing: %w; %w", cause, err))
		}
		select {
		case <-time.After(wait):
		case <-s.hurry:
			return s.lose(fmt.Errorf("committing: %w; looking up the outcome: %w", cause, err))
		}
	}
}

// GiveUp ends the waiting for a PostgreSQL that is away, before a stop: an outcome
// that is not found at once is unknown.
func (s *Store) GiveUp() { s.giveUp() }

// proofOf returns a query that tells, by a row that a change wrote, that it was
// committed; "" where it wrote none that is its own.
func proofOf(mutations []escrow.Mutation) (query string, arg any) {
	for _, m := range mutations {
		switch m := m.(type) {
		case escrow.AddRecord:
			return `SELECT count(*) FROM audit_records WHERE id = $1`, m.Record.ID
		case escrow.AddKEK:
			return `SELECT count(*) FROM keks WHERE generation = $1`, int64(m.Generation)
		}
	}
	return "", nil
}

func onlyForgets(mutations []escrow.Mutation) bool {
	return len(leading[escrow.ForgetRecords](mutations)) == len(mutations)
}

// lookUp asks proof. The lock of the lease's row waits for the end of the lost
// connection's transaction, which holds it. The commit of the look-up's own comes
// after that one's in the log, so what has to wait for a standby has waited.
func (s *Store) lookUp(proof string, arg any) (committed bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	if s.conn.IsClosed() {
		if err := s.connect(ctx); err != nil {
			return false, err
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(`BEGIN`)
	s.queueLease(batch)
	queueEach(batch, func(r *row) { committed = r.number() > 0 }, proof, arg)
	batch.Queue(`COMMIT`)
	if err := s.conn.SendBatch(ctx, batch).Close(); err != nil {
		s.rollback()
		return false, err
	}
	return committed, nil
}
