package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	leaseTime  = 6 * time.Second // without a renewal, anybody may take it
	leaseRenew = 2 * time.Second
	leaseWait  = 8 * time.Second // more than leaseTime: a ktsd that crashed is waited for
	leasePoll  = 250 * time.Millisecond
)

// now is the database's clock, in microseconds.
const now = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`

// lease is the right to write. It is one row of the database: a ktsd that takes it
// raises its epoch, and a write that finds another epoch than its own writes
// nothing. So the time only decides who may try; the epoch decides who writes.
type lease struct {
	node, instance string
	epoch          int64
}

// errLost tells that another ktsd has taken the lease.
var errLost = errors.New("another ktsd has taken over the database: this one writes nothing more")

// take takes the lease: at once if it was released or is this instance's own,
// else once it was not renewed for leaseTime. It gives up after wait.
func (l *lease) take(ctx context.Context, conn *pgx.Conn, wait time.Duration) error {
	for give := time.Now().Add(wait); ; {
		err := conn.QueryRow(ctx, `UPDATE lease SET epoch = epoch + 1, holder = $1, instance = $2, renewed = `+now+`
			WHERE id = 1 AND (instance = '' OR instance = $2 AND holder = $1 OR abs(renewed - `+now+`) > $3) RETURNING epoch`,
			l.node, l.instance, leaseTime.Microseconds()).Scan(&l.epoch)
		if err == nil {
			return nil
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return told("taking the lease", err)
		}
		if time.Now().After(give) {
			return l.refuse(ctx, conn)
		}
		select {
		case <-time.After(leasePoll):
		case <-ctx.Done():
			return fmt.Errorf("waiting for the lease: %w", ctx.Err())
		}
	}
}

// refuse tells who holds the lease.
func (l *lease) refuse(ctx context.Context, conn *pgx.Conn) error {
	var holder string
	if err := conn.QueryRow(ctx, `SELECT holder FROM lease WHERE id = 1`).Scan(&holder); err != nil {
		return told("reading the lease", err)
	}
	return fmt.Errorf("ktsd on %s writes to it, and only one at a time may: stop that one first", holder)
}

// renew renews the lease until ctx ends, also while no changes come. What it
// misses while PostgreSQL is away does no harm unless another ktsd comes first.
func (s *Store) renew(ctx context.Context) {
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	warned := false
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		stale, err := s.renewOnce(ctx)
		if stale {
			s.pool.Reset()
			_, err = s.renewOnce(ctx)
		}
		if errors.Is(err, errLost) {
			_ = s.lose(err)
			return
		}
		if err != nil && !warned && ctx.Err() == nil {
			s.log.Warn("the lease of the database cannot be renewed", "database", s.where, "error", told("renewing the lease", err))
		} else if err == nil && warned {
			s.log.Info("the lease of the database is renewed again", "database", s.where)
		}
		warned = err != nil
	}
}

// renewOnce renews the lease, and tells whether that failed for a connection that
// had broken. Nothing depends on the row's being on disk, so it waits for no disk.
func (s *Store) renewOnce(ctx context.Context) (stale bool, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	results, err := conn.Conn().PgConn().Exec(ctx, fmt.Sprintf(`BEGIN; SET LOCAL synchronous_commit = off;
		UPDATE lease SET renewed = %s WHERE id = 1 AND epoch = %d; COMMIT`, now, s.lease.epoch)).ReadAll()
	if err != nil {
		return conn.Conn().IsClosed(), err
	}
	if results[2].CommandTag.RowsAffected() == 0 {
		return false, errLost
	}
	return false, nil
}

// release gives the lease back, so that the next one need not wait. If that fails,
// it has to.
func (l *lease) release(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, _ = conn.Exec(ctx, `UPDATE lease SET instance = '' WHERE id = 1 AND epoch = $1`, l.epoch)
}
