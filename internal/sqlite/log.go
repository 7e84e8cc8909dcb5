package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"

	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// settle brings to disk what the log of a run that broke off holds. After an fsync
// that failed the kernel shows what was written and counts it as clean, so no
// later fsync would: it has to be written anew. Where there is no room for it in
// the file it stays in the log, and is read from there.
func settle(ctx context.Context, db *sql.DB, path string) error {
	var busy, frames, moved int
	err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved)
	if resultCode(err) == sqlite3.SQLITE_FULL {
		err = rewrite(path + "-wal")
	}
	if err != nil {
		return fmt.Errorf("bringing its log to disk: %w", err)
	}
	if busy != 0 {
		return errors.New("its log cannot be brought to disk while another program has it open: see which (fuser)")
	}
	return nil
}

// rewrite writes each byte of a file once more, which takes no room, and fsyncs it.
func rewrite(path string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := make([]byte, 64<<10)
	for at := int64(0); ; {
		n, err := f.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			return f.Sync()
		}
		if _, err := f.WriteAt(buf[:n], at); err != nil {
			return err
		}
		at += int64(n)
	}
}

// persist has the files beside the database, its log and the index of that, stay
// when the connection is the last one to be closed: what is given to a full disk may
// be gone when ktsd starts again, and without an index nothing can even be read.
func persist(c any) error {
	control, ok := c.(sqlite.FileControl)
	if !ok {
		return errors.New("the driver cannot have the log persist")
	}
	_, err := control.FileControlPersistWAL("main", 1)
	return err
}

// persistAll is persist for the one connection of db.
func persistAll(ctx context.Context, db *sql.DB) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.Raw(persist), c.Close())
}

// emptyLog has the log be cut to nothing when the connection is closed, once all of
// it is in the file: one that stays would be in the way of a file from a backup.
func emptyLog(c *conn) error {
	_, err := c.find(`PRAGMA journal_size_limit = 0`, nil, func(*row) error { return nil })
	return err
}
