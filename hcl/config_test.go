package hcl_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/site"
)

const twoServers = `
server "kts01.example.com" {
  listen = ":11372"
  tls {
    min_version = "tlsv1.3"
    certificate = "/etc/pki/kts01.pem"
    private_key = ("/etc/pki/kts01.key")
  }
}
server "KTS02.example.com" {
  listen = null
}
organization "one" {
  contacts       = ["finn@example.com", "root@localhost"]
  auth_code_file = "/etc/keytrustee/one.code"
}
organization "two" {
  contacts = ["jake@example.com"]
  approval = "automatic"
}
`

func parse(t *testing.T, src string) *hcl.Config {
	t.Helper()
	config, diags := hcl.Parse([]byte(src), "site.hcl")
	if len(diags) != 0 {
		t.Fatalf("got diagnostics, want none:\n%v", diags)
	}
	return config
}

func TestSite(t *testing.T) {
	want := site.Site{
		Servers: []site.Server{
			{Name: "kts01.example.com", Listen: ":11372", TLS: site.TLS{MinVersion: "tlsv1.3", Certificate: "/etc/pki/kts01.pem", PrivateKey: "/etc/pki/kts01.key"}},
			{Name: "KTS02.example.com"},
		},
		Organizations: []site.Organization{
			{Name: "one", Contacts: []string{"finn@example.com", "root@localhost"}, Approval: site.ApprovalAuthCode, AuthCodeFile: "/etc/keytrustee/one.code", ManagedBy: site.ManagedByFile},
			{Name: "two", Contacts: []string{"jake@example.com"}, Approval: site.ApprovalAutomatic, ManagedBy: site.ManagedByFile},
		},
	}
	if diff := cmp.Diff(want, parse(t, twoServers).Site()); diff != "" {
		t.Errorf("site (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(site.Site{}, parse(t, "# nothing\n").Site()); diff != "" {
		t.Errorf("site of an empty file (-want +got):\n%s", diff)
	}
}

func TestServer(t *testing.T) {
	config := parse(t, twoServers)
	for host, want := range map[string]string{
		"kts01.example.com": "kts01.example.com", "Kts01.Example.COM": "kts01.example.com", "kts02.example.com": "KTS02.example.com",
	} {
		got, diags := config.Server(host)
		if len(diags) != 0 || got == nil || got.Name != want {
			t.Errorf("Server(%q): got %+v and %v, want %s", host, got, diags, want)
		}
	}

	got, diags := config.Server("kts03.example.com")
	if got != nil || !diags.HasErrors() {
		t.Fatalf("got %+v and no error for a host that is not declared, want an error", got)
	}
	want := `Error: no server block for this host, "kts03.example.com"
  The servers declared are kts01.example.com (site.hcl:2), KTS02.example.com (site.hcl:10).
  Name the one that this host is with --host, or declare it: server "kts03.example.com" { … }`
	if diff := cmp.Diff(want, diags.Error()); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}

	got, diags = parse(t, `organization "x" { contacts = ["a@b"] }`).Server("kts01")
	if got != nil || len(diags) != 0 {
		t.Errorf("got %+v and %v where no server is declared, want nil and nothing", got, diags)
	}
}

// TestServerWithAnError does not complain twice about one block, and still
// finds the other.
func TestServerWithAnError(t *testing.T) {
	config, diags := hcl.Parse([]byte("server \"kts01\" {\n  listen = \":0\"\n}\nserver \"kts02\" {}\n"), "site.hcl")
	if len(diags) != 1 {
		t.Fatalf("got %d diagnostics, want 1:\n%v", len(diags), diags)
	}
	if server, diags := config.Server("kts01"); server != nil || len(diags) != 0 {
		t.Errorf("got %+v and %v for the broken block, want nil and nothing", server, diags)
	}
	if server, diags := config.Server("kts02"); server == nil || len(diags) != 0 {
		t.Errorf("got %+v and %v for the other block, want it", server, diags)
	}
}

