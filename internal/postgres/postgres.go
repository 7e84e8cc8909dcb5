// Package postgres is the store for production: a database of PostgreSQL 15 or
// later, which several nodes may share. It implements escrow.Store, returns facts,
// and holds no policy. One connection writes, the others read. A lease in the
// database says which ktsd may write, and every write checks it. No statement is
// ever cancelled, and no context that can end reaches a commit.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// Options are what a Store is told of the ktsd that opens it.
type Options struct {
	Node     string       // the host's name, which others are shown
	Instance string       // of its state directory alone, random: who holds its lock is the same ktsd, restarted
	Log      *slog.Logger // nil: nothing is logged

	// Fatal, unless nil, is called once, from a goroutine of its own, when the
	// store can never write again: another ktsd took the lease, or nobody knows
	// the outcome of a commit.
	Fatal func(error)

	migrations fs.FS // nil: this build's
}

// Store is a database with the lease to write. It is safe for concurrent use.
type Store struct {
	cfg   *pgxpool.Config
	where string
	log   *slog.Logger
	fatal func(error)
	pool  *pgxpool.Pool // reads, and renews the lease

	lease lease

	mu       sync.Mutex // one change at a time
	conn     *pgx.Conn  // writes; nil or closed after it broke
	position int64      // of the last audit record written

	broken  atomic.Pointer[fault.Error] // set by the first error after which nothing is written
	stop    context.CancelFunc          // ends the renewal of the lease
	hurry   chan struct{}               // closed by giveUp: a stop waits for nobody
	giveUp  func()
	renewal sync.WaitGroup
}

var _ escrow.Store = (*Store)(nil)

// ErrNoSchema tells that the database is empty. To open it as if it were new would
// deny every key, should the URL be wrong.
var ErrNoSchema = errors.New("the database is empty")

// Open opens the database, takes the lease to write, and brings the schema up to
// date. It refuses a database that a newer ktsd wrote, one that another ktsd writes
// to, and, with ErrNoSchema, an empty one. No error shows the URL's password.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	cfg, err := parse(url)
	if err != nil {
		return nil, err
	}
	hurry := make(chan struct{})
	s := &Store{hurry: hurry, giveUp: sync.OnceFunc(func() { close(hurry) }), cfg: cfg, where: describe(&cfg.ConnConfig.Config), log: opts.Log, fatal: opts.Fatal,
		lease: lease{node: opts.Node, instance: opts.Instance}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.lease.node == "" || s.lease.instance == "" {
		return nil, errors.New("a node without a name or an instance cannot hold the lease of a database")
	}
	if err := s.open(ctx, opts.migrations); err != nil {
		s.Close()
		return nil, fmt.Errorf("opening the database %s: %w", s.where, err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, migrations fs.FS) error {
	schema, err := newSchema(migrations)
	if err != nil {
		return err
	}
	if err := s.connect(ctx); err != nil {
		return told("connecting", err)
	}
	have, err := schema.check(ctx, s.conn)
	if err != nil {
		return err
	}
	if have == 0 {
		return ErrNoSchema
	}
	if err := s.lease.take(ctx, s.conn, leaseWait); err != nil {
		return err
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, s.cfg); err != nil {
		return told("connecting", err)
	}
	renewal, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.renewal.Go(func() { s.renew(renewal) })
	if have < schema.version {
		if err := schema.migrate(context.WithoutCancel(ctx), s.cfg); err != nil {
			return err
		}
	}
	if err := s.conn.QueryRow(ctx, `SELECT coalesce(max(position), 0) FROM audit_records`).Scan(&s.position); err != nil {
		return told("reading the audit records", err)
	}
	return nil
}

// connect opens the connection that writes.
func (s *Store) connect(ctx context.Context) error {
	conn, err := dial(ctx, s.cfg)
	if err != nil {
		return err
	}
	server, err := greet(ctx, conn)
	if err != nil {
		hangUp(conn)
		return err
	}
	if server.fsync == "off" {
		s.log.Warn("PostgreSQL runs with fsync=off: acknowledged deposits are lost with the power", "database", s.where)
	}
	s.conn = conn
	return nil
}

// Close releases the lease and closes all connections. Changes must have ended.
func (s *Store) Close() error {
	if s.stop != nil {
		s.stop()
	}
	s.renewal.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	closed := fault.New(fault.Unavailable, "the database was closed")
	wrote := s.broken.CompareAndSwap(nil, closed)
	if s.conn != nil {
		if wrote {
			s.lease.release(s.conn)
		}
		hangUp(s.conn)
	}
	if s.pool != nil {
		s.pool.Close()
	}
	return nil
}

// lose ends all writing, and returns its cause.
func (s *Store) lose(cause error) error {
	f := fault.New(fault.Unavailable, "the database cannot be written since an earlier error").Because(cause)
	if s.broken.CompareAndSwap(nil, f) && s.fatal != nil {
		go s.fatal(cause)
	}
	return cause
}
