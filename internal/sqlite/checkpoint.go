package sqlite

import (
	"fmt"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"
)

// checkpointSize is how many bytes are written, roughly, between two checkpoints:
// what SQLite does by itself after 1,000 pages.
const checkpointSize = 2 << 20

// A checkpoint goes on beside the changes until no more than this many pages of
// the log are left, and has the rest done while changes wait.
const (
	checkpointRest   = 64
	checkpointRounds = 4
)

// checkpointer brings the log into the database file. SQLite would do it within a
// commit, which a put then waits for, and would tell nobody that it failed.
type checkpointer struct {
	conn    *conn
	due     chan struct{}
	running sync.WaitGroup
}

func newCheckpointer() checkpointer { return checkpointer{due: make(chan struct{}, 1)} }

// wrote notes what a change has added to the log. The caller holds mu.
func (s *Store) wrote(bytes int) {
	if s.written += bytes; s.written < checkpointSize {
		return
	}
	s.written = 0
	select {
	case s.checkpoints.due <- struct{}{}:
	default:
	}
}

// checkpointLoop makes the checkpoints that are due, until the store is closed.
func (s *Store) checkpointLoop() {
	for {
		select {
		case <-s.checkpoints.due:
			if err := s.checkpoint(); err != nil {
				s.mu.Lock()
				s.lost = s.lose(err)
				s.mu.Unlock()
				return
			}
		case <-s.closed:
			return
		}
	}
}

// checkpoint brings the log into the file, and has it begin anew, unless a reader
// or a full disk is in the way: then the next one does. Any other error means
// that nobody knows what of the file is on disk.
func (s *Store) checkpoint() error {
	for range checkpointRounds {
		left, err := s.moveLog(`PRAGMA wal_checkpoint(PASSIVE)`)
		if err != nil {
			return err
		}
		if left <= checkpointRest {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.moveLog(`PRAGMA wal_checkpoint(RESTART)`)
	return err
}

// moveLog runs one checkpoint, and returns how many pages of the log it left.
func (s *Store) moveLog(pragma string) (left int64, err error) {
	_, err = s.checkpoints.conn.find(pragma, nil, func(r *row) error {
		_, pages, moved := r.number(), r.number(), r.number()
		left = pages - moved
		return r.err()
	})
	switch resultCode(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("bringing the log into the database file: %w", err)
	}
	return left, nil
}
