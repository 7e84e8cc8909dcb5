package hcl_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/site"
)

// TestDatabase reads each form of the block; what is wrong with one is in testdata.
func TestDatabase(t *testing.T) {
	const url = "postgres://ktsd@db.example.com:5432/keytrustee?sslmode=verify-full&passfile=/etc/keytrustee/pgpass"
	for src, want := range map[string]*site.Database{
		"":                                      nil,
		`database "sqlite" {}`:                  {Engine: "sqlite"},
		"database \"sqlite\" {\n url = null\n}": {Engine: "sqlite"},
		"database \"postgres\" {\n url = \"" + url + "\"\n}":                                {Engine: "postgres", URL: url},
		"database \"postgres\" {\n url = \"service=keytrustee\"\n url_file = null\n}":       {Engine: "postgres", URL: "service=keytrustee"},
		"database \"postgres\" {\n url_file = \"/etc/keytrustee/database-url\"\n}":          {Engine: "postgres", URLFile: "/etc/keytrustee/database-url"},
		"database \"postgres\" {\n url_file = (\"/etc/keytrustee/database-url\") # here\n}": {Engine: "postgres", URLFile: "/etc/keytrustee/database-url"},
	} {
		if diff := cmp.Diff(want, parse(t, src).Site().Database); diff != "" {
			t.Errorf("%s (-want +got):\n%s", src, diff)
		}
	}
}

// TestDatabaseErrorAt: what a host finds out about the file of the url is said at
// its line.
func TestDatabaseErrorAt(t *testing.T) {
	config := parse(t, "database \"postgres\" {\n  url_file = \"/etc/keytrustee/database-url\"\n}\n")
	d := config.ErrorAt("database", "postgres", "url_file", "no such file", "Make it.")
	if d.Place == nil || d.Place.Line != 2 || d.Snippet == nil || d.Snippet.Text != `  url_file = "/etc/keytrustee/database-url"` {
		t.Errorf("got place %+v and snippet %+v, want line 2 with the path", d.Place, d.Snippet)
	}
	config = parse(t, "database \"postgres\" {\n  url = \"service=keytrustee\"\n}\n")
	d = config.ErrorAt("database", "postgres", "url", "no such service", "Make it.")
	if d.Place == nil || d.Place.Line != 2 || d.Snippet == nil || d.Snippet.Text != `  url = (not shown)` {
		t.Errorf("got place %+v and snippet %+v, want line 2 without the url", d.Place, d.Snippet)
	}
}
