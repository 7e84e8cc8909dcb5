package packages_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestUpgradeWithoutRestart: where ktsd cannot be restarted the upgrade is told so, and
// is done all the same, so that the package is left whole. A systemd that does not
// answer refuses whatever systemctl asks; it is that of a mount namespace of the test
// alone, with the account and the directories.
func TestUpgradeWithoutRestart(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "unshare", "mount", "systemctl", "systemd-sysusers", "systemd-tmpfiles")
	if os.Geteuid() != 0 || exec.Command("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/run").Run() != nil {
		ktest.Missing(t, "mount namespaces (root)")
	}
	systemd := filepath.Join(ktest.Root(t), "systemd")
	script := `set -e
cp -a /etc "$1/etc"
mkdir "$1/etc/sysusers.d" "$1/etc/tmpfiles.d" 2>/dev/null || :
cp "$2/sysusers.d/keytrustee.conf" "$1/etc/sysusers.d/"
cp "$2/tmpfiles.d/keytrustee.conf" "$1/etc/tmpfiles.d/"
mount --bind "$1/etc" /etc
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
sh "$2/packages/postinstall.sh" "$3" "$4"`
	for _, args := range [][]string{{"configure", "1.0.0"}, {"2", ""}} { // dpkg's, rpm's
		out, err := exec.Command("unshare", append([]string{"--mount", "sh", "-c", script, "sh", t.TempDir(), systemd}, args...)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "ktsd was not restarted") || !strings.Contains(string(out), "ktsd is installed") {
			t.Errorf("%s: got %v and %s, want it done, with a word about the restart", args[0], err, out)
		}
	}
}
