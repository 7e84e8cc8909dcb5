// Package sqlite is the embedded store: one SQLite file, no set-up. It
// implements escrow.Store, returns facts, and holds no policy. One connection
// writes, in WAL mode with every commit fsynced; the others read.
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
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a database file. It is safe for concurrent use.
type Store struct {
	readers *sql.DB
	writers *sql.DB // of one connection, conn

	mu         sync.Mutex // one change at a time
	conn       *sql.Conn
	statements map[string]*sql.Stmt // prepared on conn, by their text
	position   int64                // of the last audit record written

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
	s, err := connect(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, err := s.writers.ExecContext(ctx, `INSERT INTO node (name) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM node)`, node); err != nil {
		return nil, errors.Join(fmt.Errorf("naming the database's node: %w", err), s.Close())
	}
	return s.take(ctx, path, node)
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
	s, err := connect(ctx, path)
	if err != nil {
		return nil, err
	}
	return s.take(ctx, path, node)
}

// connect opens the pools and brings the schema up to date.
func connect(ctx context.Context, path string) (*Store, error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "trusted_schema(0)"},
		"_txlock": {"immediate"},
	}.Encode()}
	s := &Store{statements: map[string]*sql.Stmt{}}
	var err error
	if s.writers, err = sql.Open("sqlite", u.String()); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if s.readers, err = sql.Open("sqlite", u.String()); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	s.writers.SetMaxOpenConns(1)
	s.readers.SetMaxOpenConns(2 + 2*runtime.NumCPU())
	s.readers.SetMaxIdleConns(2 + 2*runtime.NumCPU())
	if err := migrate(ctx, s.writers); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database %s: %w", path, err), s.Close())
	}
	return s, nil
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

// take checks that the file is the node's own, and makes it ready to write.
func (s *Store) take(ctx context.Context, path, node string) (*Store, error) {
	if err := s.prepare(ctx, path, node); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context, path, node string) error {
	var owner string
	err := s.readers.QueryRowContext(ctx, `SELECT name FROM node`).Scan(&owner)
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
	if err := s.readers.QueryRowContext(ctx, `SELECT coalesce(max(position), 0) FROM audit_records`).Scan(&s.position); err != nil {
		return fmt.Errorf("reading the audit records: %w", err)
	}
	s.conn, err = s.writers.Conn(ctx)
	return err
}

// Close closes the file. Changes must have ended.
func (s *Store) Close() error {
	for _, statement := range s.statements {
		statement.Close()
	}
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	return errors.Join(append(errs, s.readers.Close(), s.writers.Close())...)
}

// Ping implements escrow.Store.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.readers.QueryRowContext(ctx, `SELECT 1 FROM node`).Scan(&one); err != nil {
		return fmt.Errorf("asking the database: %w", err)
	}
	if f := s.broken.Load(); f != nil {
		return f
	}
	return nil
}
