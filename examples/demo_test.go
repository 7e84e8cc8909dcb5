package examples_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestDemo runs what "make demo" runs, as this user, and, where this is root, as
// somebody who has no rights at all.
func TestDemo(t *testing.T) {
	t.Run("self", func(t *testing.T) { demo(t, ktest.Bin(t), nil) })
	t.Run("nobody", func(t *testing.T) {
		if os.Geteuid() != 0 {
			ktest.Missing(t, "root")
		}
		bin := filepath.Join(open(t), "bin") // a copy that others can read
		if out, err := exec.Command("cp", "-rL", ktest.Bin(t), bin).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if err := os.Chmod(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		demo(t, bin, &syscall.Credential{Uid: 65534, Gid: 65534})
	})
}

// open returns a temporary directory that everybody can use.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktsd-demo-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func demo(t *testing.T, bin string, as *syscall.Credential) {
	t.Helper()
	_, port, _ := net.SplitHostPort(ktest.FreeAddress(t))
	tmp, copied := open(t), open(t)
	if out, err := exec.Command("cp", "demo.sh", "quickstart.hcl", copied).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Mkdir(filepath.Join(copied, "examples"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"demo.sh", "quickstart.hcl"} { // the script looks from the folder above its own
		if err := os.Rename(filepath.Join(copied, name), filepath.Join(copied, "examples", name)); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command("sh", filepath.Join(copied, "examples", "demo.sh"))
	run.Env = append(os.Environ(), "KTSD_DEMO_PORT="+port, "KTSD_DEMO_BIN="+bin, "TMPDIR="+tmp, "HOME="+tmp)
	run.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("the demo failed: %v\n%s", err, out)
	}
	for _, want := range []string{
		"$ ktadmin init --hostname localhost", "Initialized directory for 4096R/", "the organizations wait: quickstart",
		"No changes. localhost matches", "luks/sda2 version 1", "$ cmp ", ": not found", "error: no such deposit",
		"error: registration refused", "segments: 1", "Try next:",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the demo does not show %q:\n%s", want, out)
		}
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("the demo left %d files behind, first %s", len(left), left[0].Name())
	}
}
