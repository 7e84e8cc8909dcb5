package hcl_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/site"
)

// TestServerAttributes: every attribute of a server gets where it belongs.
func TestServerAttributes(t *testing.T) {
	got := parse(t, `
server "kts01" {
  listen   = [":11371", "[::1]:443", "10.0.0.1:80"]
  hostname = "kts.example.com"
  tls {
    min_version                 = "tlsv1"
    ciphers                     = "ECDHE+AESGCM:!aNULL, @STRENGTH"
    certificate                 = "/c.pem"
    private_key                 = "/k.pem"
    ca_chain                    = "/a.pem"
    private_key_password_script = "/bin/echo -n password"
  }
}
server "kts02" {
  listen = ["kts02:443"]
  tls {
    ciphers                     = ""
    private_key_password_script = "/usr/local/sbin/kts-key-password"
  }
}
`).Site().Servers
	want := []site.Server{
		{Name: "kts01", Listen: ":11371, [::1]:443, 10.0.0.1:80", Hostname: "kts.example.com", TLS: site.TLS{
			MinVersion: "tlsv1", Ciphers: "ECDHE+AESGCM:!aNULL, @STRENGTH", Certificate: "/c.pem", PrivateKey: "/k.pem", CAChain: "/a.pem",
			PasswordScript: "/bin/echo -n password",
		}},
		{Name: "kts02", Listen: "kts02:443", TLS: site.TLS{PasswordScript: "/usr/local/sbin/kts-key-password"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}

// TestExpiration: a date is its first moment, and time without a zone is UTC.
func TestExpiration(t *testing.T) {
	for value, want := range map[string]time.Time{
		`"2027-12-31"`:                time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC),
		`"2027-12-31T18:00:00Z"`:      time.Date(2027, 12, 31, 18, 0, 0, 0, time.UTC),
		`"2027-12-31T18:00:00+01:00"`: time.Date(2027, 12, 31, 17, 0, 0, 0, time.UTC),
		`"9999-12-31T18:59:59"`:       {}, // as the original shows that it never ends
		`"9999-12-31T18:59:59Z"`:      {},
		`"9999-12-31T19:59:59+01:00"`: {},
		`"9999-12-31T18:59:58Z"`:      time.Date(9999, 12, 31, 18, 59, 58, 0, time.UTC),
		`null`:                        {},
	} {
		org := parse(t, "organization \"x\" {\n  contacts = [\"a@b\"]\n  managed_by = \"tenant\"\n  expiration = "+value+"\n}\n").Site().Organizations[0]
		if got := org.Expiration; got != want || org.ManagedBy != site.ManagedByTenant {
			t.Errorf("%s: got %v and managed by %s, want %v and tenant", value, got, org.ManagedBy, want)
		}
	}
}

func TestRemoved(t *testing.T) {
	got := parse(t, "removed \"two\" { deposits = 1e3 }\nremoved \"one\" {}\nremoved \"three\" { deposits = null }\n").Site().Removed
	want := []site.Removed{{Organization: "two", Deposits: 1000}, {Organization: "one"}, {Organization: "three"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
}

// TestWarningAt: a warning stands where an error would, and leaves the file valid.
func TestWarningAt(t *testing.T) {
	config := parse(t, "server \"kts01\" {\n  tls { ciphers = \"CAMELLIA256-SHA\" }\n}\n")
	diags := hcl.Diagnostics{config.WarningAt("server", "kts01", "tls.ciphers", "CAMELLIA256-SHA: not available in this build", "")}
	want := `Warning: CAMELLIA256-SHA: not available in this build
  site.hcl:2:19, in server "kts01"

    2 |   tls { ciphers = "CAMELLIA256-SHA" }
      |                   ^^^^^^^^^^^^^^^^^
`
	if diff := cmp.Diff(want, diags.Error()); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
	if diags.HasErrors() {
		t.Error("got an error, want a warning alone")
	}
}
