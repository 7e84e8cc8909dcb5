// Package safefile writes files so that a crash leaves the old one or the new
// one, keeps secrets to their owner, and checks that others did so. It knows
// nothing of what is in them.
package safefile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Write replaces the file at path so that a crash leaves the old one or the new
// one, whole: temporary file, fsync, rename, fsync of the directory. Its mode does
// not depend on the umask.
func Write(path string, data []byte, mode fs.FileMode) error {
	return write(path, data, mode, func(*os.Root, *os.File) error { return nil })
}

// WriteAs is Write, but what root writes gets the owner and group that dir has.
func WriteAs(dir, path string, data []byte, mode fs.FileMode) error {
	return write(path, data, mode, func(_ *os.Root, f *os.File) error {
		uid, gid, err := ownerFor(dir)
		if err != nil || uid < 0 {
			return err
		}
		return f.Chown(uid, gid)
	})
}

// write replaces a file by way of its directory as it is opened once. Before there is
// anything in the new file, own gives it to whom it is to belong to.
func write(path string, data []byte, mode fs.FileMode, own func(*os.Root, *os.File) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing %s: %w", path, err)
		}
	}()
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	name := filepath.Base(path)
	temporary := "." + name + "." + rand.Text() + temporarySuffix
	f, err := dir.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			dir.Remove(temporary)
		}
	}()
	for _, step := range []func() error{
		func() error { return own(dir, f) },
		func() error { _, err := f.Write(data); return err },
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
	if err := dir.Rename(temporary, name); err != nil {
		return err
	}
	return syncRoot(dir)
}

// temporarySuffix ends the names of the files that write makes.
const temporarySuffix = ".tmp"

// Sweep removes the temporary files that the replacing of the file at path has left
// where it was killed.
func Sweep(path string) error {
	dir, prefix := filepath.Dir(path), "."+filepath.Base(path)+"."
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ifThere(err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), temporarySuffix) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
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
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	return errors.Join(syncRoot(root), root.Close())
}

func syncRoot(root *os.Root) error {
	d, err := root.Open(".")
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
