// Package systemd_test checks the files of this folder with systemd's own tools.
package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// unitCopy writes the unit to a temporary directory, with a program that exists
// in place of the installed one, and returns its path.
func unitCopy(t *testing.T) string {
	t.Helper()
	unit, err := os.ReadFile("ktsd.service")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const start = "ExecStart=/usr/bin/ktsd\n"
	if !strings.Contains(string(unit), start) {
		t.Fatalf("no line %q in the unit", start)
	}
	name := filepath.Join(t.TempDir(), "ktsd.service")
	text := strings.Replace(string(unit), start, "ExecStart="+program+"\n", 1)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// run runs a program of systemd's, which has to succeed, and returns its output.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestUnit(t *testing.T) {
	ktest.Need(t, "systemd-analyze")
	out := run(t, "systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unitCopy(t))
	if strings.Contains(out, "ktsd.service") { // warnings leave the exit code at 0
		t.Errorf("systemd-analyze verify has something to say:\n%s", out)
	}
}

// TestExposure holds the unit to the exposure that a server cannot avoid: the
// host's network, Internet and Unix sockets, addresses that are not this host's.
// Ten is everything, zero is nothing.
func TestExposure(t *testing.T) {
	ktest.Need(t, "systemd-analyze")
	const tenths = "9"
	run(t, "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold="+tenths, unitCopy(t))
}

// The account and its directories are made as the unit expects them.
func TestAccountAndDirectories(t *testing.T) {
	ktest.Need(t, "systemd-sysusers", "systemd-tmpfiles")
	if os.Geteuid() != 0 {
		ktest.Missing(t, "root, to give directories away")
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	sysusers, tmpfiles := absolute(t, "sysusers.d/keytrustee.conf"), absolute(t, "tmpfiles.d/keytrustee.conf")
	run(t, "systemd-sysusers", "--root="+root, sysusers)
	run(t, "systemd-tmpfiles", "--root="+root, "--create", tmpfiles)

	passwd, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(passwd), ":/var/lib/keytrustee:/usr/sbin/nologin\n") {
		t.Errorf("got %q, want the account with its home and without a shell", passwd)
	}
	for name, want := range map[string]os.FileMode{"var/lib/keytrustee": 0o700, "run/keytrustee": 0o750, "run/keytrustee-root": 0o755} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", name, got, want)
		}
	}
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
