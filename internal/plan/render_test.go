package plan_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/site"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	oldCode = "0ldC0de-Zq8w"
	newCode = "n3wC0de-Xk2v"
	oldURL  = "postgres://ktsd:" + oldCode + "@db.example.com/keytrustee"
)

// scenario is one pair of inputs whose whole output is in testdata.
type scenario struct {
	name    string
	desired plan.Desired
	live    plan.Live
	color   bool
}

func scenarios() []scenario {
	own := site.Server{Name: "kts01.example.com", Listen: ":11372", TLS: site.TLS{
		MinVersion: "tlsv1.3", Certificate: "/etc/pki/kts01.pem", PrivateKey: "/etc/pki/kts01.key",
	}}
	plain := site.Server{Name: "kts01.example.com"}
	wanted := []site.Organization{
		{Name: "payments", Contacts: []string{"finn@example.com", "marceline@example.com"}, Approval: site.ApprovalContacts},
		{Name: "archive", Contacts: []string{"jake@example.com"}, Approval: site.ApprovalAuthCode, AuthCodeFile: "/etc/keytrustee/archive.code"},
		{Name: "lab", Contacts: []string{"jake@example.com", "bmo@example.com"}, Approval: site.ApprovalAuthCode},
	}
	codes := map[string]names.Secret{"archive": newCode}
	existing := []plan.LiveOrganization{
		{Organization: site.Organization{Name: "old", Approval: site.ApprovalAutomatic}, State: plan.StateActive},
		{Organization: site.Organization{Name: "payments", Contacts: []string{"jake@example.com", "finn@example.com"}, Approval: site.ApprovalAuthCode}, State: plan.StateActive, AuthCode: oldCode},
		{Organization: site.Organization{Name: "archive", Contacts: []string{"jake@example.com"}, Approval: site.ApprovalAuthCode}, State: plan.StateActive, AuthCode: oldCode},
		{Organization: site.Organization{Name: "ancient\x1b[2J", Approval: site.ApprovalContacts}, State: "disabled"},
	}
	desired := func(server *site.Server, orgs ...site.Organization) plan.Desired {
		return plan.Desired{Host: "kts01.example.com", File: "site.hcl", Server: server, Organizations: orgs, AuthCodes: codes}
	}
	running := func(server site.Server, changed bool, orgs ...plan.LiveOrganization) *plan.Running {
		return &plan.Running{Server: server, CertificateChanged: changed, Organizations: orgs}
	}
	const where = "postgres db.example.com:5432/keytrustee as ktsd"
	embedded := plan.Database{Shown: "sqlite"}
	postgres := plan.Database{Database: site.Database{Engine: "postgres", URL: "postgres://ktsd@db.example.com/keytrustee"}, Shown: where}
	password := plan.Database{Database: site.Database{Engine: "postgres", URL: oldURL}, Shown: where}
	secretFile := plan.Database{Database: site.Database{Engine: "postgres", URLFile: "/etc/keytrustee/database-url"}, Shown: where}
	at := func(d plan.Desired, database plan.Database) plan.Desired {
		d.Database = &database
		return d
	}
	opened := func(r *plan.Running, database plan.Database, changed bool) *plan.Running {
		r.Database, r.DatabaseChanged = database.Shown, changed
		return r
	}
	limits, audit := wantedBounds()
	bounded := desired(nil)
	bounded.Limits, bounded.Audit = &limits, &audit
	both := func(l bounds.Limits, a bounds.Audit, server site.Server) plan.Live {
		return plan.Live{
			Server: server, Limits: l, Audit: a,
			Running: &plan.Running{Server: server, Limits: bounds.DefaultLimits(), Audit: bounds.DefaultAudit()},
		}
	}
	withCode := func(d plan.Desired) plan.Desired {
		d.AuthCodes = map[string]names.Secret{"kept": newCode}
		return d
	}
	full := site.Server{Name: "kts01.example.com", Listen: "10.0.0.1:11371, [::1]:11371", Hostname: "kts.example.com", TLS: site.TLS{
		Ciphers: "ECDHE+AESGCM:!aNULL", CAChain: "/etc/pki/chain.pem", PasswordScript: "/bin/echo -n " + newCode,
	}}
	other := site.Server{Listen: "10.0.0.1:11371", TLS: site.TLS{PasswordScript: "/bin/echo -n " + oldCode}}
	removal := desired(nil)
	removal.Removed = []site.Removed{{Organization: "new", Deposits: 12}, {Organization: "kept", Deposits: 0}, {Organization: "never", Deposits: 3}}
	removal.Warnings = []plan.Warning{{Block: "server", Name: "kts01.example.com", Attribute: "tls.certificate", Text: "it is self-signed: clients have to be given it"}}
	withServer := bounded
	withServer.Server = &own
	return []scenario{
		{"everything", desired(&own, wanted...), plan.Live{Server: plain, Running: running(plain, false, existing...)}, false},
		{"everything-color", desired(&own, wanted...), plan.Live{Server: plain, Running: running(plain, false, existing...)}, true},
		{"back-to-defaults", desired(&plain), plan.Live{Server: own, Running: running(own, false)}, false},
		{"stopped", desired(&own, wanted...), plan.Live{Server: plain}, false},
		{"stopped-in-sync", desired(&own), plan.Live{Server: own}, false},
		{"in-sync", desired(&own), plan.Live{Server: own, Running: running(own, false)}, false},
		{"in-sync-unmanaged", desired(&own), plan.Live{Server: own, Running: running(own, false, existing...)}, false},
		{"stale-server", desired(&own), plan.Live{Server: own, Running: running(plain, true)}, false},
		{"new-certificate", desired(&own), plan.Live{Server: own, Running: running(own, true)}, false},
		{"server-not-declared", desired(nil, wanted[0]), plan.Live{Server: own, Running: running(plain, true, existing[1])}, false},
		{"code-not-read", plan.Desired{Host: "kts01.example.com", File: "site.hcl", Organizations: wanted}, plan.Live{Running: running(plain, false, existing...)}, false},
		{"database", at(desired(&own, wanted...), postgres), plan.Live{Server: plain, Database: embedded}, false},
		{"database-running", at(desired(&plain, wanted...), postgres), plan.Live{Server: plain, Database: embedded, Running: opened(running(plain, false, existing...), embedded, false)}, false},
		{"database-running-color", at(desired(&plain, wanted...), postgres), plan.Live{Server: plain, Database: embedded, Running: opened(running(plain, false, existing...), embedded, false)}, true},
		{"database-back", at(desired(&plain), embedded), plan.Live{Server: plain, Database: password}, false},
		{"database-url", at(desired(&plain), postgres), plan.Live{Server: plain, Database: password}, false},
		{"database-url-file", at(desired(&plain), secretFile), plan.Live{Server: plain, Database: password}, false},
		{"database-not-opened", at(desired(&plain, wanted[0]), postgres), plan.Live{Server: plain, Database: postgres, Running: opened(running(plain, false, existing...), embedded, true)}, false},
		{"database-not-declared", desired(&plain), plan.Live{Server: plain, Database: password, Running: opened(running(plain, false), embedded, true)}, false},
		{"database-in-sync", at(desired(&plain), postgres), plan.Live{Server: plain, Database: postgres, Running: opened(running(plain, false), postgres, false)}, false},
		{"code-generated", desired(nil, wanted[2]), plan.Live{Running: running(plain, false, plan.LiveOrganization{Organization: wanted[2]})}, false},
		{"bounds", withServer, both(bounds.DefaultLimits(), bounds.DefaultAudit(), plain), false},
		{"bounds-alone", bounded, both(bounds.DefaultLimits(), bounds.DefaultAudit(), plain), false},
		{"bounds-stale", bounded, both(limits.Limits, audit.Audit, plain), false},
		{"tls", desired(&full), plan.Live{Server: other, Running: running(other, false)}, false},
		{"tls-stale", desired(&full), plan.Live{Server: full, Running: running(other, false)}, false},
		{"tenants", withCode(desired(nil, tenants()...)), plan.Live{Running: running(plain, false, tenantsNow()[:4]...)}, false},
		{"tenants-color", withCode(desired(nil, tenants()...)), plan.Live{Running: running(plain, false, tenantsNow()[:4]...)}, true},
		{"removed", removal, plan.Live{Running: running(plain, false, tenantsNow()...)}, false},
		{"removed-color", removal, plan.Live{Running: running(plain, false, tenantsNow()...)}, true},
		{"removed-gone", removal, plan.Live{Running: running(plain, false)}, false},
		{"removed-stopped", removal, plan.Live{}, false},
		{"bounds-not-declared", desired(&plain), both(limits.Limits, audit.Audit, plain), false},
	}
}

