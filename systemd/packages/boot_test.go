package packages_test

import (
	"os"
	"strings"
	"testing"
)

// site is what an operator adds to the site's file.
const site = `
organization "load" {
  contacts = ["finn@example.com"]
  approval = "automatic"
}
`

// TestBoot lives through what a server does, under a systemd that has really booted:
// the .deb is installed, the directory made, the site applied; ktsd is killed, frozen,
// restarted, reloaded and upgraded while clients ask it; the machine is booted again;
// the package is removed, and installed again over what it left.
//
// Clients that ask again lose no request. A reload costs them no attempt.
func TestBoot(t *testing.T) {
	t.Parallel()
	m := newMachine(t)

	if out := m.install(packageFile(t, older, "deb")); !strings.Contains(out, "ktadmin init") {
		t.Errorf("the installation does not say what to do next:\n%s", out)
	}
	if out, err := m.try("systemctl", "start", "ktsd"); err == nil {
		t.Errorf("ktsd starts without a configuration directory:\n%s", out)
	}
	m.run("ktadmin", "init", "--hostname", "localhost")
	m.run("ktadmin", "validate", "-f", "/etc/keytrustee/site.hcl")
	m.run("ktadmin", "apply", "-f", "/etc/keytrustee/site.hcl", "--auto-approve") // as it was installed
	if got := m.show("ActiveState"); got != "active" {
		t.Fatalf("after the first apply ktsd is %s", got)
	}
	starter, err := os.ReadFile("site.hcl")
	if err != nil {
		t.Fatal(err)
	}
	m.write("etc/keytrustee/site.hcl", string(starter)+site, 0o640)
	m.run("ktadmin", "apply", "-f", "/etc/keytrustee/site.hcl", "--auto-approve")
	m.run("ktadmin", "plan", "-f", "/etc/keytrustee/site.hcl")

	m.keep("first", "kept from the beginning")
	m.sandbox()
	m.faults()
	m.upgrade()

	m.stop()
	m.boot()
	m.kept("after another boot")
	if out := m.run("systemctl", "--no-pager", "status", "keytrusteed"); !strings.Contains(out, "Active: active (running)") {
		t.Errorf("systemctl status keytrusteed, the original's name:\n%s", out)
	}
	m.heads()
	m.remove()
}

// keep has the client's command put a deposit, as root of the machine.
func (m *machine) keep(handle, contents string) {
	m.t.Helper()
	m.run("keytrustee", "register", "--server", "https://localhost:11371", "--org", "load",
		"--ca", "/var/lib/keytrustee/.keytrustee/.ssl/ssl-cert-keytrustee.pem")
	m.write("root/"+handle, contents, 0o600)
	m.run("keytrustee", "put", handle, "/root/"+handle)
}

// kept gets the deposit of keep.
func (m *machine) kept(when string) {
	m.t.Helper()
	if got := m.run("keytrustee", "get", "first"); got != "kept from the beginning" {
		m.t.Errorf("%s: keytrustee get: got %q", when, got)
	}
}

// sandbox looks at the host as the unit lets ktsd see it: programs that print a
// password run, PostgreSQL's sockets are where either name has them, and what is none
// of its business is not there.
func (m *machine) sandbox() {
	m.t.Helper()
	m.write("usr/local/sbin/password", "#!/bin/sh\ncat /etc/pki/keytrustee/password | tr a-z A-Z\n", 0o755)
	m.write("etc/pki/keytrustee/password", "from a script\n", 0o644)
	m.write("home/finn/secret", "", 0o644)
	m.write("var/log/other", "", 0o644)
	m.run("sh", "-c", "mkdir -p /run/postgresql && echo of PostgreSQL >/run/postgresql/file")
	m.write("etc/systemd/system/ktsd.service.d/look.conf", `[Service]
ExecStartPre=/bin/echo -n from /bin/echo
ExecStartPre=/usr/local/sbin/password
ExecStartPre=/bin/sh -c 'cat /run/postgresql/file /var/run/postgresql/file | sort | uniq -c | tr -s " "'
ExecStartPre=/bin/sh -c 'ls /home /root /var/log /run /var/lib | tr "\n" " "; echo seen'
ExecStartPre=/bin/sh -c 'for d in / /etc /usr/local /run /var; do if [ -w "$d" ]; then echo "may write to $d"; fi; done; echo tried'
`, 0o644)
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "restart", "ktsd")
	journal := m.run("journalctl", "--no-pager", "-o", "cat", "-u", "ktsd")
	for _, want := range []string{"from /bin/echo\n", "FROM A SCRIPT\n", "2 of PostgreSQL\n", "seen\n", "tried\n"} {
		if !strings.Contains(journal, want) {
			m.t.Errorf("not in the journal: %q\n%s", want, journal)
		}
	}
	for _, never := range []string{"finn", "other", "dpkg", "dbus", "may write"} {
		if strings.Contains(journal, never) {
			m.t.Errorf("the unit lets ktsd do or see %q:\n%s", never, journal)
		}
	}
	if err := os.Remove(m.path("etc/systemd/system/ktsd.service.d/look.conf")); err != nil {
		m.t.Error(err)
	}
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "restart", "ktsd")
}

