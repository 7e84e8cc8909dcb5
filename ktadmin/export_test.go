package main_test

import (
	"fmt"
	"math/rand/v2"
	neturl "net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// TestExportPlansEmpty: whatever is live, a plan of its export is empty, no code is in
// it, the same system gives the same bytes, and another host becomes the same by it.
func TestExportPlansEmpty(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir := randomDir(t, r)
		s := ktest.Start(t, dir)
		codes := randomOrganizations(t, r, s)
		file := filepath.Join(t.TempDir(), "site.hcl")
		ktest.Must(t, "ktadmin", "export", "--confdir", dir, "--out", file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range codes {
			if strings.Contains(string(text), code) {
				t.Errorf("seed %d: the code %s is in it", seed, code)
			}
		}
		stdout, stderr, code := ktest.Run(t, "ktadmin", "plan", "--confdir", dir, "-f", file)
		if code != 0 || !strings.Contains(stdout, "No changes.") {
			t.Errorf("seed %d: got exit code %d, want an empty plan:\n%s%s\nof\n%s", seed, code, stdout, stderr, text)
		}
		if again := ktest.Must(t, "ktadmin", "export", "--confdir", dir); again != string(text) {
			t.Errorf("seed %d: got another file of the same system:\n%s\nand\n%s", seed, text, again)
		}
		if code := s.Stop(t); code != 0 {
			t.Fatalf("ktsd ended with exit code %d", code)
		}

		other := ktest.Dir(t) // has nothing, and becomes the same
		ktest.SetConf(t, other, func(c *confdir.Conf) { c.Limits = nil })
		ktest.Start(t, other)
		ktest.Must(t, "ktadmin", "apply", "--confdir", other, "-f", file, "--auto-approve")
		if diff := cmp.Diff(uncommented(string(text)), uncommented(ktest.Must(t, "ktadmin", "export", "--confdir", other))); diff != "" {
			t.Errorf("seed %d: of another host, made so: -want +got:\n%s", seed, diff)
		}
	}
}

// uncommented is a file without its comments.
func uncommented(text string) string {
	return regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(text, "")
}

// randomDir makes a directory whose keytrustee.conf somebody has edited.
func randomDir(t *testing.T, r *rand.Rand) string {
	t.Helper()
	dir := ktest.Dir(t)
	files := t.TempDir()
	ktest.SetConf(t, dir, func(c *confdir.Conf) {
		c.Limits = nil
		c.Listen = ktest.FreeAddress(t)
		if r.IntN(2) == 0 {
			c.TLSMinVersion = []string{"tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"}[r.IntN(4)]
		}
		if r.IntN(2) == 0 {
			limits := bounds.DefaultLimits()
			limits.ClientRate, limits.ClientBytes = 1+r.Int64N(10000), (1+r.Int64N(4000))<<20
			limits.PurgeAfter = time.Duration(1+r.IntN(1000)) * time.Hour
			c.Limits = &limits
		}
		if r.IntN(2) == 0 {
			audit := bounds.DefaultAudit()
			audit.Heads, audit.SegmentAge = r.IntN(2) == 0, time.Duration(1+r.IntN(100))*time.Hour
			c.Audit = &audit
		}
		if r.IntN(2) == 0 {
			cert, key, err := tlsconf.SelfSigned("localhost", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			c.Certificate, c.PrivateKey = filepath.Join(files, `odd "${name}".pem`), filepath.Join(files, "key.pem")
			for name, data := range map[string][]byte{c.Certificate: cert, c.PrivateKey: key} {
				if err := os.WriteFile(name, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	return dir
}

// randomOrganizations makes some, and returns their codes.
func randomOrganizations(t *testing.T, r *rand.Rand, s *ktest.Server) (codes []string) {
	t.Helper()
	for i := range r.IntN(8) {
		n := client.NewOrganization{Name: fmt.Sprintf("org-%d_%d", i, r.IntN(100)), Approval: []string{"auth_code", "contacts", "automatic"}[r.IntN(3)]}
		if n.Approval == "auth_code" && r.IntN(2) == 0 {
			n.AuthCode = fmt.Sprintf("c0de-%d-%d", i, r.Int64())
		}
		for j := range r.IntN(5) { // one without contacts cannot be declared
			n.Contacts = append(n.Contacts, fmt.Sprintf("finn%d+%d@example.com", r.IntN(100), j))
		}
		if err := s.Admin().CreateOrganization(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	orgs, err := s.Admin().Organizations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range orgs {
		if o.AuthCode != "" {
			codes = append(codes, o.AuthCode)
		}
	}
	return codes
}

// TestExportHidesThePassword: a URL that holds one is left out, and the file says how
// to declare the database; the plan leaves it alone.
func TestExportHidesThePassword(t *testing.T) {
	t.Parallel()
	url, err := neturl.Parse(ktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	password, has := url.User.Password()
	if !has {
		t.Fatal("the URL holds no password")
	}
	dir := ktest.DirOn(t, url.String())
	ktest.Start(t, dir)
	file := filepath.Join(t.TempDir(), "site.hcl")
	ktest.Must(t, "ktadmin", "export", "--confdir", dir, "--out", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), password) || strings.Contains(string(text), "\ndatabase ") || !strings.Contains(string(text), "name it by url_file.") {
		t.Errorf("got this, want no password and a word on it:\n%s", text)
	}
	if stdout, stderr, code := ktest.Run(t, "ktadmin", "plan", "--confdir", dir, "-f", file); code != 0 {
		t.Errorf("got exit code %d, want an empty plan:\n%s%s", code, stdout, stderr)
	}
}
