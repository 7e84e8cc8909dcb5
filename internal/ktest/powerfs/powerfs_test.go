package powerfs_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest/powerfs"
)

func write(t *testing.T, f *os.File, text string) {
	t.Helper()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func sync(t *testing.T, f *os.File) {
	t.Helper()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

func syncDir(t *testing.T, dir string) {
	t.Helper()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	sync(t, d)
}

func create(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// wantFile fails the test unless the file holds text, or is absent for "-".
func wantFile(t *testing.T, name, want string) {
	t.Helper()
	data, err := os.ReadFile(name)
	got := string(data)
	if errors.Is(err, os.ErrNotExist) {
		got = "-"
	} else if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%s: got %q, want %q", filepath.Base(name), got, want)
	}
}

// TestPowerCut: what was fsynced is there, and nothing else.
func TestPowerCut(t *testing.T) {
	dir := t.TempDir()
	before := filepath.Join(dir, "before")
	if err := os.WriteFile(before, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	fs := powerfs.Mount(t, dir)
	files := map[string]*os.File{}
	for _, name := range []string{"synced", "unsynced", "renamed", "removed", "nameless"} {
		f := create(t, filepath.Join(dir, name))
		defer f.Close()
		write(t, f, "1")
		if name != "unsynced" {
			sync(t, f)
		}
		if name != "nameless" {
			syncDir(t, dir)
		}
		files[name] = f
	}
	write(t, files["synced"], "2")
	if err := os.Rename(filepath.Join(dir, "renamed"), filepath.Join(dir, "other")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "removed")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"synced": "12", "unsynced": "1", "renamed": "-", "other": "1", "removed": "-", "nameless": "1"} {
		wantFile(t, filepath.Join(dir, name), want)
		if f := files[name]; f != nil {
			f.Close()
		}
	}
	fs.PowerCut(t, powerfs.Nothing)
	for name, want := range map[string]string{
		"before": "old", "synced": "1", "unsynced": "", "nameless": "-", "renamed": "1", "other": "-", "removed": "1",
	} {
		wantFile(t, filepath.Join(dir, name), want)
	}

	f := create(t, filepath.Join(dir, "after"))
	write(t, f, "3")
	f.Close()
	fs.Release(t)
	for name, want := range map[string]string{"before": "old", "synced": "1", "unsynced": "", "nameless": "-", "after": "3"} {
		wantFile(t, filepath.Join(dir, name), want)
	}
}

// TestKeeps: what a power cut leaves by chance is a beginning, or sectors.
func TestKeeps(t *testing.T) {
	dir := t.TempDir()
	fs := powerfs.Mount(t, dir)
	name := filepath.Join(dir, "f")
	first := bytes.Repeat([]byte("x"), 100)
	all := append(first[:100:100], bytes.Repeat([]byte("y"), 5000)...)
	seen := map[powerfs.Keep]map[int]bool{powerfs.Beginning: {}, powerfs.Some: {}}
	for n := range 40 {
		keep := []powerfs.Keep{powerfs.Beginning, powerfs.Some}[n%2]
		f := create(t, name)
		write(t, f, string(first))
		sync(t, f)
		syncDir(t, dir)
		write(t, f, string(all[100:]))
		f.Close()
		fs.PowerCut(t, keep)
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(got, first) {
			t.Fatalf("round %d: got %.120q, want what was fsynced first", n, got)
		}
		if keep == powerfs.Beginning && !bytes.HasPrefix(all, got) {
			t.Fatalf("round %d: got %d bytes, want a beginning of what was written", n, len(got))
		}
		seen[keep][bytes.Count(got, []byte("y"))] = true
	}
	for keep, sizes := range seen {
		if len(sizes) < 3 {
			t.Errorf("keep %d: got %v bytes in 20 rounds, want more variety", keep, sizes)
		}
	}
}

// TestFailedFsync: it fails as often as told; what it should have brought to disk
// can be read, and no later fsync brings it there.
func TestFailedFsync(t *testing.T) {
	dir := t.TempDir()
	fs := powerfs.Mount(t, dir)
	f, other := create(t, filepath.Join(dir, "f.log")), create(t, filepath.Join(dir, "f.txt"))
	syncDir(t, dir)
	write(t, f, "1")
	fs.FailFsync("*.log", 1)
	write(t, other, "1")
	sync(t, other)
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("fsync: got %v, want EIO", err)
	}
	write(t, f, "2")
	sync(t, f)
	if got := fs.Failed(); got != 1 {
		t.Errorf("failed: got %d, want 1", got)
	}
	wantFile(t, f.Name(), "12")
	f.Close()
	other.Close()
	fs.PowerCut(t, powerfs.Nothing)
	wantFile(t, f.Name(), "\x002")
	wantFile(t, other.Name(), "1")
}