// tenants are organizations that change hands, and one that stays its tenant's.
func tenants() []site.Organization {
	contacts := []string{"finn@example.com"}
	return []site.Organization{
		{Name: "kept", Contacts: contacts, Approval: site.ApprovalAuthCode, AuthCodeFile: "/etc/keytrustee/archive.code", ManagedBy: site.ManagedByTenant},
		{Name: "new", Contacts: contacts, Approval: site.ApprovalContacts, ManagedBy: site.ManagedByTenant, Expiration: time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC)},
		{Name: "released", Contacts: contacts, Approval: site.ApprovalContacts, ManagedBy: site.ManagedByTenant},
		{Name: "taken", Contacts: contacts, Approval: site.ApprovalContacts, ManagedBy: site.ManagedByFile, Expiration: time.Date(2027, 12, 31, 12, 0, 0, 0, time.FixedZone("", 3600))},
	}
}

func tenantsNow() []plan.LiveOrganization {
	contacts := []string{"jake@example.com"}
	return []plan.LiveOrganization{
		{Organization: site.Organization{Name: "kept", Contacts: contacts, Approval: site.ApprovalAuthCode, ManagedBy: site.ManagedByTenant}, AuthCode: oldCode, Usage: &plan.Usage{}},
		{Organization: site.Organization{Name: "released", Contacts: contacts, Approval: site.ApprovalContacts, ManagedBy: site.ManagedByFile}},
		{Organization: site.Organization{Name: "taken", Contacts: contacts, Approval: site.ApprovalContacts, ManagedBy: site.ManagedByTenant}},
		{Organization: site.Organization{Name: "undeclared", Contacts: contacts, Approval: site.ApprovalContacts, ManagedBy: site.ManagedByFile}},
		{Organization: site.Organization{Name: "new", Approval: site.ApprovalContacts, ManagedBy: site.ManagedByTenant}, Usage: &plan.Usage{Clients: 3, Deposits: 12}},
	}
}

