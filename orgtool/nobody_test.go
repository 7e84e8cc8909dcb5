package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// publicServer is a ktsd of root's whose directory other accounts can enter, as
// far as ktsd allows.
func publicServer(t *testing.T) *ktest.Server {
	t.Helper()
	dir := filepath.Join(ktest.Public(t), "kt")
	if out, err := exec.Command("cp", "-a", ktest.Dir(t), dir).CombinedOutput(); err != nil {
		t.Fatalf("copying a directory: %v\n%s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := ktest.Start(t, dir)
	s.Organization(t, "q")
	return s
}

func TestNobodyIsToldToBeRoot(t *testing.T) {
	t.Parallel()
	s := publicServer(t)
	for _, args := range [][]string{{"list"}, {"get-auth", "-n", "q"}, {"set-auth", "-n", "q", "-s", "x"}} {
		stdout, stderr, code := ktest.RunAsNobody(t, "orgtool", append([]string{"--confdir", s.Dir}, args...)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, "orgtool: error: ktsd's admin socket takes root and the service account only") ||
			!strings.Contains(stderr, "orgtool: hint: run it as root") {
			t.Errorf("orgtool %s as nobody: exit code %d, %q, %q, want 1 and why", args[0], code, stdout, stderr)
		}
	}
}

// TestOpenSocketHelpsNobody: with all modes of the socket open, ktsd still asks
// the kernel who calls.
func TestOpenSocketHelpsNobody(t *testing.T) {
	t.Parallel()
	s := publicServer(t)
	socket := confdir.Dir(s.Dir).Socket()
	for path, mode := range map[string]os.FileMode{socket: 0o666, filepath.Dir(socket): 0o755, filepath.Dir(filepath.Dir(socket)): 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"list"}, {"get-auth", "-n", "q"}, {"add", "-n", "r", "-c", "a@b"}, {"clients"}, {"set-auth", "-n", "q", "-s", "x"}} {
		stdout, stderr, code := ktest.RunAsNobody(t, "orgtool", append([]string{"--confdir", s.Dir}, args...)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, "orgtool: error: no such resource") {
			t.Errorf("orgtool %s as nobody: exit code %d, %q, %q, want 1 and no such resource", args[0], code, stdout, stderr)
		}
	}
	if out := ktest.Must(t, "orgtool", "--confdir", s.Dir, "list"); strings.Contains(out, `"r"`) || !strings.Contains(out, `"automatic"`) {
		t.Errorf("nobody changed something: %s", out)
	}
}
