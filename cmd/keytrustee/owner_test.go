package main_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestGetStaysRoots: a key that root fetches into somebody else's directory does
// not become theirs.
func TestGetStaysRoots(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		ktest.Missing(t, "root")
	}
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "q")
	c, dir := s.Client(t, "q")
	if _, err := c.Put(t.Context(), "a", []byte("secret"), nil); err != nil {
		t.Fatal(err)
	}
	theirs := t.TempDir()
	if err := os.Chown(theirs, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(theirs, "key")
	ktest.Must(t, "keytrustee", "--confdir", dir, "get", "a", "-o", file)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid != 0 || info.Mode().Perm() != 0o600 {
		t.Errorf("got uid %d, mode %04o, want 0 and 0600", uid, info.Mode().Perm())
	}
}
