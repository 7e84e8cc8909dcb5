package safefile

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// OpenRegular opens a file, or the one that a link leads to, for reading. What is no
// file, such as a named pipe, whose other end the opening or the reading would wait for,
// is refused. The error is fs.ErrNotExist where nothing is there.
func OpenRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}
