package audit

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ktsd/ktsd/internal/safefile"
)

// markName is a small file beside the segments that tells up to where they are on
// disk for certain. It is written after an fsync of a segment, so it may lag
// behind, which only makes Open read more, but never runs ahead. Nothing is lost
// with it: without one Open trusts the last whole line.
const (
	markName   = "synced"
	markFormat = "segment %8d up to byte %20d\n"
)

// mark is that file; nil where it cannot be had, for instance on a full disk.
type mark struct{ file *os.File }

// openMark opens the mark of the log in dir, or makes one that tells nothing yet.
func openMark(dir string) *mark {
	name := filepath.Join(dir, markName)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err == nil {
		return &mark{f}
	}
	if f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return nil
	}
	if safefile.Adopt(name, dir) != nil || safefile.SyncDir(dir) != nil {
		f.Close()
		return nil
	}
	return &mark{f}
}

// get returns the segment and the number of its bytes that are on disk.
func (m *mark) get() (segment int, size int64, ok bool) {
	if m == nil {
		return 0, 0, false
	}
	n, err := fmt.Fscanf(io.NewSectionReader(m.file, 0, 1<<10), markFormat, &segment, &size)
	return segment, size, n == 2 && err == nil && segment > 0 && size > 0
}

// set tells that so many bytes of a segment are on disk. Should it fail, the mark
// lags behind.
func (m *mark) set(segment int, size int64) {
	if m != nil {
		_, _ = m.file.WriteAt(fmt.Appendf(nil, markFormat, segment, size), 0)
	}
}

// sync brings the mark itself to disk.
func (m *mark) sync() {
	if m != nil {
		_ = m.file.Sync()
	}
}

func (m *mark) close() {
	if m != nil {
		m.file.Close()
	}
}
