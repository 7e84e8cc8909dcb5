package audit

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/safefile"
)

// Defaults of Options.
const (
	DefaultSegmentSize = 64 << 20
	DefaultSegmentAge  = 24 * time.Hour
	DefaultReserve     = 64 << 20  // 100,000 reads, at 671 bytes a line
	DefaultLowWater    = 256 << 20 // free bytes
)

// The parts of a file system that defaults take at most: on a disk of a few
// megabytes 256 MiB are never free.
const (
	lowWaterPart = 4
	reservePart  = 16
)

// reserveName is a file beside the segments whose space on the disk is taken and
// whose contents mean nothing.
const reserveName = "reserve"

const (
	takenAtOnce = 4 << 20
	givenAtOnce = 128 << 10
	claimed     = givenAtOnce - 8<<10 // of these by the last segment: whole blocks, and what the file system needs
	spaceAge    = time.Second         // for so long an answer about the disk holds,
	spaceBytes  = 1 << 20             // or until so many bytes were appended
	refillPause = 10 * time.Second
)

// space watches how much room the disk has, and holds the reserve: space that is
// taken while there is plenty, and given back piece by piece to the lines that find
// none. So reads can be audited, and served, for some time after the disk is full.
type space struct {
	dir string

	written atomic.Int64 // since the last look at the disk

	mu       sync.Mutex
	lowWater int64 // free bytes; not positive: off
	want     int64 // bytes of the reserve
	looked   time.Time
	last     escrow.Space
	refused  time.Time // when the reserve could not be made
	filling  sync.WaitGroup
	busy     bool // filling
	closed   bool

	file sync.Mutex // the reserve's size; taken after mu
}

// newSpace applies the defaults to what options leave open.
func newSpace(dir string, options Options) *space {
	s := &space{dir: dir, lowWater: options.LowWater, want: max(options.Reserve, 0)}
	_, total := statfs(dir)
	if s.lowWater == 0 {
		s.lowWater = min(DefaultLowWater, total/lowWaterPart)
	}
	if options.Reserve == 0 {
		s.want = min(DefaultReserve, total/reservePart)
	}
	return s
}

// statfs returns the bytes that are free for us on dir's file system, and all it
// has; -1 for what it does not tell.
func statfs(dir string) (free, total int64) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return -1, -1
	}
	return int64(st.Bavail) * st.Frsize, int64(st.Blocks) * st.Frsize
}

// Space tells how much room the log has. It looks at the disk at most once a
// second, or when a megabyte was appended, and has a reserve that was spent made
// anew, in the background, once the disk has room for it.
func (l *Log) Space() escrow.Space { return l.space.now() }

func (s *space) now() escrow.Space {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.looked) < spaceAge && s.written.Load() < spaceBytes {
		return s.last
	}
	s.look()
	if s.last.Reserve < s.want && !s.last.Low && !s.busy && !s.closed && time.Since(s.refused) > refillPause {
		s.busy = true
		s.filling.Go(s.refill)
	}
	return s.last
}

// look asks the disk. What the reserve lacks is to be free on top of the mark, so
// that making it does not end what it was made for. The caller holds mu.
func (s *space) look() {
	free, _ := statfs(s.dir) // before the reserve: while it is filled, the two are rather too much than too little
	held := s.held()
	s.looked = time.Now()
	s.written.Store(0)
	s.last = escrow.Space{Free: free, Reserve: held}
	if s.lowWater > 0 {
		s.last.Mark = s.lowWater + max(s.want-held, 0)
		s.last.Low = free >= 0 && free < s.last.Mark
	}
}

func (s *space) path() string { return filepath.Join(s.dir, reserveName) }

// held returns the size of the reserve.
func (s *space) held() int64 {
	info, err := os.Lstat(s.path())
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// open makes the reserve where there is room for it, or takes over the one that is
// there. Without one everything else goes on.
func (s *space) open() {
	s.mu.Lock()
	s.look()
	low, want := s.last.Low, s.want
	s.busy = !low
	s.mu.Unlock()
	_ = s.shorten(want)
	if !low {
		s.refill()
	}
}

// refill has the reserve take its space, piece by piece, for as long as the disk
// has more than that. On a file system that cannot be told to take space
// (fallocate), zeros are written.
func (s *space) refill() {
	failed := false
	for at := int64(0); !failed; at += takenAtOnce {
		s.mu.Lock()
		closed, want, lowWater := s.closed, s.want, s.lowWater
		s.mu.Unlock()
		if closed || at >= want {
			break
		}
		failed = s.take(at, min(takenAtOnce, want-at), lowWater) != nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	if failed {
		s.refused = time.Now()
	}
	s.look()
}

var errNoRoom = errors.New("no room for the reserve")

// take has the file hold the n bytes at an offset.
func (s *space) take(at, n, lowWater int64) error {
	s.file.Lock()
	defer s.file.Unlock()
	if free, _ := statfs(s.dir); free < n+max(lowWater, n) && at >= s.held() {
		return errNoRoom
	}
	f, err := os.OpenFile(s.path(), os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if at == 0 {
		if err := safefile.Adopt(s.path(), s.dir); err != nil {
			return err
		}
	}
	err = syscall.Fallocate(int(f.Fd()), 0, at, n)
	if !errors.Is(err, syscall.EOPNOTSUPP) && !errors.Is(err, syscall.ENOSYS) {
		return err
	}
	if at+n <= s.held() {
		return nil // as it was left
	}
	_, err = f.WriteAt(make([]byte, n), at)
	return err
}

// give gives a piece of the reserve back to the file system, and reports whether
// there was one.
func (s *space) give() bool {
	s.file.Lock()
	defer s.file.Unlock()
	held := s.held()
	return held > 0 && os.Truncate(s.path(), max(held-givenAtOnce, 0)) == nil
}

// close ends what goes on in the background.
func (s *space) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.filling.Wait()
}

// noSpace tells whether an error says that the disk, or what may be used of it, is
// full.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// withReserve calls what writes, and again with more room for as long as the disk
// is full and there is a reserve.
func (l *Log) withReserve(write func() error) error {
	err := write()
	for noSpace(err) && l.space.give() {
		err = write()
	}
	return err
}

// claim has the last segment take the space of a piece of the reserve before
// others do. It is an attempt.
func (l *Log) claim() {
	const keepSize = 1 // FALLOC_FL_KEEP_SIZE, linux/falloc.h
	_ = syscall.Fallocate(int(l.file.Fd()), keepSize, l.size, claimed)
}
