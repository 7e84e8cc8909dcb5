package safefile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/safefile"
)

// entries returns the names in a directory.
func entries(t testing.TB, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func mode(t testing.TB, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// TestModes changes the umask of the process, so it is not parallel.
func TestModes(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077, 0o777} {
		dir := t.TempDir()
		old := syscall.Umask(umask)
		var errs []error
		for name, mode := range map[string]os.FileMode{"secret": 0o600, "public": 0o644} {
			errs = append(errs, safefile.Write(filepath.Join(dir, name), []byte(name), mode))
		}
		errs = append(errs, safefile.MakeDir(filepath.Join(dir, "made")))
		syscall.Umask(old)
		for _, err := range errs {
			if err != nil {
				t.Errorf("umask %04o: %v", umask, err)
			}
		}
		for name, want := range map[string]os.FileMode{"secret": 0o600, "public": 0o644, "made": 0o700} {
			if got := mode(t, filepath.Join(dir, name)); got != want {
				t.Errorf("umask %04o: %s: got mode %04o, want %04o", umask, name, got, want)
			}
		}
		if got, want := entries(t, dir), "made public secret"; got != want {
			t.Errorf("got files %q, want %q", got, want)
		}
	}
}

// TestReplace: a file that is there is replaced, with its mode; a hard link to it
// keeps the old contents, and a symbolic link is replaced itself.
func TestReplace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link, symlink := filepath.Join(dir, "conf"), filepath.Join(dir, "link"), filepath.Join(dir, "symlink")
	if err := os.WriteFile(path, []byte("old, and longer"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(link, symlink); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, symlink} {
		if err := safefile.Write(p, []byte("new"), 0o600); err != nil {
			t.Fatalf("Write: %v", err)
		}
		if got, _ := os.ReadFile(p); string(got) != "new" || mode(t, p) != 0o600 {
			t.Errorf("got %q with mode %04o, want new with 0600", got, mode(t, p))
		}
	}
	if got, _ := os.ReadFile(link); string(got) != "old, and longer" {
		t.Errorf("the old file: got %q, want it as it was", got)
	}
}

// TestReaders: whoever reads while a file is replaced sees an old one or a new
// one, whole, and never none.
func TestReaders(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "conf")
	contents := func(n int) []byte { return bytes.Repeat([]byte{byte('a' + n%26)}, 20_000+n%26*1000) }
	if err := safefile.Write(path, contents(0), 0o600); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	done := make(chan int)
	go func() {
		reads := 0
		for ; !stop.Load() || reads == 0; reads++ {
			got, err := os.ReadFile(path)
			if err != nil || len(got) == 0 || !bytes.Equal(got, contents(int(got[0]-'a'))) {
				t.Errorf("a reader saw %d bytes, %v", len(got), err)
				break
			}
		}
		done <- reads
	}()
	for n := range 150 {
		if err := safefile.Write(path, contents(n), 0o600); err != nil {
			t.Errorf("Write: %v", err)
		}
	}
	stop.Store(true)
	<-done
}

// TestFailure: what cannot be written leaves the old file and nothing else.
func TestFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := os.MkdirAll(filepath.Join(target, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := safefile.Write(target, []byte("new"), 0o600); err == nil || !strings.Contains(err.Error(), "writing "+target) {
		t.Errorf("a directory in place of the file: got %v, want an error that names it", err)
	}
	if got, want := entries(t, dir), "target"; got != want {
		t.Errorf("got files %q, want %q", got, want)
	}
	for _, path := range []string{filepath.Join(dir, "none", "file"), filepath.Join(dir, strings.Repeat("x", 300))} {
		if err := safefile.Write(path, []byte("new"), 0o600); err == nil || !strings.Contains(err.Error(), "writing "+path) {
			t.Errorf("%s: got %v, want an error that names it", path, err)
		}
	}
	if got, want := entries(t, dir), "target"; got != want {
		t.Errorf("got files %q, want %q", got, want)
	}
}

// TestDiskFull: a full disk leaves the old file, and no temporary one.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		ktest.Missing(t, "the right to mount a tmpfs (root): "+err.Error())
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	path := filepath.Join(dir, "conf")
	if err := safefile.Write(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := safefile.Write(path, make([]byte, 100_000), 0o600); err == nil {
		t.Error("got no error")
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("got %q, want the old file", got)
	}
	if got, want := entries(t, dir), "conf"; got != want {
		t.Errorf("got files %q, want %q", got, want)
	}
}

// TestTemporaryNames: what a crash in the middle of Write leaves is told by its
// name: .NAME.*.tmp, hidden, beside the file.
func TestTemporaryNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "conf")
	var stop atomic.Bool
	done := make(chan map[string]bool)
	go func() {
		seen := map[string]bool{}
		for !stop.Load() {
			list, _ := os.ReadDir(dir)
			for _, e := range list {
				seen[e.Name()] = true
			}
		}
		done <- seen
	}()
	for range 200 {
		if err := safefile.Write(path, make([]byte, 10_000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	seen := <-done
	delete(seen, "conf")
	if len(seen) == 0 {
		t.Error("no temporary file was seen")
	}
	for name := range seen {
		if !strings.HasPrefix(name, ".conf.") || !strings.HasSuffix(name, ".tmp") {
			t.Errorf("got temporary name %q, want .conf.*.tmp", name)
		}
	}
}

func TestMakeDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dir")
	if err := safefile.MakeDir(filepath.Join(dir, "below")); !os.IsNotExist(err) {
		t.Errorf("without its parent: got %v, want that it does not exist", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := safefile.MakeDir(dir); err != nil || mode(t, dir) != 0o755 {
		t.Errorf("a directory that is there: got %v and mode %04o, want it as it was", err, mode(t, dir))
	}
}
