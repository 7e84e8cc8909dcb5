package safefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/safefile"
)

// TestFor: root replaces for an account what is that account's own, or stands in its
// directory and is no secret to it, and nothing else.
func TestFor(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir, other := t.TempDir(), t.TempDir()
	for path, mode := range map[string]os.FileMode{dir + "/own": 0o600, other + "/own": 0o600, dir + "/public": 0o644, other + "/public": 0o644, dir + "/secret": 0o640, other + "/secret": 0o600} {
		if err := os.WriteFile(path, []byte("old"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chown(dir, nobody, 4714), os.Chown(dir+"/own", nobody, 4715), os.Chown(other+"/own", nobody, 4715), os.Symlink(other, dir+"/link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir + "/own": "65534:4715", other + "/own": "65534:4715", dir + "/link/own": "65534:4715", dir + "/public": "65534:4714", dir + "/none": "65534:4714",
		other + "/public": "", other + "/none": "", dir + "/secret": "", other + "/secret": "", dir + "/link/none": "",
	} {
		data, _, unread := safefile.ReadFor(dir, path)
		checked, written := safefile.CheckFor(dir, path), safefile.WriteFor(dir, path, ".next", []byte("new"), 0o640)
		if want != "" {
			if checked != nil || written != nil || owner(t, path+".next") != want || mode(t, path+".next") != 0o640 {
				t.Errorf("%s: got %v and %v, want it written for %s", path, checked, written, want)
			}
			if unread != nil && !errors.Is(unread, fs.ErrNotExist) || unread == nil && string(data) != "old" {
				t.Errorf("%s: got %q and %v, want what is in it", path, data, unread)
			}
			continue
		}
		for _, err := range []error{checked, written, unread} {
			if foreign, ok := errors.AsType[*safefile.ForeignError](err); ok {
				if foreign.Path != path || foreign.Owner != "root" || foreign.Account != "nobody" {
					t.Errorf("%s: got %+v", path, foreign)
				}
			} else if !errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(path, "none") {
				t.Errorf("%s: got %v, want a ForeignError", path, err)
			}
		}
	}
	if got, want := entries(t, other), "own own.next public secret"; got != want {
		t.Errorf("got files %q, want %q", got, want)
	}
}

// TestSweep: whatever a path is made of, what Write leaves when it is killed goes, and
// nothing else does.
func TestSweep(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a[b*?")
	if err := os.MkdirAll(dir+"/.x[1.directory.tmp", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x[1", ".x[1.123.tmp", ".x[1.ABC.tmp", ".x1.1.tmp", "x[1.1.tmp", ".x[1.other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := safefile.Sweep(filepath.Join(dir, "x[1")); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := entries(t, dir), ".x1.1.tmp .x[1.directory.tmp .x[1.other x[1 x[1.1.tmp"; got != want {
		t.Errorf("got files %q, want %q", got, want)
	}
	if err := safefile.Sweep(filepath.Join(dir, "none", "x")); err != nil {
		t.Errorf("in a directory that is not there: got %v, want no error", err)
	}
}
