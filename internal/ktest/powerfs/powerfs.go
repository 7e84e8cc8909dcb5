// Package powerfs is a file system for tests whose power can be cut: it keeps
// apart what was fsynced and what was only written, and forgets the latter when
// told to. It can also fail an fsync, as a disk does. It lives in memory, behind
// FUSE, and is there for tests only.
//
// It is stricter than most file systems: a new name is there after a power cut
// only if its directory was fsynced, whatever was done to the file.
package powerfs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ktsd/ktsd/internal/ktest"
)

// FS is a mounted file system.
type FS struct {
	dir    string
	disk   *disk
	server *fuse.Server // nil: not mounted
}

// Mount puts a file system on dir that holds what dir held, all of it fsynced.
// It is unmounted when the test ends; whoever uses it must have ended by then. The
// test is skipped where FUSE cannot be had.
func Mount(t testing.TB, dir string) *FS {
	t.Helper()
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil || os.Geteuid() != 0 {
		ktest.Missing(t, "FUSE (root and /dev/fuse)")
	} else {
		f.Close()
	}
	f := &FS{dir: dir, disk: newDisk()}
	if err := f.disk.load(f.disk.root, dir); err != nil {
		t.Fatalf("loading a file system: %v", err)
	}
	f.mount(t)
	t.Cleanup(func() { f.unmount(t) })
	return f
}

// load takes up the files of a directory.
func (d *disk) load(into *inode, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		i := d.newInode(entry.Name(), stat.Mode)
		i.uid, i.gid = stat.Uid, stat.Gid
		name := filepath.Join(dir, entry.Name())
		switch info.Mode().Type() {
		case fs.ModeDir:
			err = d.load(i, name)
		case 0:
			i.data, err = os.ReadFile(name)
			i.platter = append([]byte{}, i.data...)
		}
		if err != nil {
			return err
		}
		into.enter(entry.Name(), i)
	}
	return d.fsync(into)
}

func (f *FS) mount(t testing.TB) {
	t.Helper()
	long := time.Hour // nothing changes but through this mount
	options := &fusefs.Options{EntryTimeout: &long, AttrTimeout: &long, NullPermissions: true}
	options.DirectMountStrict, options.Name, options.FsName = true, "powerfs", "powerfs"
	var err error
	if f.server, err = fusefs.Mount(f.dir, &node{disk: f.disk, inode: f.disk.root}, options); err != nil {
		t.Fatalf("mounting: %v", err)
	}
}

func (f *FS) unmount(t testing.TB) {
	t.Helper()
	if f.server == nil {
		return
	}
	deadline := time.Now().Add(30 * time.Second)
	for { // a process that has just ended may hold it for a moment
		err := f.server.Unmount()
		if err == nil {
			f.server = nil
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("unmounting: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// PowerCut forgets what was not fsynced, but for what keep leaves of it. No
// program may have a file open.
func (f *FS) PowerCut(t testing.TB, keep Keep) {
	t.Helper()
	f.unmount(t)
	f.disk.mu.Lock()
	f.disk.cut(keep)
	f.disk.mu.Unlock()
	f.mount(t)
}

// Release unmounts the file system for good and leaves in its directory what
// programs saw, to be read without FUSE. No program may have a file open.
func (f *FS) Release(t testing.TB) {
	t.Helper()
	f.unmount(t)
	if err := f.disk.root.store(f.dir); err != nil {
		t.Fatalf("storing a file system: %v", err)
	}
}

// store writes the files of a directory, and removes what else is there.
func (i *inode) store(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if err == nil && i.entries[entry.Name()] == nil {
			err = os.RemoveAll(filepath.Join(dir, entry.Name()))
		}
	}
	for name, child := range i.entries {
		name = filepath.Join(dir, name)
		if err != nil {
			return err
		}
		switch child.mode & syscall.S_IFMT {
		case syscall.S_IFREG:
			err = os.WriteFile(name, child.data, fs.FileMode(child.mode).Perm())
		case syscall.S_IFDIR:
			if err = os.Mkdir(name, 0o700); err == nil || errors.Is(err, fs.ErrExist) {
				err = child.store(name)
			}
		}
	}
	return err
}

// FailFsync fails the next n fsyncs of files whose names match pattern (as in
// path.Match), with EIO.
func (f *FS) FailFsync(pattern string, n int) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.failing = func(name string) bool {
		matches, err := path.Match(pattern, name)
		if err != nil || !matches || n == 0 {
			return false
		}
		n--
		return true
	}
}

// Failed returns how many fsyncs have failed so far.
func (f *FS) Failed() int {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.failed
}
