package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/ktsd/ktsd/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schema is the schema of this build.
type schema struct {
	files   fs.FS
	version int64
}

// newSchema reads migrations; nil stands for this build's.
func newSchema(files fs.FS) (schema, error) {
	if files == nil {
		sub, err := fs.Sub(migrations, "migrations")
		if err != nil {
			return schema{}, err
		}
		files = sub
	}
	s := schema{files: files}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return s, err
	}
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			return s, fmt.Errorf("reading the migrations: %w", err)
		}
		s.version = max(s.version, n)
	}
	return s, nil
}

// check returns the version of the database's schema; 0 for none. It refuses one
// that this build does not know, and tables that are not ktsd's.
func (s schema) check(ctx context.Context, conn *pgx.Conn) (have int64, err error) {
	var versioned, ours bool
	var tables int64
	err = conn.QueryRow(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL, to_regclass('lease') IS NOT NULL AND to_regclass('keks') IS NOT NULL,
		(SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename <> 'goose_db_version')`).Scan(&versioned, &ours, &tables)
	if err != nil {
		return 0, told("looking for the schema", err)
	}
	if tables > 0 && !(versioned && ours) {
		return 0, errors.New("it holds tables that are not ktsd's: give ktsd a database of its own")
	}
	if !versioned {
		return 0, nil
	}
	if err := conn.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have); err != nil {
		return 0, told("reading the schema's version", err)
	}
	if have > s.version {
		return 0, fmt.Errorf("its schema has version %d, and this build knows up to %d: a newer ktsd wrote it; install that version or a later one", have, s.version)
	}
	return have, nil
}

// migrate brings the schema to the version of this build.
func (s schema) migrate(ctx context.Context, cfg *pgxpool.Config) error {
	db := stdlib.OpenDB(*cfg.ConnConfig.Copy())
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectPostgres, db, s.files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return told(fmt.Sprintf("bringing the schema to version %d", s.version), err)
	}
	return nil
}

// Create makes the schema in an empty database, or brings an older one up to date.
// One that is up to date it leaves alone, so it may be called while ktsd runs; an
// older one it refuses then, for ktsd brings that up to date when it is restarted.
func Create(ctx context.Context, url string) error {
	return create(ctx, url, nil)
}

func create(ctx context.Context, url string, files fs.FS) error {
	cfg, err := parse(url)
	if err != nil {
		return err
	}
	s, err := newSchema(files)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		migrating, err := s.create(ctx, cfg)
		if err == nil {
			return nil
		}
		if _, known := errors.AsType[*fault.Error](err); known || !migrating || attempt == createTries || ctx.Err() != nil {
			return fmt.Errorf("making the schema of the database %s: %w", describe(&cfg.ConnConfig.Config), err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// createTries is how often Create tries to make a schema: the first time, another
// one may be making it.
const createTries = 4

// create is Create, once. It tells whether it came to changing anything.
func (s schema) create(ctx context.Context, cfg *pgxpool.Config) (migrating bool, err error) {
	conn, err := dial(ctx, cfg)
	if err != nil {
		return false, told("connecting", err)
	}
	defer hangUp(conn)
	if server, err := greet(ctx, conn); err != nil {
		return false, told("connecting", err)
	} else if server.standby {
		return false, errors.New("the server is a standby: see that the URL leads to the primary (target_session_attrs=read-write)")
	}
	have, err := s.check(ctx, conn)
	if err != nil || have == s.version {
		return false, err
	}
	if have > 0 {
		l := lease{node: "ktadmin", instance: uuid.NewString()}
		if err := l.take(ctx, conn, 0); err != nil {
			return false, fmt.Errorf("its schema has version %d, and this build's is %d: %w, or restart it with this version", have, s.version, err)
		}
		defer l.release(conn)
	}
	return true, s.migrate(ctx, cfg)
}
