package main_test

import (
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// behind runs SQL on the database of a directory, as somebody does who has found a
// way to it, and returns what it prints: a line for each row, "|" between columns.
// ktsd may be running, and knows nothing of it.
func behind(t *testing.T, dir, statement string) string {
	t.Helper()
	url := databaseURL(t, dir)
	if url != "" {
		return ktest.SQL(t, url, statement)
	}
	ktest.Need(t, "sqlite3")
	return strings.TrimSpace(command(t, "", "sqlite3", "-bail", "-cmd", ".timeout 30000", confdir.Dir(dir).Database(), statement))
}

// databaseURL is the database of a directory; "" for SQLite.
func databaseURL(t *testing.T, dir string) string {
	t.Helper()
	conf, err := confdir.Dir(dir).ReadConf()
	if err != nil {
		t.Fatal(err)
	}
	url, err := conf.ReadDatabaseURL()
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// blob is hexadecimal digits as a value in the SQL of a directory's database.
func blob(t *testing.T, dir, digits string) string {
	t.Helper()
	if databaseURL(t, dir) != "" {
		return `'\x` + digits + `'`
	}
	return `x'` + digits + `'`
}

// edit is behind for a statement that has to change one row.
func edit(t *testing.T, dir, statement string) {
	t.Helper()
	if got := behind(t, dir, statement+" RETURNING 'changed'"); got != "changed" {
		t.Fatalf("%s: got %q, want one row changed", statement, got)
	}
}
