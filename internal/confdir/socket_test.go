package confdir_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
)

// TestSocket: the socket can be reached by its owner alone,
// whatever the length of its path, and takes the place of one that a crash left.
func TestSocket(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 107, 108, 200} {
		dir := t.TempDir()
		base := filepath.Join(dir, "c")
		if fill := length - len(confdir.Dir(base).Socket()); fill > 0 {
			base += strings.Repeat("c", fill)
		}
		d := confdir.Dir(base)
		if len(d.Socket()) > max(length, 107) && length <= 107 {
			continue // the temporary directory's own path is longer
		}
		if err := os.MkdirAll(d.State("run"), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := d.DialSocket(t.Context()); err == nil {
			t.Errorf("%d bytes: connected to nobody", length)
		}
		for range 2 { // the second takes the place of what the first leaves
			l, err := d.ListenSocket()
			if err != nil {
				t.Fatalf("%d bytes: ListenSocket: %v", length, err)
			}
			if info, err := os.Stat(d.Socket()); err != nil || info.Mode().Perm() != 0o600 || info.Mode()&fs.ModeSocket == 0 {
				t.Errorf("%d bytes: got %v, %v, want a socket with mode 0600", length, info, err)
			}
			accepted := make(chan error)
			go func() {
				conn, err := l.Accept()
				if err == nil {
					_, err = conn.Write([]byte("hello"))
					conn.Close()
				}
				accepted <- err
			}()
			conn, err := d.DialSocket(t.Context())
			if err != nil {
				t.Fatalf("%d bytes: DialSocket: %v", length, err)
			}
			got := make([]byte, 5)
			if _, err := conn.Read(got); err != nil || string(got) != "hello" {
				t.Errorf("%d bytes: got %q, %v", length, got, err)
			}
			conn.Close()
			if err := <-accepted; err != nil {
				t.Errorf("%d bytes: Accept: %v", length, err)
			}
			l.Close()
		}
	}
}
