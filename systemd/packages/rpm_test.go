package packages_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// rpmRoot is a root with a database of rpm's own.
type rpmRoot struct {
	t    *testing.T
	root string
}

// rpm runs rpm on the root.
func (r rpmRoot) rpm(args ...string) string {
	r.t.Helper()
	return run(r.t, "rpm", append([]string{"--root", r.root, "--dbpath", "/var/lib/rpm"}, args...)...)
}

func (r rpmRoot) path(name string) string { return filepath.Join(r.root, name) }

// write writes a file as somebody on the host would.
func (r rpmRoot) write(name, text string) {
	r.t.Helper()
	err := os.MkdirAll(filepath.Dir(r.path(name)), 0o755)
	if err == nil {
		err = os.WriteFile(r.path(name), []byte(text), 0o640)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// holds checks what a file of the root holds.
func (r rpmRoot) holds(name, want string) {
	r.t.Helper()
	if got, err := os.ReadFile(r.path(name)); err != nil || !strings.Contains(string(got), want) {
		r.t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
	}
}

// TestRPM installs the .rpm into an empty root, upgrades and erases it there: data and
// an edited site.hcl are kept. The empty root has no shell, so no scripts are run.
func TestRPM(t *testing.T) {
	t.Parallel()
	r := newRPMRoot(t, t.TempDir())
	r.rpm("-i", "--noscripts", "--ignorearch", packageFile(t, older, "rpm"))
	if got := r.rpm("-V", "ktsd"); got != "" {
		t.Errorf("rpm -V finds other files than it installed:\n%s", got)
	}
	if got := run(t, r.path("usr/bin/ktsd"), "--version"); !strings.Contains(got, older) {
		t.Errorf("ktsd --version: got %q, want %s", got, older)
	}
	const edited = "organization \"mine\" {\n  contacts = [\"finn@example.com\"]\n}\n"
	r.write("etc/keytrustee/site.hcl", edited)
	r.write("var/lib/keytrustee/.keytrustee/keytrustee.conf", "{}")

	r.rpm("-U", "--noscripts", "--ignorearch", packageFile(t, newer, "rpm"))
	if got := run(t, r.path("usr/bin/ktsd"), "--version"); !strings.Contains(got, newer) {
		t.Errorf("ktsd --version after the upgrade: got %q, want %s", got, newer)
	}
	r.holds("etc/keytrustee/site.hcl", edited)

	r.rpm("-e", "--noscripts", "ktsd")
	r.holds("etc/keytrustee/site.hcl.rpmsave", edited)
	r.holds("var/lib/keytrustee/.keytrustee/keytrustee.conf", "{}")
	if _, err := os.Stat(r.path("usr/bin/ktsd")); !os.IsNotExist(err) {
		t.Errorf("ktsd is still there: %v", err)
	}
}

// TestRPMScripts runs the scripts of the .rpm in a root that has systemd's programs,
// and no running systemd: the account and the links of the unit are made, an upgrade
// leaves what the operator did with these, and erasing keeps the data.
func TestRPMScripts(t *testing.T) {
	t.Parallel()
	r := newRPMRoot(t, copyTree(t))
	if got := r.rpm("-i", packageFile(t, older, "rpm")); !strings.Contains(got, "ktadmin init") {
		t.Errorf("the installation does not say what to do next:\n%s", got)
	}
	r.holds("etc/passwd", "keytrustee:x:")
	const wanted, alias = "etc/systemd/system/multi-user.target.wants/ktsd.service", "etc/systemd/system/keytrusteed.service"
	for _, name := range []string{wanted, alias} {
		if _, err := os.Lstat(r.path(name)); err != nil {
			t.Errorf("not made: %v", err)
		}
	}
	r.write("var/lib/keytrustee/.keytrustee/keytrustee.conf", "{}")
	if err := os.Remove(r.path(wanted)); err != nil { // systemctl disable
		t.Error(err)
	}
	r.rpm("-U", packageFile(t, newer, "rpm"))
	if _, err := os.Lstat(r.path(wanted)); err == nil {
		t.Error("the upgrade enables a unit that the operator disabled")
	}
	if got := r.rpm("-e", "ktsd"); !strings.Contains(got, "are kept in /var/lib/keytrustee") {
		t.Errorf("erasing does not say where the data is:\n%s", got)
	}
	if _, err := os.Lstat(r.path(alias)); err == nil {
		t.Error("the unit's links are still there")
	}
	r.holds("var/lib/keytrustee/.keytrustee/keytrustee.conf", "{}")
}

// newRPMRoot makes rpm's database in a root.
func newRPMRoot(t *testing.T, root string) rpmRoot {
	t.Helper()
	ktest.Need(t, "rpm")
	if os.Geteuid() != 0 {
		ktest.Missing(t, "root, whose roots rpm installs into")
	}
	r := rpmRoot{t: t, root: root}
	r.rpm("--initdb")
	return r
}
