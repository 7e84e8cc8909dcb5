package sqlite

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
)

// mapped is how much of the file, in bytes, the reading connections see in the page
// cache itself (sqlite.org/mmap.html): a read among very many deposits then costs
// about what one among few does. What lies behind is read by system calls.
const mapped = 1 << 30

// unmapped is added to the path of the database for the file that says that a part
// of it could not be read where it was mapped. While it is there nothing is mapped,
// so that a bad place on the disk is the error of those alone who want that place.
const unmapped = "-unmapped"

// readingDSN is what the reading connections open.
func readingDSN(path, dsn string) string {
	if _, err := os.Stat(path + unmapped); err == nil {
		return dsn
	}
	return dsn + fmt.Sprintf("&_pragma=mmap_size(%d)", mapped)
}

// read calls f with a connection that is free.
func (s *Store) read(ctx context.Context, f func(*conn) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	var c *conn
	select {
	case c = <-s.readers:
	case <-s.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.readers <- c }()
	if c == nil {
		if c, err = dial(s.readerDSN); err != nil {
			return err
		}
	}
	faulted, err := guarded(func() error { return f(c) })
	if faulted {
		c = nil
		s.faulted(err)
	}
	return err
}

// Rest closes the reading connections that are free, and gives back what they map
// and cache. Each is opened again when it is needed.
func (s *Store) Rest() {
	for range cap(s.readers) {
		select {
		case c := <-s.readers:
			if c != nil {
				_ = c.Close() // it only read
			}
			s.readers <- nil
		default:
			return
		}
	}
}

// faulted gives up a connection that was stopped in the middle of something. It
// holds locks of the file that only the end of the process gives free, so writing
// stops, and the process is started anew, with nothing mapped.
func (s *Store) faulted(cause error) {
	if err := os.WriteFile(s.path+unmapped, []byte(cause.Error()+"\n"), 0o600); err != nil {
		cause = fmt.Errorf("%w (and then %w)", cause, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken.Load() == nil {
		s.lost = s.lose(cause)
	}
}

// guarded calls f. Where a mapped part of the file cannot be read, since its disk
// fails or somebody has cut it, the kernel sends SIGBUS (mmap(2)): that ends the
// read with an error, not the process.
func guarded(f func() error) (faulted bool, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch p := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }: // see debug.SetPanicOnFault
			faulted, err = true, fmt.Errorf("a part of the database file cannot be read: %v", p)
		default:
			panic(p)
		}
	}()
	return false, f()
}
