package hcl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/site"
)

// write makes a file in dir, and returns its path.
func write(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads what has no errors.
func load(t *testing.T, l hcl.Loader) *hcl.Config {
	t.Helper()
	config, diags := l.Load()
	if len(diags) != 0 {
		t.Fatalf("got diagnostics, want none:\n%v", diags)
	}
	return config
}

// TestReferences: locals and variables are used in any order, across files, and
// null is not set.
func TestReferences(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.hcl", `
server "kts01" {
  listen   = [for port in local.ports : ":${port}"]
  hostname = local.nothing
  tls {
    certificate = "${local.pki}/kts01.pem"
    private_key = "${local.pki}/kts01.key"
    ca_chain    = var.chain ? "${local.pki}/chain.pem" : null
  }
}
organization "one" {
  contacts = concat(["finn@${var.domain}"], local.more)
  approval = local.approvals[var.domain]
}
limits {
  client_rate = local.ports[0] - 11000
  purge_after = local.nothing
}
removed "two" {
  deposits = length(local.more) + 1
}
`, 0o644)
	write(t, dir, "b.hcl", `
locals {
  more = split(",", "jake@${local.domain},marceline@${local.domain}")
  pki  = "/etc/pki/${local.domain}"
}
locals {
  domain    = var.domain
  ports     = [11371, 11381]
  nothing   = null
  approvals = { "example.com" = "contacts" }
}
variable "domain" { default = "example.com" }
variable "chain" {
  type    = bool
  default = false
}
`, 0o644)
	got := load(t, hcl.Loader{Paths: []string{dir}}).Site()
	if got.Limits == nil || got.Limits.ClientRate != 371 {
		t.Errorf("got limits %+v, want a client rate of 371", got.Limits)
	}
	got.Limits = nil
	want := site.Site{
		Servers: []site.Server{{Name: "kts01", Listen: ":11371, :11381", TLS: site.TLS{
			Certificate: "/etc/pki/example.com/kts01.pem", PrivateKey: "/etc/pki/example.com/kts01.key",
		}}},
		Organizations: []site.Organization{{
			Name: "one", Contacts: []string{"finn@example.com", "jake@example.com", "marceline@example.com"},
			Approval: site.ApprovalContacts, ManagedBy: site.ManagedByFile,
		}},
		Removed: []site.Removed{{Organization: "two", Deposits: 3}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("site (-want +got):\n%s", diff)
	}
}

// TestFunctions: each function, by what it makes of an organization's contacts.
func TestFunctions(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "contacts.txt", "finn@b\njake@b\n", 0o644)
	write(t, dir, "contacts.json", `{"lab": ["finn@b", "jake@b"]}`, 0o644)
	write(t, dir, "contacts.csv", "name,host\nfinn,b\njake,b\n", 0o644)
	for _, expr := range []string{
		`split("\n", trimspace(file("contacts.txt")))`,
		`split("\n", trimspace(file("` + dir + `/contacts.txt")))`,
		`jsondecode(file("contacts.json")).lab`,
		`jsondecode(file("contacts.json"))["lab"]`,
		`[for row in csvdecode(file("contacts.csv")) : format("%s@%s", row.name, row.host)]`,
		`flatten([["finn@b"], [["jake@b"]]])`,
		`distinct(["finn@b", "jake@b", "finn@b"])`,
		`sort(["jake@b", "finn@b"])`,
		`toset(["jake@b", "finn@b"])`,
		`concat(["finn@b"], ["jake@b"])`,
		`keys({ "jake@b" = 1, "finn@b" = 2 })`,
		`values({ a = "finn@b", b = "jake@b" })`,
		`values(merge({ a = "finn@b", b = "x" }, { b = "jake@b" }))`,
		`split(",", replace("finn_b,jake_b", "_", "@"))`,
		`split(" ", join(" ", ["finn@b", "jake@b"]))`,
		`[lower("FINN@B"), "jake@${lower("B")}"]`,
		`[lookup({ a = "finn@b" }, "a", "x"), lookup({ a = "x" }, "b", "jake@b")]`,
		`[coalesce(null, "finn@b"), contains(["a"], "a") ? "jake@b" : "x"]`,
		`toset(split(" ", "jake@b finn@b"))`,
		`[lookup(csvdecode("a,b\nfinn@b,jake@b")[0], "a", ""), lookup(csvdecode("a,b\nfinn@b,jake@b")[0], "b", "")]`,
		`[for n in range(2) : ["finn@b", "jake@b"][n]]`,
		`[for n in [upper("finn"), upper("jake")] : "${lower(n)}@b" if length([n]) == 1]`,
		`{ a = ["finn@b", "jake@b"] }.a`,
		`[{ n = "finn@b" }, { n = "jake@b" }][*].n`,
		"[<<EOT\nfinn@b%{ for x in [] }${x}%{ endfor }\nEOT\n == \"finn@b\\n\" ? \"finn@b\" : \"x\", \"jake@b\"]",
	} {
		path := write(t, dir, "site.hcl", "organization \"one\" {\n  contacts = "+expr+"\n}\n", 0o644)
		config, diags := hcl.Load(path)
		if len(diags) != 0 {
			t.Errorf("%s: got diagnostics, want none:\n%v", expr, diags)
			continue
		}
		if got := strings.Join(config.Site().Organizations[0].Contacts, " "); got != "finn@b jake@b" {
			t.Errorf("%s: got %s, want finn@b jake@b", expr, got)
		}
	}
}

// TestForEach: one organization for each element, with the places of its attributes.
func TestForEach(t *testing.T) {
	config := parse(t, `
locals {
  teams = {
    lab  = { contacts = ["finn@example.com"], until = "2027-12-31" }
    mail = { contacts = ["jake@example.com"], until = null }
  }
}
organization "teams" {
  for_each   = local.teams
  name       = "${each.key}-vault"
  contacts   = each.value.contacts
  expiration = each.value.until
}
organization "list" {
  for_each = ["b", "a"]
  contacts = ["${each.value}@example.com"]
}
organization "set" {
  for_each = toset(["d", "c", "d"])
  contacts = ["${each.key}@example.com"]
}
organization "none" {
  for_each = {}
  contacts = ["x"]
}
organization "teams-too" { contacts = ["x@example.com"] }
`)
	var got []string
	for _, org := range config.Site().Organizations {
		got = append(got, fmt.Sprint(org.Name, " ", org.Contacts, " ", org.Expiration.Year()))
	}
	want := []string{
		"lab-vault [finn@example.com] 2027", "mail-vault [jake@example.com] 1", "b [b@example.com] 1", "a [a@example.com] 1",
		"c [c@example.com] 1", "d [d@example.com] 1", "teams-too [x@example.com] 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("organizations (-want +got):\n%s", diff)
	}
	for attr, line := range map[string]string{"contacts": "site.hcl:11:16", "name": "site.hcl:10:16", "expiration": "site.hcl:12:16", "approval": "site.hcl:8:1"} {
		text := hcl.Diagnostics{config.ErrorAt("organization", "mail-vault", attr, "no", "")}.Error()
		if where := line + `, in organization "teams" (for_each key "mail")`; !strings.Contains(text, where) {
			t.Errorf("%s: got\n%s\nwant in it %s", attr, text, where)
		}
	}
}

// TestManyOrganizations: ten thousand of them are no burden. Its time is reported,
// and not judged.
func TestManyOrganizations(t *testing.T) {
	src := `organization "many" {
  for_each = toset([for n in range(100 * 100) : format("org-%05d", n)])
  contacts = ["${each.key}@example.com", "finn@example.com"]
}
`
	_, diags := hcl.Parse([]byte(src), "site.hcl")
	if !diags.HasErrors() {
		t.Error("got no error for a range of 10,000, want one: it gives 1,024 at most")
	}
	src = strings.Replace(src, `[for n in range(100 * 100) : format("org-%05d", n)]`,
		`flatten([for a in range(100) : [for b in range(100) : format("org-%05d", 100 * a + b)]])`, 1)
	orgs := parse(t, src).Site().Organizations
	if len(orgs) != 10000 || orgs[9999].Name != "org-09999" || orgs[9999].Contacts[0] != "org-09999@example.com" {
		t.Errorf("got %d organizations, want 10,000 up to org-09999", len(orgs))
	}
}

// BenchmarkManyOrganizations is the time of TestManyOrganizations.
func BenchmarkManyOrganizations(b *testing.B) {
	src := []byte(`organization "many" {
  for_each = toset(flatten([for a in range(100) : [for b in range(100) : format("org-%05d", 100 * a + b)]]))
  contacts = ["${each.key}@example.com", "finn@example.com"]
}
`)
	for b.Loop() {
		if _, diags := hcl.Parse(src, "site.hcl"); len(diags) != 0 {
			b.Fatal(diags)
		}
	}
}

// TestTooManyOrganizations is over the bound.
func TestTooManyOrganizations(t *testing.T) {
	var names strings.Builder
	for i := range 100_001 {
		fmt.Fprintf(&names, ",o%d", i)
	}
	src := "organization \"many\" {\n  for_each = split(\",\", \"" + names.String()[1:] + "\")\n  contacts = [\"${each.key}@example.com\", \"finn@example.com\"]\n}\n"
	config, diags := hcl.Parse([]byte(src), "site.hcl")
	if !strings.Contains(diags.Error(), "too many organizations") || len(config.Site().Organizations) != 100_000 {
		t.Errorf("got %d organizations and\n%v\nwant 100,000 and that there are too many", len(config.Site().Organizations), diags)
	}
}