func TestErrorAt(t *testing.T) {
	config := parse(t, twoServers)
	for _, test := range []struct{ kind, name, attr, want string }{
		{"server", "KTS01.example.com", "tls.certificate", `Error: no such file
  site.hcl:6:19, in server "KTS01.example.com"

    6 |     certificate = "/etc/pki/kts01.pem"
      |                   ^^^^^^^^^^^^^^^^^^^^

  Make it.`},
		{"organization", "one", "auth_code_file", `Error: no such file
  site.hcl:15:20, in organization "one"

    15 |   auth_code_file = "/etc/keytrustee/one.code"
       |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^

  Make it.`},
		{"organization", "two", "auth_code_file", `Error: no such file
  site.hcl:17:1, in organization "two"

    17 | organization "two" {
       | ^^^^^^^^^^^^^^^^^^

  Make it.`},
		{"server", "kts09", "listen", `Error: no such file
  Make it.`},
	} {
		diags := hcl.Diagnostics{config.ErrorAt(test.kind, test.name, test.attr, "no such file", "Make it.")}
		if diff := cmp.Diff(test.want, diags.Error()); diff != "" {
			t.Errorf("%s %q %s (-want +got):\n%s", test.kind, test.name, test.attr, diff)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	dir, empty := t.TempDir(), t.TempDir()
	large := filepath.Join(dir, "large.hcl")
	if err := os.WriteFile(large, []byte(strings.Repeat("#"+strings.Repeat("x", 1022)+"\n", hcl.MaxFileSize/1024)+"#"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		empty:                         "Error: cannot read " + empty + "\n  The directory has no file whose name ends in .hcl.",
		filepath.Join(dir, "no.hcl"):  "Error: cannot read " + filepath.Join(dir, "no.hcl") + "\n  No such file or directory.",
		large:                         "Error: " + large + " is too large\n  A file may have up to 4194304 bytes.",
		filepath.Join(dir, "x\x1b.h"): "Error: cannot read " + filepath.Join(dir, "x\ufffd.h") + "\n  No such file or directory.",
	} {
		config, diags := hcl.Load(path)
		if diff := cmp.Diff(want, diags.Error()); diff != "" || config == nil {
			t.Errorf("%s: got config %v, diagnostics (-want +got):\n%s", path, config, diff)
		}
	}
	if config, diags := hcl.Parse([]byte(strings.Repeat("#"+strings.Repeat("x", 1022)+"\n", hcl.MaxFileSize/1024)), "x"); len(diags) != 0 {
		t.Errorf("got %v and %v for a file of the largest size, want no error", config, diags)
	}
}

// TestDeepFiles would overflow the stack of a parser that recurses, which no
// program survives.
func TestDeepFiles(t *testing.T) {
	for _, part := range []string{"(", "[", "{a=", "-", "!", "1?", "1+", "\"${", "<<A\n${", "a[*]", "[0]"} {
		value := strings.Repeat(part, 1<<18/len(part))
		if _, diags := hcl.Parse([]byte("server \"a\" {\n  listen = "+value+"\n}\n"), "deep.hcl"); !diags.HasErrors() {
			t.Errorf("got no error for a value of %q, want one", part)
		}
	}
	for _, src := range []string{
		strings.Repeat("a {\n", 1<<16), "a = \"" + strings.Repeat("%{if a}", 1<<15),
		"a = (" + strings.Repeat("-\n", 1<<12), "a = [" + strings.Repeat("-\n", 1<<12), "a = {\n# x\n for b in c :\n" + strings.Repeat("-\n", 1<<12),
	} {
		if _, diags := hcl.Parse([]byte(src), "deep.hcl"); !strings.Contains(diags.Error(), "too complex") {
			t.Errorf("got %.200q for a file of %.10q, want it to be too complex", diags, src)
		}
	}
}

// TestLongFiles: what is bounded is an expression, not how many a file has.
func TestLongFiles(t *testing.T) {
	var b strings.Builder
	b.WriteString("locals { domain = \"example.com\" }\n")
	for i := range 3000 {
		fmt.Fprintf(&b, "organization \"o%d\" {\n  contacts = [\"finn@${local.domain}\"]\n}\n", i)
	}
	if orgs := parse(t, b.String()).Site().Organizations; len(orgs) != 3000 {
		t.Errorf("got %d organizations, want 3000", len(orgs))
	}
	var contacts strings.Builder
	for i := range hcl.MaxFileSize / 64 {
		fmt.Fprintf(&contacts, "\"%x@b\",", i)
	}
	src := "organization \"one\" {\n  contacts = [" + contacts.String() + "]\n}\n"
	if orgs := parse(t, src).Site().Organizations; len(orgs) != 1 || len(orgs[0].Contacts) != hcl.MaxFileSize/64 {
		t.Error("got no organization, want one with 65,536 contacts")
	}
}

// TestTooManyFiles is over the bound.
func TestTooManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range 1001 {
		write(t, dir, fmt.Sprintf("%04d.hcl", i), "# nothing\n", 0o600)
	}
	_, diags := hcl.Load(dir)
	want := "Error: cannot read " + filepath.Join(dir, "1000.hcl") + "\n  A site has at most 1000 files, of 33554432 bytes together."
	if diff := cmp.Diff(want+"\n", diags.Error()+"\n"); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

// TestSnippets cuts long lines, and keeps what does not print from a terminal.
func TestSnippets(t *testing.T) {
	long := strings.Repeat("x", 400)
	for _, test := range []struct{ src, want string }{
		{"\tfoo = 1", "\tfoo = 1\n      | \t^^^"},
		{"/* " + long + " */ foo = 1 # " + long, "^^^\n"},
		{"/* \x1b[2J\u202e */ foo = 1\r\n", "/* \ufffd[2J\ufffd */ foo = 1\n      |             ^^^"},
		{"/* äöü\xff */ foo = 1", "/* äöü\ufffd */ foo = 1\n      |            ^^^"},
	} {
		_, diags := hcl.Parse([]byte(test.src), "x.hcl")
		got := diags.Error()
		if !strings.Contains(got+"\n", test.want) {
			t.Errorf("got\n%s\nwant in it\n%s", got, test.want)
		}
		for line := range strings.SplitSeq(got, "\n") {
			if n := len([]rune(line)); n > 200 {
				t.Errorf("got a line of %d characters, want at most 200", n)
			}
		}
	}
}

func TestWriteReportsErrors(t *testing.T) {
	_, diags := hcl.Parse([]byte("x = 1"), "x.hcl")
	if err := diags.Write(brokenWriter{}, false); !errors.Is(err, errBroken) {
		t.Errorf("got error %v, want %v", err, errBroken)
	}
	if asJSON, err := json.Marshal(diags); err != nil || !strings.Contains(string(asJSON), `"severity":"error"`) {
		t.Errorf("got JSON %s and error %v, want a severity in it", asJSON, err)
	}
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// TestExamples loads every file that users are given.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../examples/*.hcl")
	if err != nil || len(files) < 2 {
		t.Fatalf("got files %v and error %v, want quickstart.hcl and site.hcl at least", files, err)
	}
	for _, file := range files {
		config, diags := hcl.Load(file)
		if len(diags) != 0 {
			t.Errorf("got diagnostics, want none:\n%v", diags)
			continue
		}
		for _, server := range config.Site().Servers {
			if got, diags := config.Server(server.Name); got == nil || len(diags) != 0 {
				t.Errorf("%s: got %+v and %v for host %s, want its block", file, got, diags, server.Name)
			}
		}
	}
}
