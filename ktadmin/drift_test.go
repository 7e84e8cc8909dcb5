package main_test

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// drifts is how many changes are made behind the tool's back.
const drifts = 500

// TestDrift makes 500 random changes behind the tool's back, some at a time, with
// orgtool's calls and in keytrustee.conf: each is shown by plan, none is shown that
// was not made, and apply takes them all back.
func TestDrift(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	d := &driftRig{T: t, dir: confdir.Dir(s.Dir), file: filepath.Join(t.TempDir(), "site.hcl"), rand: rand.New(rand.NewSource(1))}
	d.admin = client.NewAdmin(d.dir.DialSocket)
	if err := os.WriteFile(d.file, []byte(driftSite(s.Addr)), 0o600); err != nil {
		t.Fatal(err)
	}
	d.apply()
	made := 0
	for round := 0; made < drifts; round++ {
		want := map[string]string{}
		for range 1 + d.rand.Intn(8) {
			where, what := d.change(want)
			if where != "" {
				want[where] = what
				made++
			}
		}
		if diff := cmp.Diff(want, d.plan()); diff != "" {
			t.Fatalf("round %d: changes made, and what the plan shows (-made +shown):\n%s", round, diff)
		}
		d.apply()
		if left := d.plan(); len(left) > 0 {
			t.Fatalf("round %d: the plan after apply shows %v", round, left)
		}
	}
}

type driftRig struct {
	*testing.T
	dir   confdir.Dir
	file  string
	admin *client.Admin
	rand  *rand.Rand
}

func driftSite(listen string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "server \"localhost\" {\n  listen = %q\n}\nlimits {\n  client_rate = 2000\n}\naudit {}\n", listen)
	for i := range 6 {
		fmt.Fprintf(&b, "organization \"org%d\" {\n  contacts = [\"a@example.com\", \"b@example.com\"]\n  approval = %q\n}\n",
			i, []string{"auth_code", "contacts", "automatic"}[i%3])
	}
	return b.String()
}

func (d *driftRig) apply() {
	d.Helper()
	ktest.Must(d.T, "ktadmin", "apply", "--confdir", string(d.dir), "-f", d.file, "--auto-approve")
}

