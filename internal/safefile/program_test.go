package safefile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/safefile"
)

// TestProgram: neither a program, nor what leads to it, can be changed by others than
// root and the account that it is run as.
func TestProgram(t *testing.T) {
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
			got, err := safefile.Program(path, os.Geteuid())
			if err == nil && got != program || err != nil && got != "" {
				t.Errorf("%s: got %q, want %q", path, got, program)
			}
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
		if _, err := safefile.Program(program, uid); (err == nil) != good {
			t.Errorf("a program of account 4242's, run as %d: got %v, want good: %t", uid, err, good)
		}
	}
}

// TestProgramWay: whoever can change a link or a directory on the way has another
// program run.
func TestProgramWay(t *testing.T) {
	t.Parallel()
	needRoot(t)
	top := t.TempDir()
	dir, sticky := filepath.Join(top, "a", "b", "c"), filepath.Join(top, "sticky")
	program := filepath.Join(dir, "program")
	for _, err := range []error{
		os.MkdirAll(dir, 0o755), os.WriteFile(program, nil, 0o755), os.Mkdir(sticky, 0o755), os.Chmod(sticky, 0o777|os.ModeSticky),
		os.Symlink("a/b", top+"/short"), os.Symlink(program, top+"/own"), os.Symlink(program, sticky+"/nobodys"), os.Lchown(sticky+"/nobodys", nobody, nobody),
		os.Symlink("../short/c/../c/./program", sticky+"/relative"), os.Symlink("round", top+"/round"), os.Symlink("nowhere", top+"/dangling"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(path, wrong string) {
		t.Helper()
		got, err := safefile.Program(path, 4242)
		if wrong == "" && (err != nil || got != program) || wrong != "" && (got != "" || err == nil || !strings.Contains(err.Error(), wrong)) {
			t.Errorf("%s: got %q and %v, want %q", path, got, err, wrong)
		}
	}
	for path, wrong := range map[string]string{
		program: "", top + "/own": "", top + "/short/c/program": "", sticky + "/relative": "", top + "//a/./b/../b/c//program": "",
		sticky + "/nobodys": "belongs to user nobody, who could change what is run as user 4242: run chown -h root " + sticky + "/nobodys",
		top + "/round":      "too many links", top + "/dangling": "no such file", program + "/x": program + " is no directory", top: "is not a program",
	} {
		check(path, wrong)
	}
	grandparent := filepath.Join(top, "a")
	if err := os.Chmod(grandparent, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{program, top + "/own", sticky + "/relative"} {
		check(path, "can be written by others, its mode is 0777: run chmod go-w "+grandparent)
	}
	if err := os.Chmod(grandparent, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(grandparent, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	check(program, "belongs to user nobody, who could change what is run as user 4242: run chown root "+grandparent)
}
