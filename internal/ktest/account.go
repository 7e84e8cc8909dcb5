package ktest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is the number of the account that owns nothing.
const nobody = 65534

// Public returns a new directory that every account can read and enter, unlike
// those of testing.T.TempDir. It is removed when the test ends.
func Public(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktsd-public-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatalf("making a public directory: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// RunAsNobody is Run under the account nobody. It skips the test unless root runs
// it.
func RunAsNobody(t testing.TB, program string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root")
	}
	reachable := filepath.Join(Public(t), program)
	if out, err := exec.Command("cp", filepath.Join(Bin(t), program), reachable).CombinedOutput(); err != nil {
		t.Fatalf("copying %s: %v\n%s", program, err, out)
	}
	var out, errs strings.Builder
	cmd := exec.Command(reachable, args...)
	cmd.Env = append(os.Environ(), "GORACE="+quickExit)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if _, ok := cmd.Run().(*exec.ExitError); !ok && cmd.ProcessState == nil {
		t.Fatalf("%s could not be run as nobody", program)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}
