// Package deny keeps a node's deny list: from whom access was taken away while the
// database could not be told. It is one file whose space is there before it is
// needed, so that a denial can be written when the database is gone and the disk
// is full.
//
// It refuses another node's list, a list of which a denial may be lost, and to
// write anything after an fsync has failed. It does not decide who is denied or who
// may deny (package escrow does), and it cannot tell a list that somebody edited
// with care, or took away, from a whole one. On a file system that copies what is
// overwritten (Btrfs, ZFS) a full disk can stop it.
package deny

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

const (
	// Space is how many bytes a new file has for denials to come: some 600 of them.
	Space = 256 << 10

	// MaxDenials is how many can be in force at once.
	MaxDenials = 10_000

	maxFile = 64 << 20 // more than MaxDenials of the longest lines
)

// ErrClosed is the error of every change after Close.
var ErrClosed = errors.New("the deny list is closed")

// List is one node's deny list. Its methods may be called from several goroutines.
// One process at a time may hold a file open; the caller's lock sees to that.
type List struct {
	path string
	node string

	writing sync.Mutex // held throughout a change; taken before mu
	dir     *os.File   // open from the start: descriptors may be short when it is needed
	file    *os.File
	size    int64 // of the file, zeros at its end included
	end     int64 // of the last line
	ask     int64 // more space is asked for where less is left
	lines   int   // the first one included
	err     error // once set, the answer to every change

	mu      sync.RWMutex // never held while the disk is waited for
	denials []escrow.Denial
	denied  map[escrow.Subject]bool
}

var _ escrow.DenyList = (*List)(nil)

// Open reads the list in the file at path, or makes an empty one where there is
// none; its directory must be there. What a crash left of a line that was being
// written is dropped: no call had returned for it.
//
// A line that is damaged, and a list of another node, are errors of kind Corrupt and
// Conflict, whose hint says how to go on.
func Open(path, node string) (*List, error) {
	if node == "" {
		return nil, fault.New(fault.Invalid, "opening the deny list: this node has no name")
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("opening the deny list: %w", err)
	}
	l := &List{path: path, node: node, dir: dir, ask: lowSpace, denied: map[escrow.Subject]bool{}}
	if err := l.open(); err != nil {
		l.closeFiles()
		return nil, err
	}
	return l, nil
}

func (l *List) open() error {
	_ = os.Remove(l.path + newSuffix) // what a crash left of it takes space away
	f, err := os.OpenFile(l.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if err := l.renew(); err != nil {
			return fault.New(fault.Unavailable, "the deny list %s cannot be made", l.path).
				WithHint("it takes %d KiB, so that there is space when the disk is full: see that they can be had, then start again", Space>>10).Because(err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the deny list: %w", err)
	}
	l.file = f
	if err := l.resume(); err != nil {
		return err
	}
	if l.lines-1 > 2*len(l.denials) || l.size-l.end < lowSpace || isSparse(f) {
		_ = l.makeRoom() // in vain where the disk is full: there is another try when it is needed
	}
	return l.err
}

// resume takes up the list that the file holds. Its last line is written once more:
// after an fsync that failed the kernel shows a line that is not on disk, and counts
// it as written. All others were on disk before the next was begun.
func (l *List) resume() error {
	data, err := contents(l.file)
	if err != nil {
		return err
	}
	s, err := scan(data, l.node)
	if err != nil {
		return describe(l.path, err)
	}
	l.size, l.end, l.lines = int64(len(data)), s.end, s.lines
	l.denials = s.denials
	for _, d := range s.denials {
		l.denied[d.Subject] = true
	}
	if err := l.put(s.lastLine, s.end-int64(len(s.lastLine))); err != nil {
		return fmt.Errorf("writing the last line of the deny list %s once more: %w", l.path, err)
	}
	if err := l.sync(l.file); err != nil {
		return err
	}
	return l.sync(l.dir)
}

// contents reads a file that may be a list.
func contents(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the deny list: %w", err)
	}
	if size := info.Size(); size < Space || size > maxFile { // it is made with more, and never shortened
		return nil, describe(f.Name(), fmt.Errorf("it has %d bytes, and should have %d to %d", size, Space, maxFile))
	}
	data := make([]byte, info.Size())
	if _, err := f.ReadAt(data, 0); err != nil {
		return nil, fmt.Errorf("reading the deny list: %w", err)
	}
	return data, nil
}

// Denials returns those in force, in the order in which they were made. It does not
// wait for a change that is being written.
func (l *List) Denials() []escrow.Denial {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.denials)
}

// Deny adds a denial; it is on disk when Deny returns nil, and one for a subject
// that is there changes nothing.
//
// An error means that it is not in force, unless an fsync has failed: then it is in
// force as long as this process lives, and may or may not be there after it.
func (l *List) Deny(d escrow.Denial) error {
	if err := check(d.Subject); err != nil {
		return err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	switch {
	case l.err != nil:
		return l.err
	case l.denied[d.Subject]:
		return nil
	case len(l.denials) >= MaxDenials:
		return fault.New(fault.Limited, "the deny list of this node is full: it holds %d denials", MaxDenials).
			WithHint("see that the database can be written to: it takes them over, and makes place for others")
	}
	kept, err := l.add(line{Deny: &d})
	if err != nil && l.err == nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.denials = append(l.denials, *kept.Deny)
	l.denied[d.Subject] = true
	return err
}

// Lift removes the denial of a subject; that is on disk when Lift returns nil. None
// is no error. With any other error the denial is in force as long as this process
// lives.
func (l *List) Lift(s escrow.Subject) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.err != nil || !l.denied[s] {
		return l.err
	}
	if _, err := l.add(line{Lift: &s}); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.denials = slices.DeleteFunc(l.denials, func(d escrow.Denial) bool { return d.Subject == s })
	delete(l.denied, s)
	return nil
}

// Close closes the file. Every change after that returns ErrClosed.
func (l *List) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.err == ErrClosed {
		return ErrClosed
	}
	l.err = ErrClosed
	return l.closeFiles()
}

func (l *List) closeFiles() error {
	err := l.dir.Close()
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
	}
	return err
}
