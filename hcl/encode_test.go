package hcl_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/site"
)

// TestEncode compares a whole file: formatted, and without what is by default.
func TestEncode(t *testing.T) {
	limits, audit := bounds.DefaultLimits(), bounds.DefaultAudit()
	limits.ClientRate, limits.PurgeAfter, audit.Heads = 200, 30*24*time.Hour, false
	contacts := []string{"finn@example.com", "jake@example.com"}
	long := append([]string{"marceline@vault.example.com", "bubblegum@vault.example.com"}, contacts...)
	text, err := hcl.Encoder{Header: []string{"Written by a test.", "", "two\nlines"}, HideArguments: true}.Encode(site.Site{
		Servers: []site.Server{
			{Name: "kts01", Listen: ":11371", TLS: site.TLS{MinVersion: "tlsv1.2"}},
			{Name: "kts02", Listen: ":1, [::1]:2", Hostname: "kts.example.com", TLS: site.TLS{
				MinVersion: "tlsv1.3", Certificate: "/c${x}%{y}\"\\\n\x01.pem", PrivateKey: "/k.pem", PasswordScript: "/bin/echo -n s3cr3t",
			}},
		},
		Database: &site.Database{Engine: "postgres", URL: "service=keytrustee"},
		Limits:   &site.Limits{Limits: limits, Written: site.Words{"client_rate": "200", "organization_bytes": "64GiB"}},
		Audit:    &site.Audit{Audit: audit},
		Organizations: []site.Organization{
			{Name: "one", Contacts: contacts, Expiration: time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC)},
			{Name: "two", Contacts: long, Approval: "contacts", ManagedBy: "tenant", Expiration: time.Date(2027, 12, 31, 1, 0, 0, 0, time.FixedZone("", 3600))},
			{Name: "three", Contacts: contacts, AuthCodeFile: "/etc/keytrustee/code", Expiration: time.Date(2027, 12, 31, 18, 59, 59, 0, time.UTC)},
		},
		Removed: []site.Removed{{Organization: "four", Deposits: 12}, {Organization: "five"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/encode.golden", string(text))
	if text, err := hcl.Encode(site.Site{}); err != nil || len(text) != 0 {
		t.Errorf("got %q and %v for an empty site, want nothing", text, err)
	}
}

// TestEncodeRefuses what could not be read back, and shows no secret of it.
func TestEncodeRefuses(t *testing.T) {
	org := func(name, contact string) site.Site {
		return site.Site{Organizations: []site.Organization{{Name: name, Contacts: []string{contact}}}}
	}
	for want, s := range map[string]site.Site{
		"A name has only letters": org("two words", "finn@b"), "no mail address": org("one", "finn"), "normal form C": org("one", "e\u0301@b"),
		"must be an absolute path":  {Servers: []site.Server{{Name: "a", TLS: site.TLS{PasswordScript: "echo s3cr3t"}}}},
		"both declared and removed": {Organizations: org("one", "a@b").Organizations, Removed: []site.Removed{{Organization: "one"}}},
		"duplicate server block":    {Servers: []site.Server{{Name: "a"}, {Name: "A"}}},
		"certificate without":       {Servers: []site.Server{{Name: "a", TLS: site.TLS{Certificate: "/c"}}}},
		"no password stands in it":  {Database: &site.Database{Engine: "postgres", URL: "postgres://ktsd:s3cr3t@db/x"}},
	} {
		_, err := hcl.Encode(s)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestEncodeRoundTrip: whatever the site, what is written of it is read as the same.
func TestEncodeRoundTrip(t *testing.T) {
	for seed := range uint64(300) {
		g := generator{rand.New(rand.NewPCG(seed, 5))}
		want := g.site()
		text, err := hcl.Encode(want)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		config, diags := hcl.Parse(text, "site.hcl")
		if len(diags) != 0 {
			t.Fatalf("seed %d: got diagnostics, want none:\n%v", seed, diags)
		}
		if diff := cmp.Diff(want, config.Site(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: site (-want +got):\n%s", seed, diff)
		}
		if again, err := hcl.Encode(config.Site()); err != nil || string(again) != string(text) {
			t.Fatalf("seed %d: got another text, or %v, when it is written again", seed, err)
		}
	}
}

// generator makes sites that are valid.
type generator struct{ *rand.Rand }

// maybe returns one of the values, the first one more often.
func maybe[T any](g generator, values ...T) T {
	if g.IntN(3) == 0 {
		return values[0]
	}
	return values[g.IntN(len(values))]
}

// path is one with everything in it that a language could stumble over.
func (g generator) path() string {
	const odd = "ab /\\\"'${}%{}#\n\t\r\x01\x7f\u00e9\u2028\U0001f511$$%%~"
	runes := []rune(odd)
	path := "/"
	for range g.IntN(12) {
		path += string(runes[g.IntN(len(runes))])
	}
	return path
}

func (g generator) name(i int) string {
	return maybe(g, "one", "Two", "three-3", "f_our") + "-" + strings.Repeat("x", i)
}

func (g generator) site() site.Site {
	var s site.Site
	for i := range g.IntN(3) {
		server := site.Server{
			Name: g.host(i), Listen: maybe(g, "", ":11381", ":1, [::1]:2, h:3"), Hostname: maybe(g, "", "kts.example.com"),
			TLS: site.TLS{
				MinVersion: maybe(g, "", "tlsv1", "tlsv1.3"), Ciphers: maybe(g, "", "ECDHE+AESGCM:!aNULL", "${x}%{y}\"\\"), CAChain: maybe(g, "", g.path()),
				PasswordScript: maybe(g, "", "/bin/echo -n 'pass ${word} %{x} \"é'", "/bin/true"),
			},
		}
		if g.IntN(2) == 0 {
			server.TLS.Certificate, server.TLS.PrivateKey = g.path(), g.path()
		}
		s.Servers = append(s.Servers, server)
	}
	s.Database = maybe(g, nil, &site.Database{Engine: "sqlite"}, &site.Database{Engine: "postgres", URL: `user=ktsd host='${x}%{y} "' dbname=a\\b`},
		&site.Database{Engine: "postgres", URLFile: g.path()})
	if g.IntN(2) == 0 {
		l := site.Limits{Limits: bounds.DefaultLimits(), Written: site.Words{}}
		g.settings(l.Settings(), l.Written)
		s.Limits = &l
	}
	if g.IntN(2) == 0 {
		a := site.Audit{Audit: bounds.DefaultAudit(), Written: site.Words{}}
		g.settings(a.Settings(), a.Written)
		s.Audit = &a
	}
	for i := range g.IntN(6) {
		org := site.Organization{
			Name: g.name(i), Approval: maybe(g, site.Approvals()...), ManagedBy: maybe(g, site.ManagedByFile, site.ManagedByTenant),
			Expiration: maybe(g, time.Time{}, time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC), time.Unix(g.Int64N(200_000_000_000), 0).UTC()),
		}
		for j := range 1 + g.IntN(5) {
			org.Contacts = append(org.Contacts, strings.Repeat("c", j)+maybe(g, "finn", "o'neil", "a+b", "%{x}", "$ja}ke")+"@example.com")
		}
		if org.Approval == site.ApprovalAuthCode {
			org.AuthCodeFile = maybe(g, "", g.path())
		}
		s.Organizations = append(s.Organizations, org)
	}
	for i := range g.IntN(3) {
		s.Removed = append(s.Removed, site.Removed{Organization: "removed" + g.name(i), Deposits: maybe(g, 0, g.Int64N(1<<62))})
	}
	return s
}

func (g generator) host(i int) string {
	return maybe(g, "kts", "KTS-1.example.com", "10.0.0.1") + strings.Repeat("x", i)
}

// settings sets some values, which are written as they are easiest to read.
func (g generator) settings(settings []bounds.Setting, written site.Words) {
	for _, s := range settings {
		if g.IntN(3) > 0 {
			continue
		}
		v := s.Least + g.Int64N(min(s.Most-s.Least, 1<<40)+1)
		if s.Kind == bounds.Age {
			v = max(s.Least, v/int64(time.Hour)*int64(time.Hour))
		}
		if s.Set(v) == nil {
			written[s.Name] = s.String()
		}
	}
}
