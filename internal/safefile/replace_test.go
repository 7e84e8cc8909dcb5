package safefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/ktsd/ktsd/internal/safefile"
)

// TestReplaceKeeps: the mode and the owner of a file outlive its contents, and a
// link stays one.
func TestReplaceKeeps(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chown(file, nobody, nobody), os.Chmod(file, 0o664), os.Symlink("file", link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link} {
		if err := safefile.Replace(path, []byte(path)); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil || string(data) != path {
			t.Errorf("got %q and %v, want %q", data, err, path)
		}
		info, err := os.Lstat(file)
		if err != nil || info.Mode() != 0o664 || owner(t, file) != "65534:65534" {
			t.Errorf("got mode %v, owner %s and %v, want 0664 and nobody", info.Mode(), owner(t, file), err)
		}
	}
	if target, err := os.Readlink(link); err != nil || target != "file" {
		t.Errorf("got %q and %v, want the link as it was", target, err)
	}
	if err := safefile.Replace(filepath.Join(dir, "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v for a file that is not there, want %v", err, fs.ErrNotExist)
	}
	if err := safefile.Replace(dir, nil); err == nil {
		t.Error("got no error for a directory, want one")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("got %v and %v, want the file and the link alone", entries, err)
	}
}
