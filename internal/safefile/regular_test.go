package safefile_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/safefile"
)

// TestOpenRegular: a file is opened, also by a link; what is no file is refused at once,
// whoever waits at its other end.
func TestOpenRegular(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	l, err := net.Listen("unix", in("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, err := range []error{
		os.WriteFile(in("file"), []byte("x"), 0o600),
		os.Symlink("file", in("link")),
		syscall.Mkfifo(in("pipe"), 0o600),
		os.Symlink("pipe", in("link-to-pipe")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"file", "link"} {
		f, info, err := safefile.OpenRegular(in(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		defer f.Close()
		if data, err := io.ReadAll(f); err != nil || string(data) != "x" || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %q, mode %v (%v), want x, 0600", name, data, info.Mode(), err)
		}
	}
	for _, path := range []string{in("pipe"), in("link-to-pipe"), dir, "/dev/null"} {
		if _, _, err := safefile.OpenRegular(path); err == nil || !strings.Contains(err.Error(), path+" is no regular file") {
			t.Errorf("%s: got %v, want a refusal", path, err)
		}
	}
	if _, _, err := safefile.OpenRegular(in("socket")); err == nil {
		t.Error("socket: got no error")
	}
	if _, err := safefile.ReadSecret(in("pipe")); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("a secret from a pipe: got %v, want a refusal", err)
	}
	if _, _, err := safefile.OpenRegular(in("none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: got %v, want fs.ErrNotExist", err)
	}
}
