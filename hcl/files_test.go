package hcl_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/hcl"
)

// TestFiles: a site in several files is one site. Each error names its file, and
// shows that file's line; a duplicate names both.
func TestFiles(t *testing.T) {
	dir := "testdata/files"
	_, diags := hcl.Load(dir+"/base.hcl", dir+"/none.hcl", dir+"/site", dir+"/site/10-servers.hcl")
	golden(t, dir+"/files.golden", diags.Error()+"\n")
	wantNoSecret(t, diags)
}

// TestFilesInOrder: what is declared is in the order of the files given, and in a
// directory in the order of their names.
func TestFilesInOrder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b", "a", "c"} {
		text := "organization \"" + name + "\" {\n  contacts = [\"finn@example.com\"]\n}\n"
		if err := os.WriteFile(filepath.Join(dir, name+".hcl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, diags := hcl.Load(filepath.Join(dir, "b.hcl"), dir)
	if len(diags) != 0 {
		t.Fatalf("got diagnostics, want none:\n%v", diags)
	}
	var names []string
	for _, org := range config.Site().Organizations {
		names = append(names, org.Name)
	}
	if got := strings.Join(names, " "); got != "b a c" {
		t.Errorf("got organizations %s, want b a c", got)
	}
	got := hcl.Diagnostics{config.ErrorAt("organization", "c", "contacts", "no", "")}.Error()
	if want := filepath.Join(dir, "c.hcl") + ":2:14, in organization \"c\""; !strings.Contains(got, want) || !strings.Contains(got, "contacts = [") {
		t.Errorf("got\n%s\nwant in it %s and the line", got, want)
	}
}

// TestPipes: a pipe that is named is read, and one that a directory happens to hold,
// or that fmt is to replace, is waited for by nobody.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.hcl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	_, diags := hcl.Load(dir)
	if got, want := diags.Error(), "Error: cannot read "+pipe+"\n  It is no regular file."; got != want {
		t.Errorf("in a directory: got\n%s\nwant\n%s", got, want)
	}
	if _, diags := hcl.ReadFile(pipe); !diags.HasErrors() {
		t.Error("to be formatted: got no error")
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(pipe, []byte("organization \"one\" { contacts = [\"finn@b\"] }\n"), 0) }()
	config, diags := hcl.Load(pipe)
	if err := <-written; err != nil || len(diags) != 0 || len(config.Site().Organizations) != 1 {
		t.Errorf("named: got %+v, %v and error %v, want one organization", config.Site(), diags, err)
	}
}
