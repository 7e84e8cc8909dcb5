package confdir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
)

func TestReadDatabaseURL(t *testing.T) {
	t.Parallel()
	const url = "postgres://ktsd:hunter2@db.example.com/keytrustee"
	dir := t.TempDir()
	file := func(name, contents string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(contents), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		name        string
		conf        confdir.Conf
		want, wrong string
	}{
		{"SQLite", confdir.Conf{}, "", ""},
		{"a URL", confdir.Conf{DatabaseURL: url}, url, ""},
		{"a file", confdir.Conf{DatabaseURLFile: file("url", " "+url+" \n", 0o600)}, url, ""},
		{"both", confdir.Conf{DatabaseURL: url, DatabaseURLFile: file("too", url, 0o600)}, "", "are both set"},
		{"a relative path", confdir.Conf{DatabaseURLFile: "url"}, "", "no absolute path"},
		{"no file", confdir.Conf{DatabaseURLFile: filepath.Join(dir, "none")}, "", "no such file"},
		{"an empty file", confdir.Conf{DatabaseURLFile: file("empty", " \n", 0o600)}, "", "is empty"},
		{"two lines", confdir.Conf{DatabaseURLFile: file("lines", url+"\n"+url+"\n", 0o600)}, "", "more than one line"},
		{"a file for all", confdir.Conf{DatabaseURLFile: file("open", url, 0o644)}, "", "run chmod 600"},
	} {
		got, err := test.conf.ReadDatabaseURL()
		switch {
		case test.wrong == "" && (got != test.want || err != nil):
			t.Errorf("%s: got %q and %v, want %q", test.name, got, err, test.want)
		case test.wrong != "" && (err == nil || got != "" || !strings.Contains(err.Error(), test.wrong) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%s: got %q and %v, want an error with %q and no password", test.name, got, err, test.wrong)
		}
		if want := test.name != "SQLite"; test.conf.UsesPostgres() != want {
			t.Errorf("%s: got PostgreSQL %t, want %t", test.name, !want, want)
		}
	}
}

// TestCheckDatabase: the file of the URL is a secret; the SQLite file is one while
// it is in use.
func TestCheckDatabase(t *testing.T) {
	t.Parallel()
	d := lay(t)
	url := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(url, []byte("postgres://ktsd:hunter2@db/kt\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(path string, mode os.FileMode) {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name      string
		conf      confdir.Conf
		url, file os.FileMode
		wrong     string
	}{
		{"SQLite", confdir.Conf{}, 0o644, 0o600, ""},
		{"SQLite for all", confdir.Conf{}, 0o600, 0o644, d.Database()},
		{"a URL", confdir.Conf{DatabaseURL: "postgres://db/kt"}, 0o644, 0o644, ""},
		{"a file", confdir.Conf{DatabaseURLFile: url}, 0o600, 0o644, ""},
		{"a file for all", confdir.Conf{DatabaseURLFile: url}, 0o644, 0o600, url},
	} {
		open(url, test.url)
		open(d.Database(), test.file)
		err := d.Check(test.conf)
		if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: got %v, want an error about %q", test.name, err, test.wrong)
		}
	}
}

// TestInstance: a directory's identity stays, and no other directory has it. It is
// not parallel, since a process that another test starts holds the lock until it
// has begun.
func TestInstance(t *testing.T) {
	d := lay(t)
	instance := func(d confdir.Dir) string {
		t.Helper()
		lock, err := d.TakeLock()
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		id, err := confdir.Instance(lock)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := confdir.Instance(lock); again != id || err != nil {
			t.Errorf("asked twice: got %q, then %q, %v", id, again, err)
		}
		return id
	}
	first := instance(d)
	if len(first) != 32 || strings.Trim(first, "0123456789abcdef") != "" {
		t.Errorf("got %q, want 32 hex digits", first)
	}
	if got := instance(d); got != first {
		t.Errorf("after the lock was given free: got %q, want %q", got, first)
	}
	if data, err := os.ReadFile(d.Lock()); string(data) != first+"\n" || err != nil {
		t.Errorf("the lock file holds %q, %v, want the identity", data, err)
	}
	if got := instance(lay(t)); got == first {
		t.Errorf("another directory has the identity too: %q", got)
	}
	for _, rest := range []string{first[:10], first, strings.Repeat("\x00", 33), strings.Repeat("x", 32) + "\n", first + "\n\n"} {
		if err := os.WriteFile(d.Lock(), []byte(rest), 0o600); err != nil {
			t.Fatal(err)
		}
		got := instance(d)
		if got == first || len(got) != 32 {
			t.Errorf("after a write that was cut off: got %q, want a new identity", got)
		}
		if kept := instance(d); kept != got {
			t.Errorf("the new identity was not kept: got %q, then %q", got, kept)
		}
	}
	lock, err := os.Open(d.Lock()) // not to be written
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := os.Truncate(d.Lock(), 0); err != nil {
		t.Fatal(err)
	}
	if id, err := confdir.Instance(lock); err == nil || id != "" {
		t.Errorf("where it cannot be written: got %q and no error", id)
	}
}