// faults are what happens to ktsd while clients ask it.
func (m *machine) faults() {
	m.t.Helper()
	l := m.startLoad()
	m.run("systemctl", "reload", "ktsd")
	if r := l.end("reload"); r.Again > 0 {
		m.t.Errorf("a reload cost clients %d attempts", r.Again)
	}

	m.write("etc/systemd/system/ktsd.service.d/fast.conf", "[Service]\nWatchdogSec=3\n", 0o644) // 30 s is the unit's
	m.run("systemctl", "daemon-reload")
	l = m.startLoad()
	m.run("systemctl", "restart", "ktsd")
	l.end("restart")

	for _, fault := range []struct{ name, signal, shown string }{
		{"kill -9", "KILL", "code=killed, status=9/KILL"},
		{"freeze", "STOP", "Watchdog timeout"},
	} {
		l = m.startLoad()
		before := m.show("MainPID")
		m.run("systemctl", "kill", "--kill-whom=main", "--signal="+fault.signal, "ktsd")
		m.until("ktsd is started again after "+fault.name, func() bool {
			return m.show("ActiveState") == "active" && m.show("MainPID") != before
		})
		l.end(fault.name)
		if journal := m.run("journalctl", "--no-pager", "-o", "cat", "-u", "ktsd"); !strings.Contains(journal, fault.shown) {
			m.t.Errorf("%s: not in the journal: %q\n%s", fault.name, fault.shown, journal)
		}
	}
	m.kept("after being killed and frozen")
}

// upgrade installs the newer package while clients ask.
func (m *machine) upgrade() {
	m.t.Helper()
	l := m.startLoad()
	m.install(packageFile(m.t, newer, "deb"))
	l.end("upgrade")
	if got := m.run("ktsd", "--version"); !strings.Contains(got, newer) {
		m.t.Errorf("ktsd --version after the upgrade: got %q", got)
	}
	if journal := m.run("journalctl", "--no-pager", "-o", "cat", "-u", "ktsd", "-n", "20"); !strings.Contains(journal, "version="+newer+" ") {
		m.t.Errorf("the upgrade did not restart ktsd:\n%s", journal)
	}
	m.kept("after the upgrade")
	m.run("ktadmin", "plan", "-f", "/etc/keytrustee/site.hcl") // the edited file is still there
}

// heads looks for the signed heads of the audit log in the journal.
func (m *machine) heads() {
	m.t.Helper()
	m.run("systemctl", "restart", "ktsd") // a stop sends one
	m.until("a signed head is in the journal", func() bool {
		out, err := m.try("sh", "-c", "journalctl --no-pager -o cat -u ktsd --output-fields=KTSD_AUDIT_HEAD | grep signature >/root/heads")
		return err == nil && out == ""
	})
	if out := m.run("ktadmin", "audit", "verify", "--checkpoint", "/root/heads"); !strings.Contains(out, "heads hold") && !strings.Contains(out, "head holds") {
		m.t.Errorf("the heads of the journal and the audit log:\n%s", out)
	}
}

// remove removes the package, purges it, and installs it again: what was kept is served.
func (m *machine) remove() {
	m.t.Helper()
	for _, how := range []string{"--remove", "--purge"} {
		if out := m.run("dpkg", how, "ktsd"); !strings.Contains(out, "are kept in /var/lib/keytrustee") {
			m.t.Errorf("dpkg %s does not say where the data is:\n%s", how, out)
		}
		if out, err := m.try("sh", "-c", "grep -lx ktsd /proc/[0-9]*/comm"); err == nil {
			m.t.Errorf("ktsd still runs after dpkg %s:\n%s", how, out)
		}
		if _, err := os.Stat(m.path("var/lib/keytrustee/.keytrustee/kekring.json")); err != nil {
			m.t.Errorf("dpkg %s: %v", how, err)
		}
		m.install(packageFile(m.t, newer, "deb"))
		out := m.run("ktadmin", "apply", "-f", "/etc/keytrustee/site.hcl", "--auto-approve")
		if !strings.Contains(out, "starting ktsd.service") {
			m.t.Errorf("apply after dpkg %s and another installation:\n%s", how, out)
		}
		m.kept("after dpkg " + how + " and another installation")
	}
}
