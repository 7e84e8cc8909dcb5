package safefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ForeignError is a file that root neither reads nor replaces for an account, since
// that could not do it itself (CheckFor).
type ForeignError struct {
	Path    string
	Owner   string // of the file, or, where it is not there, of its directory
	Account string
	Missing bool // the file is not there
}

// Error names the file and both accounts.
func (e *ForeignError) Error() string {
	if e.Missing {
		return fmt.Sprintf("%s would be made for user %s in a directory that belongs to user %s", e.Path, e.Account, e.Owner)
	}
	return fmt.Sprintf("%s belongs to user %s, and is not replaced for user %s", e.Path, e.Owner, e.Account)
}

// place is a directory that stays the same, whatever becomes of its path, and the
// account for which a file is replaced there.
type place struct {
	*os.Root
	path, name string
	uid, gid   int // the account's; -1: whoever runs this
}

// placeOf opens the directory of path for the account that dir belongs to.
func placeOf(dir, path string) (place, error) {
	uid, gid, err := ownerFor(dir)
	if err != nil {
		return place{}, err
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	return place{root, path, filepath.Base(path), uid, gid}, err
}

// judge returns a *ForeignError unless the account could replace the file by itself,
// or root has let it have the file; info is nil where there is none.
func (p place) judge(info fs.FileInfo) error {
	if p.uid <= 0 {
		return nil
	}
	dir, err := p.Stat(".")
	if err != nil {
		return err
	}
	own := uidOf(dir) == p.uid
	switch {
	case info == nil && !own:
		return &ForeignError{Path: p.path, Owner: userName(uidOf(dir)), Account: userName(p.uid), Missing: true}
	case info == nil || uidOf(info) == p.uid || own && info.Mode()&0o004 != 0:
		return nil
	}
	return &ForeignError{Path: p.path, Owner: userName(uidOf(info)), Account: userName(p.uid)}
}

// stat is nil where there is no such file.
func (p place) stat() (fs.FileInfo, error) {
	info, err := p.Lstat(p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

// CheckFor returns an error unless the account that dir belongs to may have the file
// at path replaced by root: the account may have chosen the path. Either the file is
// its own, or it stands in a directory of the account's and is no secret to it, or it
// is not there, in such a directory. The error is a *ForeignError, or fs.ErrNotExist
// where there is no such directory. Where others than root ask, or the account is
// root, there is nothing to refuse.
func CheckFor(dir, path string) error {
	p, err := placeOf(dir, path)
	if err != nil {
		return err
	}
	defer p.Close()
	info, err := p.stat()
	if err != nil {
		return err
	}
	return p.judge(info)
}

// ReadFor returns what is in a regular file that CheckFor lets pass, and its
// permission bits.
func ReadFor(dir, path string) ([]byte, fs.FileMode, error) {
	p, err := placeOf(dir, path)
	if err != nil {
		return nil, 0, err
	}
	defer p.Close()
	f, err := p.OpenFile(p.name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // of a FIFO it waits for nobody
	if err != nil {
		return nil, 0, fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is no regular file", path)
	}
	if err := p.judge(info); err != nil {
		return nil, 0, err
	}
	data, err := io.ReadAll(f)
	return data, info.Mode().Perm(), err
}

// WriteFor is Write for a file that is to take the place of the one at path, which
// CheckFor lets pass: it writes path with suffix behind it, "" for path itself. What
// root writes belongs to the account; its group is that of the account's own file at
// path, or else that of dir.
func WriteFor(dir, path, suffix string, data []byte, mode fs.FileMode) error {
	return write(path+suffix, data, mode, func(root *os.Root, f *os.File) error {
		uid, gid, err := ownerFor(dir)
		if err != nil || uid < 0 {
			return err
		}
		p := place{root, path, filepath.Base(path), uid, gid}
		info, err := p.stat()
		if err == nil {
			err = p.judge(info)
		}
		if err != nil {
			return err
		}
		if info != nil && uidOf(info) == uid {
			gid = int(info.Sys().(*syscall.Stat_t).Gid)
		}
		return f.Chown(uid, gid)
	})
}

func uidOf(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }
