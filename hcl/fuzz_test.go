package hcl_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// FuzzParse makes sure that whatever a file holds, there are errors that can
// be printed, or a site of which every part is valid.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.hcl", "../examples/*.hcl"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Add([]byte(twoServers))
	f.Add([]byte("auth_code = <<X\n${"))
	f.Add([]byte("database \"postgres\" {\n  url = \"service=keytrustee\"\n}\n"))
	f.Add([]byte("database \"postgres\" {\n  url_file = \"/etc/keytrustee/database-url\"\n}\ndatabase \"sqlite\" {}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		config, diags := hcl.Parse(src, "fuzz.hcl")
		if diags.HasErrors() {
			if err := diags.Write(io.Discard, true); err != nil {
				t.Error(err)
			}
			if _, err := json.Marshal(diags); err != nil {
				t.Error(err)
			}
			for _, d := range diags {
				if s := d.Snippet; s != nil && (s.Start < 0 || s.End < s.Start || s.End > len([]rune(s.Text))) {
					t.Errorf("got %d to %d underlined in %q", s.Start, s.End, s.Text)
				}
			}
			return
		}
		wantValid(t, config.Site())
	})
}

func wantValid(t *testing.T, s site.Site) {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Errorf("got %+v without a diagnostic: %v", s, err)
		}
	}
	for _, server := range s.Servers {
		check(names.CheckHostname(server.Name))
		server = server.WithDefaults()
		check(names.CheckListen(server.Listen))
		check(site.CheckMinVersion(server.TLS.MinVersion))
		if tls := server.TLS; (tls.Certificate == site.DefaultCertificate) != (tls.PrivateKey == site.DefaultPrivateKey) {
			t.Errorf("got a certificate without a key, or the reverse: %+v", tls)
		}
	}
	if db := s.Database; db != nil {
		switch {
		case db.Engine == site.EngineSQLite && db.URL+db.URLFile == "":
		case db.Engine == site.EnginePostgres && db.URL == "" && filepath.IsAbs(db.URLFile):
		case db.Engine == site.EnginePostgres && db.URLFile == "":
			check(site.CheckDatabaseURL(db.URL))
		default:
			t.Errorf("got database %+v without a diagnostic", *db)
		}
	}
	for _, org := range s.Organizations {
		check(names.CheckOrganization(org.Name))
		check(site.CheckApproval(org.Approval))
		for _, contact := range org.Contacts {
			check(names.CheckContact(contact))
		}
		if n := len(org.Contacts); n == 0 || len(slices.Compact(slices.Sorted(slices.Values(org.Contacts)))) != n {
			t.Errorf("got contacts %q, want some, each of them once", org.Contacts)
		}
	}
}
