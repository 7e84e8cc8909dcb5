package deny

import (
	"os"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Begin writes the line of a denial and leaves it at that, as a crash does that comes
// before the fsync.
func (l *List) Begin(d escrow.Denial) error {
	b, err := encode(line{Seq: l.lines + 1, Deny: &d})
	if err != nil {
		return err
	}
	return l.put(b, l.end)
}

// SwapFile puts another file in the place of the open one, and returns that.
func (l *List) SwapFile(f *os.File) *os.File {
	old := l.file
	l.file = f
	return old
}

// Hold keeps every change waiting, as a disk does that hangs, until the function that
// it returns is called.
func (l *List) Hold() (release func()) {
	l.writing.Lock()
	return l.writing.Unlock
}