// wantedBounds are blocks with the default in other words, and with other values in
// words of each kind.
func wantedBounds() (site.Limits, site.Audit) {
	l := site.Limits{Limits: bounds.DefaultLimits(), Written: site.Words{"purge_after": "168h", "client_bytes": "2147483648", "pending_expiry": "480h", "client_rate": "500"}}
	l.ClientBytes, l.PendingExpiry, l.ClientRate = 2<<30, 20*24*time.Hour, 500
	a := site.Audit{Audit: bounds.DefaultAudit(), Written: site.Words{"segment_age": "36h", "heads": "false", "low_water": "0"}}
	a.SegmentAge, a.Heads, a.LowWater = 36*time.Hour, false, 0
	return l, a
}

// TestGolden compares whole outputs, as text and as JSON. Shuffled inputs must
// give the same bytes.
func TestGolden(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			text, asJSON := render(t, s)
			golden(t, s.name+".txt", text)
			if !s.color {
				golden(t, s.name+".json", asJSON)
			}

			slices.Reverse(s.desired.Organizations)
			for i, org := range s.desired.Organizations {
				s.desired.Organizations[i].Contacts = append(slices.Clone(org.Contacts), org.Contacts...)
				slices.Reverse(s.desired.Organizations[i].Contacts)
			}
			if s.live.Running != nil {
				slices.Reverse(s.live.Running.Organizations)
			}
			again, asJSONAgain := render(t, s)
			if again != text || asJSONAgain != asJSON {
				t.Errorf("another order of the input gives another output:\n%s", cmp.Diff(text+asJSON, again+asJSONAgain))
			}
		})
	}
}

func render(t *testing.T, s scenario) (text, asJSON string) {
	t.Helper()
	p := plan.Diff(s.desired, s.live)
	var b bytes.Buffer
	if err := plan.Render(&b, p, plan.Options{Color: s.color}); err != nil {
		t.Fatal(err)
	}
	j, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{oldCode, newCode} {
		if strings.Contains(b.String()+string(j), code) {
			t.Errorf("the plan shows an authorization code:\n%s\n%s", b.String(), j)
		}
	}
	if strings.Contains(b.String(), "\x1b[2J") {
		t.Errorf("a name reaches the terminal as a control sequence: %q", b.String())
	}
	return b.String(), string(j) + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
