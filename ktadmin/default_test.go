package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// inDefaultDirectory is run with empty /var/lib and /run of its own. Its systemctl
// stands in for one that talks to systemd, which is not this machine's process 1:
// it knows the unit, and starting it really starts ktsd.
const inDefaultDirectory = `
set -eu
mount -t tmpfs none /var/lib
mount -t tmpfs none /run
mkdir "$WORK/shim"
cat >"$WORK/shim/systemctl" <<'SHIM'
#!/bin/sh
case "$*" in
"--quiet cat ktsd.service") exit 0 ;;
"start ktsd.service") ;;
*) echo "unexpected: systemctl $*" >&2; exit 1 ;;
esac
ktsd >"$WORK/ktsd.log" 2>&1 </dev/null &
echo $! >"$WORK/pid"
until orgtool list >/dev/null 2>&1; do kill -0 $! || exit 1; sleep 0.05; done
SHIM
chmod 755 "$WORK/shim/systemctl"
PATH="$WORK/shim:$PATH"
trap 'kill $(cat "$WORK/pid")' EXIT

umask 0022
ktadmin init --hostname localhost
if [ -n "${SAVED:-}" ]; then
	systemctl start ktsd.service
	orgtool add -n one -c boss@example.com
	orgtool add -n two -c boss@example.com
	kill "$(cat "$WORK/pid")"
	while orgtool list >/dev/null 2>&1; do sleep 0.05; done
	ktadmin plan -f "$WORK/site.hcl" --out "$WORK/site.plan" || echo "plan: $?"
	ktadmin apply "$WORK/site.plan" || echo "apply: $?"
	orgtool list
	exit 0
fi
find /var/lib /run -printf '%m %y %p\n' | sort -k3
ktadmin apply -f "$WORK/site.hcl" --auto-approve
ktadmin plan -f "$WORK/site.hcl"
find /run -type s -printf '%m %y %p\n'

kill "$(cat "$WORK/pid")"
while orgtool list >/dev/null 2>&1; do sleep 0.05; done
echo 'organization "later" { contacts = ["finn@example.com"] }' >>"$WORK/site.hcl"
ktadmin apply -f "$WORK/site.hcl" --auto-approve | sed 's/^/once more: /'
`

// TestDefaultDirectory makes and applies the directory of a real installation: its
// state stands beside it, and apply starts the unit that is installed for it.
func TestDefaultDirectory(t *testing.T) {
	t.Parallel()
	out := runInDefaultDirectory(t, "")
	for _, want := range []string{
		"700 d /var/lib/keytrustee/.keytrustee\n", "700 d /var/lib/keytrustee/db\n", "700 d /var/lib/keytrustee/audit\n",
		"700 d /var/lib/keytrustee/run\n", "600 f /var/lib/keytrustee/db/keytrustee.db\n", "600 f /var/lib/keytrustee/.keytrustee/kekring.json\n",
		"starting ktsd.service\n", "organization \"one\": created", "Applied. localhost matches", "No changes.",
		"600 s /run/keytrustee/admin.sock\n", "once more: organization \"later\": created", "once more: Applied. localhost matches",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not shown: %q\n%s", want, out)
		}
	}
}

// TestSavedPlanOfAStoppedServer: a plan that was made while ktsd was stopped does not
// say what differs in it. Applied, it does its part, starts ktsd, and does no more.
func TestSavedPlanOfAStoppedServer(t *testing.T) {
	t.Parallel()
	out := runInDefaultDirectory(t, "removed \"two\" {}\n", "SAVED=1")
	for _, want := range []string{
		"2 unknown", "plan: 2\n", "keytrustee.conf written\n", "starting ktsd.service\n", "- organization \"two\"",
		"the rest, as shown, is not in it", "make the plan anew", "apply: 1\n", "\"two\": {", "\"boss@example.com\"",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not shown: %q\n%s", want, out)
		}
	}
	_, list, _ := strings.Cut(out, "apply: 1\n")
	if strings.Contains(list, "finn@example.com") || strings.Contains(list, "\"managed_by\": \"file\"") {
		t.Errorf("something was done that the plan did not show:\n%s", list)
	}
}

// runInDefaultDirectory runs the script, over a site of this host, an organization and
// what more there is, and returns what it prints.
func runInDefaultDirectory(t *testing.T, more string, env ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		ktest.Missing(t, "root")
	}
	ktest.Need(t, "unshare")
	work := t.TempDir()
	site := "server \"localhost\" {\n  listen = \"" + ktest.FreeAddress(t) + "\"\n}\n" +
		"organization \"one\" {\n  contacts = [\"finn@example.com\"]\n}\n" + more
	if err := os.WriteFile(filepath.Join(work, "site.hcl"), []byte(site), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("unshare", "--mount", "sh", "-c", inDefaultDirectory)
	run.Env = append(os.Environ(), "WORK="+work, "PATH="+ktest.Bin(t)+":"+os.Getenv("PATH"), "KEYTRUSTEE_CONFDIR=")
	run.Env = append(run.Env, env...)
	out, err := run.CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(work, "ktsd.log"))
		t.Fatalf("%v\n%s\nktsd's log:\n%s", err, out, log)
	}
	return string(out)
}
