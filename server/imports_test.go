package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

const module = "github.com/ktsd/ktsd/"

// goList runs "go list" at the module's root, and returns its lines as fields.
func goList(t *testing.T, args ...string) [][]string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = ktest.Root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v", strings.Join(args, " "), err)
	}
	var lines [][]string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// deps are the packages that end up in what is built of pkg.
func deps(t *testing.T, pkg string) []string {
	t.Helper()
	var all []string
	for _, line := range goList(t, "-deps", pkg) {
		all = append(all, line[0])
	}
	if len(all) < 10 {
		t.Fatalf("packages under %s: got %d, want some", pkg, len(all))
	}
	return all
}

// TestServerIsSmall: what ktsd must not be linked with.
func TestServerIsSmall(t *testing.T) {
	t.Parallel()
	for _, pkg := range deps(t, "./server") {
		for _, not := range []string{
			"github.com/hashicorp/", "github.com/miekg/pkcs11", "cloud.google.com/", "github.com/Azure/", "github.com/aws/", "github.com/ovh/kmip",
			"github.com/go-zookeeper/", "go.etcd.io/", "google.golang.org/grpc", module + "hcl", module + "internal/plan", module + "internal/site", module + "internal/keystore", module + "client",
		} {
			if strings.HasPrefix(pkg, not) {
				t.Errorf("ktsd is built with %s, want nothing of %s in it", pkg, not)
			}
		}
	}
}

// TestDomainIsPure: the domain knows no transport, no SQL and no HCL.
func TestDomainIsPure(t *testing.T) {
	t.Parallel()
	for _, pkg := range deps(t, "./internal/escrow") {
		// database/sql/driver, which only declares interfaces, comes with google/uuid.
		if pkg == "net/http" || pkg == "database/sql" || pkg == "crypto/tls" {
			t.Errorf("internal/escrow is built with %s", pkg)
		}
		for _, not := range []string{"github.com/hashicorp/", "modernc.org/", "github.com/ProtonMail/", "github.com/alecthomas/", "github.com/prometheus/"} {
			if strings.HasPrefix(pkg, not) {
				t.Errorf("internal/escrow is built with %s", pkg)
			}
		}
	}
}

// TestHeavyDependenciesHaveOneImporter: the packages that may import what others
// only use through them. Tests are not looked at, nor is bench, which is installed
// nowhere and measures the drivers bare.
func TestHeavyDependenciesHaveOneImporter(t *testing.T) {
	t.Parallel()
	importers := map[string][]string{
		"github.com/ProtonMail/":       {"internal/pgp"},
		"modernc.org/sqlite":           {"internal/sqlite"},
		"github.com/jackc/":            {"internal/postgres"},
		"database/sql":                 {"internal/sqlite"}, // and postgres, through pgx's adapter
		"github.com/pressly/goose/":    {"internal/sqlite", "internal/postgres"},
		"github.com/hashicorp/":        {"hcl"},
		"github.com/zclconf/":          {"hcl"},
		"github.com/alecthomas/kong":   {"internal/cli", "internal/cli/completion", "internal/cli/manual", "server", "ktadmin", "orgtool", "cmd/keytrustee"},
		"github.com/coreos/go-systemd": {"server"},
		"github.com/prometheus/":       {"internal/metrics"},
		"software.sslmate.com/":        {"internal/keystore"},
		"github.com/pavlo-v-chernykh/": {"internal/keystore"},
	}
	seen := map[string]bool{}
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		pkg := strings.TrimPrefix(line[0], module)
		if pkg == "bench" || strings.HasPrefix(pkg, "bench/") {
			continue
		}
		for _, imported := range line[1:] {
			for prefix, allowed := range importers {
				if !strings.HasPrefix(imported, prefix) {
					continue
				}
				seen[prefix] = true
				if !slices.Contains(allowed, pkg) {
					t.Errorf("%s imports %s, want only %v to", pkg, imported, allowed)
				}
			}
		}
	}
	for prefix := range importers {
		if !seen[prefix] {
			t.Errorf("%s: got no importer, want the rule to be about something", prefix)
		}
	}
}
