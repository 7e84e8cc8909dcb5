package floor

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"runtime"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

type sqliteStore struct {
	readers, writers *sql.DB
	get              *sql.Stmt
	insert           *sql.Stmt
}

// OpenSQLite opens a store in a file, with the settings that ktsd has.
func OpenSQLite(path string) (Store, error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"},
		"_txlock": {"immediate"},
	}.Encode()}
	s := &sqliteStore{}
	var err error
	if s.writers, err = sql.Open("sqlite", u.String()); err != nil {
		return nil, err
	}
	if s.readers, err = sql.Open("sqlite", u.String()); err != nil {
		return nil, err
	}
	s.writers.SetMaxOpenConns(1)
	s.readers.SetMaxOpenConns(2 + 2*runtime.NumCPU())
	s.readers.SetMaxIdleConns(2 + 2*runtime.NumCPU())
	if _, err = s.writers.Exec(`CREATE TABLE IF NOT EXISTS deposits (uuid TEXT NOT NULL PRIMARY KEY, contents BLOB NOT NULL)`); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.get, err = s.readers.Prepare(`SELECT contents FROM deposits WHERE uuid = $1`); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.insert, err = s.writers.Prepare(`INSERT INTO deposits (uuid, contents) VALUES ($1, $2)`); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *sqliteStore) Get(ctx context.Context, id uuid.UUID) (contents []byte, err error) {
	err = s.get.QueryRowContext(ctx, id.String()).Scan(&contents)
	return contents, err
}

func (s *sqliteStore) put(group []job) error {
	tx, err := s.writers.Begin()
	if err != nil {
		return err
	}
	insert := tx.Stmt(s.insert)
	for _, j := range group {
		if _, err := insert.Exec(j.id.String(), j.contents); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func (s *sqliteStore) Close() error { return errors.Join(s.readers.Close(), s.writers.Close()) }
