// Package ktest is what the tests of several packages share: real programs
// they need, and directories that are costly to make. It is imported by
// tests only.
package ktest

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Need makes sure that the named programs can be run. Where one is missing the
// test is skipped, and noted in the file KTSD_TEST_SKIPPED names for the list
// that "make test" ends with; with KTSD_TEST_ALL=1, as in CI, it fails.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			Missing(t, program)
		}
	}
}

// Missing skips the test for want of a part, or fails it under KTSD_TEST_ALL=1.
func Missing(t testing.TB, part string) {
	t.Helper()
	if os.Getenv("KTSD_TEST_ALL") == "1" {
		t.Fatalf("%s is missing, and KTSD_TEST_ALL=1 allows no skip: see .ci/packages", part)
	}
	if name := os.Getenv("KTSD_TEST_SKIPPED"); name != "" {
		if f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
			fmt.Fprintf(f, "%s (needs %s)\n", t.Name(), part)
			f.Close()
		}
	}
	t.Skipf("%s is missing", part)
}
