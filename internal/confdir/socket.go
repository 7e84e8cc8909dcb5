package confdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// maxSocketPath is the longest path that bind and connect take (unix(7): 108
// bytes with the NUL).
const maxSocketPath = 107

// ListenSocket makes the admin socket, with mode 0600, in place of one that an
// earlier ktsd left. The caller holds the lock.
func (d Dir) ListenSocket() (net.Listener, error) {
	path := d.Socket()
	if err := d.makeRuntimeDir(); err != nil {
		return nil, fmt.Errorf("making the admin socket's directory: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("making the admin socket: %w", err)
	}
	short, dir, err := shorten(path)
	if err != nil {
		return nil, fmt.Errorf("making the admin socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the admin socket %s: %w", path, err), dir.Close())
	}
	l.SetUnlinkOnClose(false) // its short path may be gone by then, and the next start removes it
	return l, errors.Join(os.Chmod(path, 0o600), d.Adopt(path), dir.Close())
}

// makeRuntimeDir makes the socket's directory where neither systemd nor
// systemd-tmpfiles did: /run is empty after a boot.
func (d Dir) makeRuntimeDir() error {
	dir := filepath.Dir(d.Socket())
	if Exists(dir) {
		return nil
	}
	return d.MakeDir(dir)
}

// DialSocket connects to the admin socket of the ktsd that runs on d.
func (d Dir) DialSocket(ctx context.Context) (net.Conn, error) {
	short, dir, err := shorten(d.Socket())
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return (&net.Dialer{}).DialContext(ctx, "unix", short)
}

// shorten returns a path to the socket that bind and connect take while dir, its
// directory, is open.
func shorten(path string) (short string, dir *os.File, err error) {
	dir, err = os.OpenFile(filepath.Dir(path), syscall.O_DIRECTORY, 0)
	if err != nil {
		return "", nil, err
	}
	if len(path) <= maxSocketPath {
		return path, dir, nil
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)), dir, nil
}
