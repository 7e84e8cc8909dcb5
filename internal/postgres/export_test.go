package postgres

import (
	"context"
	"errors"
	"io/fs"
)

// CreateFrom is Create with other migrations than this build's.
func CreateFrom(ctx context.Context, url string, files fs.FS) error { return create(ctx, url, files) }

// With returns the options with other migrations than this build's.
func (o Options) With(files fs.FS) Options {
	o.migrations = files
	return o
}

// Migrations are this build's.
var Migrations = migrations

// Setting asks the writing connection, or one that reads, for a setting.
func Setting(s *Store, writing bool, name string) (value string, err error) {
	ctx := context.Background()
	const query = `SELECT current_setting($1)`
	if writing {
		err = s.conn.QueryRow(ctx, query, name).Scan(&value)
	} else {
		err = s.pool.QueryRow(ctx, query, name).Scan(&value)
	}
	return value, err
}

// FlushCounters has the store's sessions bring what they count into the server's
// statistics.
func FlushCounters(s *Store) error {
	ctx := context.Background()
	const query = `SELECT pg_stat_force_next_flush()`
	_, err := s.conn.Exec(ctx, query)
	for _, conn := range s.pool.AcquireAllIdle(ctx) {
		_, flushed := conn.Exec(ctx, query)
		err = errors.Join(err, flushed)
		conn.Release()
	}
	return err
}
