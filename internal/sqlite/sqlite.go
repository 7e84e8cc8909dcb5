// Package sqlite is the embedded store: one SQLite file, no set-up. It
// implements escrow.Store, returns facts, and holds no policy. One connection
// writes, in WAL mode with every commit fsynced; one brings the log into the file
// (sqlite.org/wal.html), beside the changes; the others read.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pressly/goose/v3"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a database file. It is safe for concurrent use.
type Store struct {
	readers   chan *conn // those that are free; nil for one that was given up
	dialed    int        // how many there are
	path      string
	readerDSN string
	closed    chan struct{}

	mu       sync.Mutex // one change at a time
	isClosed bool
	writer   *conn
	position int64 // of the last audit record written
	written  int   // bytes, roughly, since the last checkpoint
	lost     error // why nothing is written any more, until a Change has told it

	checkpoints checkpointer

	broken atomic.Pointer[fault.Error] // set by the first error after which nothing is written
}

var _ escrow.Store = (*Store)(nil)

// ErrNoDatabase tells that Open found no file.
var ErrNoDatabase = errors.New("there is no database file")

// Create makes the database file of a node, with mode 0600, and an up-to-date
// schema. An empty file, which an interrupted Create leaves, is taken up.
func Create(ctx context.Context, path, node string) (*Store, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("creating the database: %w", err)
	}
	return connect(ctx, path, func(ctx context.Context, db *sql.DB) error {
		if _, err := db.ExecContext(ctx, `INSERT INTO node (name) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM node)`, node); err != nil {
			return fmt.Errorf("naming the database's node: %w", err)
		}
		return checkNode(ctx, db, path, node)
	})
}

// Open opens the database file of a node and brings its schema up to date. It
// refuses a file of another node, one that a newer ktsd wrote, and, with
// ErrNoDatabase, one that is not there.
func Open(ctx context.Context, path, node string) (*Store, error) {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, fmt.Errorf("%s: %w", path, ErrNoDatabase)
	} else if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	s, err := connect(ctx, path, func(ctx context.Context, db *sql.DB) error { return checkNode(ctx, db, path, node) })
	if err != nil {
		return nil, err
	}
	if err := persist(s.writer.Conn); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database %s: %w", path, err), s.Close())
	}
	return s, nil
}

// connect brings the schema up to date, has check look at the database, and opens
// the connections that stay. What they remove from a page they overwrite, which costs
// no more I/O: a row that moved leaves no copy behind when its page was split.
func connect(ctx context.Context, path string, check func(context.Context, *sql.DB) error) (*Store, error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "trusted_schema(0)", "wal_autocheckpoint(0)", "secure_delete(fast)"},
	}.Encode()}
	if err := prepare(ctx, path, u.String(), check); err != nil {
		return nil, err
	}
	s := &Store{path: path, readers: make(chan *conn, 2+2*runtime.NumCPU()), closed: make(chan struct{}), checkpoints: newCheckpointer()}
	if err := s.dial(u.String()); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database %s: %w", path, err), s.Close())
	}
	s.checkpoints.running.Go(s.checkpointLoop)
	return s, nil
}

// prepare makes the database ready to be worked with.
func prepare(ctx context.Context, path, dsn string, check func(context.Context, *sql.DB) error) (err error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := persistAll(ctx, db); err != nil {
		return fmt.Errorf("opening the database %s: %w", path, err)
	}
	if err := migrate(ctx, db); err != nil {
		return fmt.Errorf("opening the database %s: %w", path, err)
	}
	if err := settle(ctx, db, path); err != nil {
		return fmt.Errorf("opening the database %s: %w", path, err)
	}
	return check(ctx, db)
}

// dial opens the connections that the store works with.
func (s *Store) dial(dsn string) (err error) {
	if s.writer, err = dial(dsn); err != nil {
		return err
	}
	if s.checkpoints.conn, err = dial(dsn); err != nil {
		return err
	}
	s.readerDSN = readingDSN(s.path, dsn)
	for range cap(s.readers) {
		c, err := dial(s.readerDSN)
		if err != nil {
			return err
		}
		s.readers <- c
		s.dialed++
	}
	_, err = s.writer.find(`SELECT coalesce(max(position), 0) FROM audit_records`, nil, func(r *row) error {
		s.position = r.number()
		return r.err()
	})
	if err != nil {
		return fmt.Errorf("reading the audit records: %w", err)
	}
	return nil
}

// migrate brings the schema to the version of this build.
func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if have > want {
		return fmt.Errorf("its schema has version %d, and this build knows up to %d: a newer ktsd wrote it; install that version or a later one", have, want)
	}
	if have == want {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bringing the schema to version %d: %w", want, err)
	}
	return nil
}

// checkNode checks that the file is the node's own.
func checkNode(ctx context.Context, db *sql.DB, path, node string) error {
	var owner string
	err := db.QueryRowContext(ctx, `SELECT name FROM node`).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("the database %s belongs to no node: an interrupted ktadmin init left it; run that again", path)
	}
	if err != nil {
		return fmt.Errorf("reading the node of the database %s: %w", path, err)
	}
	if owner != node {
		return fmt.Errorf("the database %s belongs to node %s, and this is %s: "+
			"the state directory is never copied from one node to another; restore a backup instead", path, owner, node)
	}
	return nil
}

// errClosed is the error of what is asked of a store after Close.
var errClosed = errors.New("the database is closed")

// Close closes the file, after the reads and the change under way.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.isClosed {
		s.mu.Unlock()
		return nil
	}
	s.isClosed = true
	s.mu.Unlock()
	close(s.closed)
	s.checkpoints.running.Wait()
	var errs []error
	for range s.dialed {
		errs = append(errs, (<-s.readers).Close())
	}
	errs = append(errs, s.checkpoints.conn.Close())
	if s.writer != nil {
		errs = append(errs, emptyLog(s.writer))
	}
	return errors.Join(append(errs, s.writer.Close())...)
}

// Ping implements escrow.Store.
func (s *Store) Ping(ctx context.Context) error {
	err := s.read(ctx, func(c *conn) error {
		_, err := c.find(`SELECT 1 FROM node`, nil, func(*row) error { return nil })
		return err
	})
	if err != nil {
		return fmt.Errorf("asking the database: %w", err)
	}
	if f := s.broken.Load(); f != nil {
		return f
	}
	return nil
}
