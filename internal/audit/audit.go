// Package audit keeps a node's audit log: JSON lines in segment files, each
// line holding the hash of the line before it, so that no line can be edited,
// dropped, moved or slipped in without every later hash telling.
//
// It refuses to carry on another node's log, to chain a line onto one that is
// not in the file, and to write anything after an fsync has failed. It does not
// decide what is audited (package escrow does), and it cannot tell a chain whose
// end was cut or computed anew from a whole one: that takes a head signed and
// kept elsewhere.
package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/safefile"
)

// ErrClosed is the error of every call after Close.
var ErrClosed = errors.New("the audit log is closed")

// Options are what the caller of Open may choose; the zero value is right for
// production.
type Options struct {
	// SegmentSize is the number of bytes from which on a segment is full and the
	// next Append opens a new one; 0 means DefaultSegmentSize. A segment exceeds
	// it by what one Append writes at most.
	SegmentSize int64

	// SegmentAge is how old a segment gets; 0 means DefaultSegmentAge. The first
	// Append after that opens a new one.
	SegmentAge time.Duration

	// Reserve is the number of bytes that are set aside on the disk for when it is
	// full; 0 means DefaultReserve, or a 16th of a disk on which that is less. A
	// negative number means none.
	Reserve int64

	// LowWater is the number of free bytes below which Space tells that the disk is
	// nearly full; 0 means DefaultLowWater, or a quarter of a disk on which that is
	// less. A negative number means never.
	LowWater int64
}

// Log is the open end of one node's chain. Its methods may be called from
// several goroutines. One process at a time may hold a directory open; the
// caller's lock sees to that.
type Log struct {
	dir     string
	node    string
	options Options
	mark    *mark
	space   *space

	syncing sync.Mutex // held by Sync throughout; taken before mu

	mu      sync.Mutex
	file    *os.File // the last segment, in append mode
	number  int      // of that segment
	first   uint64   // its header's line
	began   time.Time
	size    int64 // its bytes up to the end of the last whole line
	partial bool  // a failed write may have left bytes behind size
	head    head  // the last whole line
	synced  place // up to where all lines are on disk
	encoder lineEncoder
	lines   atomic.Uint64 // head.seq
	err     error         // once set, the answer to every call
}

var _ escrow.Auditor = (*Log)(nil)

// head is the place in the chain that the next line follows.
type head struct {
	seq  uint64
	hash digest
}

// place is a head, and the segment that it lies in.
type place struct {
	head
	segment int
}

// Open takes up the chain in dir at its end, or begins one: it makes dir (mode
// 0700) when it is not there. It reads the end of the last segment only, from
// where that is known to be on disk; Verify is what reads all. What is not known
// to be on disk is written once more. What a crash left of half-written lines stays
// in place, followed by a line that says so.
//
// The log of another node is refused, as is a last segment without its header.
func Open(dir, node string, options Options) (*Log, error) {
	options = options.withDefaults()
	l := &Log{dir: dir, node: node, options: options}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := errors.Join(safefile.MakeDir(dir), safefile.Adopt(dir, filepath.Dir(dir))); err != nil {
			return nil, fmt.Errorf("opening the audit log: %w", err)
		}
	}
	numbers, err := segmentNumbers(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	l.space = newSpace(dir, options)
	l.mark = openMark(dir)
	if len(numbers) == 0 {
		err = l.startSegment(1)
	} else {
		err = l.resume(numbers[len(numbers)-1])
	}
	if err != nil {
		l.mark.close()
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	l.lines.Store(l.head.seq)
	l.space.open()
	return l, nil
}

// resume takes up the chain at the end of a segment.
func (l *Log) resume(number int) error {
	name := segmentPath(l.dir, number)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	l.file, l.number = f, number
	err = l.checkHeader()
	if err == nil {
		err = l.repairTail()
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Sync returns once every record appended before the call is on disk. A failed
// fsync is final, since the kernel may have dropped the pages: from then on
// every Append and Sync returns its error, and the process has to be restarted
// to take up what is really in the file.
func (l *Log) Sync() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()

	l.mu.Lock()
	file, end, size, err := l.file, place{l.head, l.number}, l.size, l.err
	done := l.synced.seq >= end.seq
	l.mu.Unlock()
	if err != nil || done {
		return err
	}

	err = file.Sync() // without mu: reads go on being audited

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil && l.err != ErrClosed {
		return l.err
	}
	if errors.Is(err, os.ErrClosed) {
		return nil // a rotation or Close came first, and synced the file before it closed it
	}
	if err != nil {
		return l.fail(fmt.Errorf("syncing the audit log to disk: %w", err))
	}
	if end.seq > l.synced.seq {
		l.synced = end
	}
	if l.file == file {
		l.mark.set(l.number, size)
	}
	return nil
}

// Close syncs and closes the log. Every later call returns ErrClosed.
func (l *Log) Close() error {
	l.space.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == ErrClosed {
		return ErrClosed
	}
	err := l.err
	if err == nil {
		if err = l.file.Sync(); err != nil {
			err = l.fail(fmt.Errorf("syncing the audit log to disk: %w", err))
		} else {
			l.mark.set(l.number, l.size)
		}
	}
	l.mark.close()
	if l.err == nil {
		l.err = ErrClosed
	}
	return errors.Join(err, l.file.Close())
}

// fail makes err the answer to every later call, and returns it.
func (l *Log) fail(err error) error {
	l.err = fmt.Errorf("%w; records may be lost: check the disk, then restart", err)
	return l.err
}

// now is the time of a line of our own, to the microsecond, as in the records.
func now() time.Time {
	return time.Now().UTC().Truncate(time.Microsecond)
}
