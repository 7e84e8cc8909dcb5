package hcl_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// patience is how long a file may take at most, on however busy a machine: what is
// not bounded takes for ever.
const patience = time.Minute

// FuzzParse makes sure that whatever a file holds, and computes, there are errors
// that can be printed, or a site of which every part is valid, and in bounded time.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.hcl", "testdata/*/*.hcl", "testdata/*/*/*-*.hcl", "../examples/*.hcl"} {
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
		start := time.Now()
		config, diags := hcl.Parse(src, "fuzz.hcl")
		wantGood(t, config, diags)
		if took := time.Since(start); took > patience {
			t.Errorf("it took %v", took)
		}
	})
}

// FuzzVarFile is FuzzParse for a file of values, and for one given on the command
// line. None of the values shows.
func FuzzVarFile(f *testing.F) {
	site := filepath.Join(f.TempDir(), "site.hcl")
	src := "variable \"a\" {\n  type = list(string)\n  default = []\n}\nvariable \"b\" { type = number }\nvariable \"c\" { sensitive = true }\n"
	if err := os.WriteFile(site, []byte(src), 0o600); err != nil {
		f.Fatal(err)
	}
	for _, json := range []bool{false, true} {
		f.Add("a = [\"x\"]\nb = 1e9\nc = \"marceline\"\n", json)
		f.Add(`{"a": ["x"], "b": 1, "c": "marceline"}`, json)
		f.Add("c = \"marceline\n", json)
		f.Add(`{"c": "marceline"`, json)
		f.Add("[\"marceline\"]", json)
	}
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		file := filepath.Join(t.TempDir(), "values")
		if isJSON {
			file += ".json"
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l := hcl.Loader{Paths: []string{site}, Vars: []string{"b=" + text}, VarFiles: []string{file}}
		config, diags := l.Load()
		wantGood(t, config, diags)
		if strings.Contains(diags.Error(), "marceline") && !strings.Contains(strings.ReplaceAll(text, `"marceline`, ""), "marceline") {
			t.Errorf("the diagnostics show a value:\n%v", diags)
		}
		l.Vars = []string{"a=" + text, "b=1", "d=" + text}
		l.VarFiles = nil
		config, diags = l.Load()
		wantGood(t, config, diags)
	})
}

// wantGood wants errors that can be printed, or a site that is valid.
func wantGood(t *testing.T, config *hcl.Config, diags hcl.Diagnostics) {
	t.Helper()
	if !diags.HasErrors() {
		wantValid(t, config.Site())
		return
	}
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
		for _, address := range site.Addresses(server.Listen) {
			check(names.CheckListen(address))
		}
		check(names.CheckHostname(server.Hostname))
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
	declared := map[string]bool{}
	for _, org := range s.Organizations {
		check(names.CheckOrganization(org.Name))
		check(site.CheckApproval(org.Approval))
		check(site.CheckManagedBy(org.ManagedBy))
		if declared[org.Name] {
			t.Errorf("got organization %q twice", org.Name)
		}
		declared[org.Name] = true
		for _, contact := range org.Contacts {
			check(names.CheckContact(contact))
		}
		if n := len(org.Contacts); n == 0 || len(slices.Compact(slices.Sorted(slices.Values(org.Contacts)))) != n {
			t.Errorf("got contacts %q, want some, each of them once", org.Contacts)
		}
	}
	for _, removed := range s.Removed {
		check(names.CheckOrganization(removed.Organization))
		if declared[removed.Organization] || removed.Deposits < 0 {
			t.Errorf("got %+v without a diagnostic", removed)
		}
	}
}
