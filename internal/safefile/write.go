// Package safefile writes files so that a crash leaves the old one or the new
// one, keeps secrets to their owner, and checks that others did so. It knows
// nothing of what is in them.
package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Write replaces the file at path so that a crash leaves the old one or the new
// one, whole: temporary file, fsync, rename, fsync of the directory. Its mode does
// not depend on the umask.
func Write(path string, data []byte, mode fs.FileMode) error {
	return write(path, data, mode, func(*os.File) error { return nil })
}

// WriteAs is Write, but what root writes gets the owner and group that dir has.
func WriteAs(dir, path string, data []byte, mode fs.FileMode) error {
	return write(path, data, mode, func(f *os.File) error {
		uid, gid, err := ownerFor(dir)
		if err != nil || uid < 0 {
			return err
		}
		return f.Chown(uid, gid)
	})
}

func write(path string, data []byte, mode fs.FileMode, own func(*os.File) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing %s: %w", path, err)
			os.Remove(f.Name())
		}
	}()
	for _, step := range []func() error{
		func() error { _, err := f.Write(data); return err },
		func() error { return own(f) },
		func() error { return f.Chmod(mode) },
		f.Sync,
	} {
		if err := step(); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// MakeDir makes a directory with mode 0700, whatever the umask, unless it is
// there.
func MakeDir(path string) error {
	if err := os.Mkdir(path, 0o700); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// MakeParents makes the directories above path that are not there, with mode
// 0755, whatever the umask: they hold nothing but the way to it.
func MakeParents(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := MakeParents(dir); err != nil {
		return err
	}
	if err := MakeDir(dir); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// SyncDir brings a directory's entries to disk.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Adopt gives path, which root made, the owner and group that dir has. Nobody may
// write where it stands but root and that owner.
func Adopt(path, dir string) error {
	uid, gid, err := ownerFor(dir)
	if err != nil || uid < 0 {
		return err
	}
	return os.Lchown(path, uid, gid)
}

// ownerFor returns the owner and group of dir if root asks, and -1 otherwise, since
// nobody else gives files away.
func ownerFor(dir string) (uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return -1, -1, nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return -1, -1, err
	}
	owner := info.Sys().(*syscall.Stat_t)
	return int(owner.Uid), int(owner.Gid), nil
}
