package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestApplyAlone: while one command changes the directory, others wait their turn.
func TestApplyAlone(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	file := filepath.Join(t.TempDir(), "site.hcl")
	if err := os.WriteFile(file, []byte("server \"localhost\" {\n  listen = \":1\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	unlock, err := confdir.Dir(dir).LockChanges()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"apply", "-f", file, "--auto-approve"}, {"init"}, {"cert", "self-sign"}, {"cert", "request"}} {
		_, stderr, code := ktest.Run(t, "ktadmin", append(args, "--confdir", dir)...)
		if code != 1 || !strings.Contains(stderr, "another init, apply or cert is at work") {
			t.Errorf("%s: got exit code %d, %q, want that another one is at work", args[0], code, stderr)
		}
	}
	unlock()
	ktest.Must(t, "ktadmin", "init", "--confdir", dir)
}
