package confdir_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
)

// FuzzInstance: whatever the lock file holds, a state directory has an identity,
// and keeps it.
func FuzzInstance(f *testing.F) {
	for _, seed := range []string{"", "0123456789abcdef0123456789abcdef\n", "0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789abcdeg\n", "0123456789abcdef0123456789abcdef\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "ktsd.lock")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		lock, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		first, err := confdir.Instance(lock)
		if b, bad := hex.DecodeString(first); err != nil || bad != nil || len(b) != 16 {
			t.Fatalf("got identity %q (%v), want 32 hex digits", first, err)
		}
		if second, err := confdir.Instance(lock); err != nil || second != first {
			t.Errorf("asked again: got %q (%v), want %q", second, err, first)
		}
	})
}
