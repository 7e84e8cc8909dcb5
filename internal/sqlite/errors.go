package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ktsd/ktsd/internal/fault"
)

// resultCode returns SQLite's primary result code (sqlite.org/rescode.html); 0 for
// an error that is not SQLite's.
func resultCode(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// refusal is the fault that an error stands for which leaves nothing written.
func refusal(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	switch resultCode(err) {
	case sqlite3.SQLITE_FULL:
		return fault.New(fault.Unavailable, "the disk of the database is full").
			WithHint("the server's operator: make room; writing goes on by itself then").Because(err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fault.New(fault.Unavailable, "the database is locked by another program").
			WithHint("the server's operator: see who has the file open (fuser)").Because(err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM:
		return fault.New(fault.Unavailable, "the database cannot be written").
			WithHint("the server's operator: see ktsd's log, and the disk").Because(err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, 0: // 0: a value that cannot be scanned
		return corrupt(err)
	}
	return fault.New(fault.Internal, "the database refused the change").Because(err)
}

// readError tells of a read that failed, and when it is the file that is damaged.
func readError(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	switch resultCode(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, 0:
		return corrupt(err)
	}
	return err
}

func corrupt(err error) error {
	return fault.New(fault.Corrupt, "the database holds what ktsd has not written").
		WithHint("the server's operator: see ktsd's log; restore the database from a backup").Because(err)
}
