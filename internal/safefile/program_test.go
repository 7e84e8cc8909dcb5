package safefile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/safefile"
)

// TestCheckProgram: neither a program nor its directory can be changed by others than
// root and the account that it is run as.
func TestCheckProgram(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "bin")
	program, link := filepath.Join(dir, "program"), filepath.Join(t.TempDir(), "link")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		file, dir os.FileMode
		wrong     string
	}{
		{0o755, 0o755, ""}, {0o700, 0o700, ""}, {0o755, 0o777 | os.ModeSticky, ""},
		{0o775, 0o755, "run chmod go-w " + program}, {0o757, 0o755, "run chmod go-w " + program}, {0o777 | os.ModeSticky, 0o755, "run chmod go-w " + program},
		{0o755, 0o775, "run chmod go-w " + dir}, {0o755, 0o757, "run chmod go-w " + dir},
	} {
		if err := os.Chmod(program, test.file); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, test.dir); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{program, link} {
			err := safefile.CheckProgram(path, os.Geteuid())
			if test.wrong == "" && err != nil || test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)) {
				t.Errorf("%s with %v in %v: got %v, want %q", filepath.Base(path), test.file, test.dir, err, test.wrong)
			}
		}
	}
	needRoot(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(program, 4242, -1); err != nil {
		t.Fatal(err)
	}
	for uid, good := range map[int]bool{4242: true, 0: false, nobody: false} {
		if err := safefile.CheckProgram(program, uid); (err == nil) != good {
			t.Errorf("a program of account 4242's, run as %d: got %v, want good: %t", uid, err, good)
		}
	}
}
