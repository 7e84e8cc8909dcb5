package ktest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// programs are our binaries and their packages.
var programs = map[string]string{
	"ktsd": "./server", "ktadmin": "./ktadmin", "orgtool": "./orgtool", "keytrustee": "./cmd/keytrustee",
}

// built is the folder of the programs, made once a test process.
var built = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("KTSD_TEST_BIN"); dir != "" { // make test builds them once for all
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "ktsd-bin-")
	if err != nil {
		return "", err
	}
	root, err := root()
	if err != nil {
		return "", err
	}
	for name, pkg := range programs {
		build := exec.Command("go", append(append([]string{"build", "-o", filepath.Join(dir, name)}, raceFlags...), pkg)...)
		build.Dir, build.Stderr = root, os.Stderr
		if err := build.Run(); err != nil {
			return "", err
		}
	}
	return dir, nil
})

// root is the folder of go.mod.
func root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	return filepath.Dir(strings.TrimSpace(string(out))), err
}

// Root returns the folder of the module.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := root()
	if err != nil {
		t.Fatalf("finding the module: %v", err)
	}
	return dir
}

// Bin returns the folder that holds ktsd, ktadmin, orgtool and keytrustee.
func Bin(t testing.TB) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatalf("building the programs: %v", err)
	}
	return dir
}

// quickExit is the GORACE of programs that are built with the race detector, which
// otherwise wait a second before they end.
const quickExit = "atexit_sleep_ms=0"

// Command is one of our programs, ready to be run.
func Command(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(filepath.Join(Bin(t), program), args...)
	cmd.Env = append(os.Environ(), "GORACE="+quickExit)
	return cmd
}

// Run runs one of our programs and returns its two outputs and exit code.
func Run(t testing.TB, program string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return RunInput(t, "", program, args...)
}

// RunInput is Run with a standard input.
func RunInput(t testing.TB, stdin, program string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs strings.Builder
	cmd := Command(t, program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatalf("%s %s: %v", program, strings.Join(args, " "), err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// Must runs one of our programs, which must succeed, and returns its output.
func Must(t testing.TB, program string, args ...string) string {
	t.Helper()
	stdout, stderr, code := Run(t, program, args...)
	if code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s%s", program, strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}
