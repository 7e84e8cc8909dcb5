package safefile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/safefile"
)

// nobody is an account without rights.
const nobody = 65534

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		ktest.Missing(t, "the right to change owners (root)")
	}
}

func owner(t testing.TB, path string) string {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d", stat.Uid, stat.Gid)
}

// TestOwner: what root writes stays root's, unless it is written as the owner of a
// directory.
func TestOwner(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	made, file, given := filepath.Join(dir, "made"), filepath.Join(dir, "made", "file"), filepath.Join(dir, "made", "given")
	if err := safefile.MakeDir(made); err != nil {
		t.Fatalf("MakeDir: %v", err)
	}
	for range 2 { // a file that is there is replaced all the same
		if err := safefile.Write(file, []byte("x"), 0o600); err != nil {
			t.Fatalf("Write: %v", err)
		}
		if err := safefile.WriteAs(dir, given, []byte("x"), 0o600); err != nil {
			t.Fatalf("WriteAs: %v", err)
		}
		for path, want := range map[string]string{made: "0:0", file: "0:0", given: "65534:65534"} {
			if got := owner(t, path); got != want {
				t.Errorf("%s: got owner %s, want %s", path, got, want)
			}
		}
		if err := os.Chown(given, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	target, link := filepath.Join(t.TempDir(), "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := safefile.Adopt(link, dir); err != nil || owner(t, link) != "65534:65534" || owner(t, target) != "0:0" {
		t.Errorf("a symbolic link: got %v, owner %s, its target's %s; want the link's alone to change", err, owner(t, link), owner(t, target))
	}
}

// TestCheckSecret: the error names the mode and the command that mends it.
func TestCheckSecret(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if err := safefile.CheckSecret(path); err != nil {
		t.Errorf("a file that is not there: got %v, want no error", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, good := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o700: true, 0o000: true,
		0o640: false, 0o604: false, 0o644: false, 0o620: false, 0o602: false, 0o610: false, 0o601: false, 0o777: false,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		err := safefile.CheckSecret(path)
		want := fmt.Sprintf("%s is a secret, but its mode is %04o: run chmod 600 %s", path, mode, path)
		if good && err != nil || !good && fmt.Sprint(err) != want {
			t.Errorf("mode %04o: got %v, want good: %t", mode, err, good)
		}
	}
}

func TestCheckDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dir")
	if err := safefile.CheckDirectory(dir); err != nil {
		t.Errorf("a directory that is not there: got %v, want no error", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for mode, good := range map[os.FileMode]bool{0o700: true, 0o755: true, 0o750: true, 0o770: false, 0o702: false, 0o777: false} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		err := safefile.CheckDirectory(dir)
		want := fmt.Sprintf("directory %s can be written by others, its mode is %04o: run chmod 700 %s", dir, mode, dir)
		if good && err != nil || !good && fmt.Sprint(err) != want {
			t.Errorf("mode %04o: got %v, want good: %t", mode, err, good)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := safefile.CheckDirectory(file); err == nil || !strings.Contains(err.Error(), "is not a directory") {
		t.Errorf("a file: got %v, want that it is not a directory", err)
	}
}

// TestOtherOwner: an account without rights refuses what is another's, root's
// secrets too, which it could not read. It changes the identity of the process,
// so it is not parallel.
func TestOtherOwner(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	mine, theirs, roots := filepath.Join(dir, "mine"), filepath.Join(dir, "theirs"), filepath.Join(dir, "roots")
	for path, uid := range map[string]int{mine: nobody, theirs: 4242, roots: 0} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, uid, -1); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{dir, filepath.Dir(dir)} { // both are this test's
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Seteuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Seteuid(0); err != nil {
			panic(err)
		}
	}()
	for path, want := range map[string]string{mine: "", roots: "belongs to user root, and this runs as user nobody: run chown nobody " + roots, theirs: "belongs to user 4242, and this runs as user nobody"} {
		err := safefile.CheckSecret(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", filepath.Base(path), err, want)
		}
	}
	locked := filepath.Join(dir, "file")
	if err := safefile.Write(locked, []byte("x"), 0o600); err == nil || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Write into a directory that is not its own: got %v, want that permission is denied", err)
	}
}
