package confdir

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrLocked tells that another process holds the lock.
var ErrLocked = errors.New("another ktsd is running on this directory")

// TakeLock locks the file at path until the process ends or the file returned is
// closed; the kernel gives the lock free after any crash. The error is ErrLocked
// if another process has it.
func (d Dir) TakeLock() (*os.File, error) {
	path := d.Lock()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s", ErrLocked, path)
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return f, d.Adopt(path)
}

// LockChanges keeps commands that change the directory apart: init, apply and cert. The
// lock goes with unlock or with the process.
func (d Dir) LockChanges() (unlock func(), err error) {
	f, err := os.Open(string(d))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another init, apply or cert is at work on %s: wait until it has ended", d)
	}
	return func() { f.Close() }, nil
}
