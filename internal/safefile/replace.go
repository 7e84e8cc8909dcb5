package safefile

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Replace is Write for a file that is there: it keeps its mode, its owner and its
// group. Through a symbolic link it replaces what that leads to.
func Replace(path string, data []byte) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	stat := info.Sys().(*syscall.Stat_t)
	mode := info.Mode() & (os.ModePerm | os.ModeSetuid | os.ModeSetgid | os.ModeSticky)
	return write(target, data, mode, func(_ *os.Root, f *os.File) error { return f.Chown(int(stat.Uid), int(stat.Gid)) })
}
