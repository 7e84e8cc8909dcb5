package ktest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestWithoutPart is run by TestMissing, in a process of its own.
func TestWithoutPart(t *testing.T) {
	if os.Getenv("KTEST_WITHOUT_PART") == "" {
		t.Skip("only as a part of TestMissing")
	}
	ktest.Need(t, "a-program-that-nobody-has")
}

// TestMissing: a part that is missing skips a test and is noted for the list at
// the end; under KTSD_TEST_ALL=1 it fails.
func TestMissing(t *testing.T) {
	noted := filepath.Join(t.TempDir(), "skipped")
	run := func(all string) (string, error) {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestWithoutPart$", "-test.v")
		cmd.Env = append(os.Environ(), "KTEST_WITHOUT_PART=1", "KTSD_TEST_ALL="+all, "KTSD_TEST_SKIPPED="+noted)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(""); err != nil || !strings.Contains(out, "--- SKIP: TestWithoutPart") {
		t.Errorf("without KTSD_TEST_ALL: got %v, want a skip\n%s", err, out)
	}
	if list, err := os.ReadFile(noted); err != nil || string(list) != "TestWithoutPart (needs a-program-that-nobody-has)\n" {
		t.Errorf("noted: got %q, %v", list, err)
	}
	if out, err := run("1"); err == nil || !strings.Contains(out, "--- FAIL: TestWithoutPart") {
		t.Errorf("with KTSD_TEST_ALL=1: got %v, want a failure\n%s", err, out)
	}
}