// plan returns what a plan shows: what differs, and how it is.
func (d *driftRig) plan() map[string]string {
	d.Helper()
	out, stderr, code := ktest.Run(d.T, "ktadmin", "plan", "--confdir", string(d.dir), "-f", d.file, "--json")
	if code != 0 && code != 2 {
		d.Fatalf("plan: exit code %d\n%s%s", code, out, stderr)
	}
	type value struct{ Value any }
	var p struct {
		Blocks []struct {
			Block, Name string
			Changes     []struct {
				Action, Attribute string
				Old, New          *value
			}
		}
		Unmanaged []struct{ Name string }
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.UseNumber()
	if err := decoder.Decode(&p); err != nil {
		d.Fatalf("plan --json: %v\n%s", err, out)
	}
	shown := map[string]string{}
	for _, b := range p.Blocks {
		for _, c := range b.Changes {
			if c.Attribute == "reload" {
				continue // it comes with the others
			}
			where := b.Block + " " + b.Name + " " + c.Attribute
			switch {
			case c.Attribute == "contact" && c.New != nil:
				shown[where+" "+fmt.Sprint(c.New.Value)] = "gone"
			case c.Attribute == "contact":
				shown[where+" "+fmt.Sprint(c.Old.Value)] = "there"
			case c.Attribute == "auth code":
				shown[where] = "other"
			default:
				shown[where] = fmt.Sprint(c.Old.Value)
			}
		}
	}
	for _, u := range p.Unmanaged {
		shown["organization "+u.Name] = "unmanaged"
	}
	if inSync := code == 0; inSync != (len(p.Blocks) == 0) {
		d.Errorf("plan: exit code %d with %d blocks", code, len(p.Blocks))
	}
	return shown
}

// change makes a change where none was made in this round, and says where and how it
// is now; "" if it was made there before.
func (d *driftRig) change(made map[string]string) (where, what string) {
	d.Helper()
	ctx := d.Context()
	org := fmt.Sprintf("org%d", d.rand.Intn(6))
	must := func(err error) {
		d.Helper()
		if err != nil {
			d.Fatal(err)
		}
	}
	pick := func(from ...string) string { return from[d.rand.Intn(len(from))] }
	taken := func(w string) bool { where = w; _, ok := made[w]; return ok }
	switch d.rand.Intn(8) {
	case 0:
		contact := pick("x", "y", "z") + "@example.com"
		if taken("organization " + org + " contact " + contact) {
			return "", ""
		}
		must(d.admin.AddContacts(ctx, org, []string{contact}))
		return where, "there"
	case 1:
		contact := pick("a", "b") + "@example.com"
		if taken("organization " + org + " contact " + contact) {
			return "", ""
		}
		_, err := d.admin.RemoveContact(ctx, org, contact)
		must(err)
		return where, "gone"
	case 2:
		if taken("organization " + org + " approval") {
			return "", ""
		}
		declared := []string{"auth_code", "contacts", "automatic"}
		declaredHere := declared[(int(org[3])-'0')%3]
		other := pick(slices.DeleteFunc(declared, func(a string) bool { return a == declaredHere })...)
		must(d.admin.SetAdmission(ctx, org, other, ""))
		if declaredHere == "auth_code" {
			made["organization "+org+" auth code"] = "other" // it has none any more
		}
		return where, other
	case 3:
		if taken("organization " + org + " expiration") {
			return "", ""
		}
		at := time.Date(2030+d.rand.Intn(9), 1, 1, 0, 0, 0, 0, time.UTC)
		must(d.admin.SetExpiration(ctx, org, at))
		return where, at.Format(time.RFC3339)
	case 4:
		if taken("organization " + org + " managed_by") {
			return "", ""
		}
		must(d.admin.SetManagement(ctx, org, "tenant"))
		return where, "tenant"
	case 5:
		settings := (&bounds.Limits{}).Settings()
		return d.setting(made, "limits  ", settings[d.rand.Intn(len(settings))].Name)
	case 6:
		settings := (&bounds.Audit{}).Settings()
		return d.setting(made, "audit  ", settings[d.rand.Intn(len(settings))].Name)
	default:
		return d.server(made)
	}
}

// setting changes a limit, or how the audit log is kept, in keytrustee.conf.
func (d *driftRig) setting(made map[string]string, block, name string) (where, what string) {
	d.Helper()
	where = block + name
	if _, ok := made[where]; ok {
		return "", ""
	}
	ktest.SetConf(d.T, string(d.dir), func(c *confdir.Conf) {
		limits, audit := c.LimitsInForce(), c.AuditInForce()
		settings := limits.Settings()
		if strings.HasPrefix(block, "audit") {
			settings = audit.Settings()
		}
		s := settings[slices.IndexFunc(settings, func(s bounds.Setting) bool { return s.Name == name })]
		value := s.Least
		if value == s.Value() {
			value = s.Most
		}
		if err := s.Set(value); err != nil {
			d.Fatal(err)
		}
		what = s.String()
		c.Limits, c.Audit = &limits, &audit
	})
	return where, what
}

// server changes what keytrustee.conf says of the server.
func (d *driftRig) server(made map[string]string) (where, what string) {
	d.Helper()
	fields := []struct {
		name, value string
		field       func(*confdir.Conf) *string
	}{
		{"listen", ":1", func(c *confdir.Conf) *string { return &c.Listen }},
		{"hostname", "mallory.example.com", func(c *confdir.Conf) *string { return &c.ServerHostname }},
		{"tls.min_version", "tlsv1", func(c *confdir.Conf) *string { return &c.TLSMinVersion }},
		{"tls.ciphers", "ALL", func(c *confdir.Conf) *string { return &c.Ciphers }},
		{"tls.certificate", "/tmp/mallory.pem", func(c *confdir.Conf) *string { return &c.Certificate }},
		{"tls.private_key", "/tmp/mallory.key", func(c *confdir.Conf) *string { return &c.PrivateKey }},
		{"tls.ca_chain", "/tmp/mallory-ca.pem", func(c *confdir.Conf) *string { return &c.CAChain }},
		{"tls.private_key_password_script", "/bin/true", func(c *confdir.Conf) *string { return &c.PasswordScript }},
	}
	f := fields[d.rand.Intn(len(fields))]
	where = "server localhost " + f.name
	if _, ok := made[where]; ok {
		return "", ""
	}
	ktest.SetConf(d.T, string(d.dir), func(c *confdir.Conf) { *f.field(c) = f.value })
	return where, f.value
}
