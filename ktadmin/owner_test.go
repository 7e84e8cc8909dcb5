package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestInitGivesToAccount: a new directory that root makes belongs to the account
// keytrustee. The account exists in a mount namespace of the test alone.
func TestInitGivesToAccount(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "unshare", "mount")
	if os.Geteuid() != 0 {
		ktest.Missing(t, "root")
	}
	work := ktest.Public(t)
	script := fmt.Sprintf(`set -e
cp /etc/passwd %[1]s/passwd
grep -q ^keytrustee: %[1]s/passwd || echo keytrustee:x:4711:4712::/nonexistent:/usr/sbin/nologin >>%[1]s/passwd
mount --bind %[1]s/passwd /etc/passwd
umask 0022
"%[2]s/ktadmin" init --confdir %[1]s/keytrustee/.keytrustee --hostname localhost
grep ^keytrustee: /etc/passwd | cut -d : -f 3,4`, work, ktest.Bin(t))
	if exec.Command("unshare", "--mount", "mount", "--bind", "/etc/passwd", "/etc/passwd").Run() != nil {
		ktest.Missing(t, "mount namespaces (CAP_SYS_ADMIN)")
	}
	out, err := exec.Command("unshare", "--mount", "sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("ktadmin init: %v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	want := lines[len(lines)-1]
	seen := owners(t, filepath.Join(work, "keytrustee"))
	for path, got := range seen {
		if got != want {
			t.Errorf("%s belongs to %s, want %s, as account keytrustee", path, got, want)
		}
	}
	if len(seen) < 14 {
		t.Errorf("init made %d files and directories, want at least 14", len(seen))
	}
}

// TestInitGivesToOwner: what root adds to a directory gets that directory's
// owner, whoever it is.
func TestInitGivesToOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		ktest.Missing(t, "root")
	}
	dir := prefix(t, 2)
	if out, err := exec.Command("chown", "-R", "4713:4714", dir).CombinedOutput(); err != nil {
		t.Fatalf("chown: %v\n%s", err, out)
	}
	completed(t, dir)
	for path, got := range owners(t, dir) {
		if got != "4713:4714" {
			t.Errorf("%s belongs to %s, want 4713:4714, as the directory", path, got)
		}
	}
}

// owners returns UID:GID of everything below dir.
func owners(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil {
			s := info.Sys().(*syscall.Stat_t)
			found[path] = fmt.Sprintf("%d:%d", s.Uid, s.Gid)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestInitInUnwritableParent(t *testing.T) {
	t.Parallel()
	parent := ktest.Public(t)
	dir := filepath.Join(parent, "kt")
	_, stderr, code := ktest.RunAsNobody(t, "ktadmin", "init", "--confdir", dir, "--hostname", "localhost")
	want := "ktadmin: error: making the configuration directory: mkdir " + dir + ": permission denied\n"
	if code != 1 || stderr != want {
		t.Errorf("got exit code %d, %q, want 1, %q", code, stderr, want)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 0 {
		t.Errorf("init left %v in the parent (%v), want nothing", entries, err)
	}
}
