package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestPathsAreNoPatterns: paths may have characters that mean something to a shell.
func TestPathsAreNoPatterns(t *testing.T) {
	t.Parallel()
	dir, pki := filepath.Join(t.TempDir(), "kt[1"), filepath.Join(t.TempDir(), "p[k*i")
	if err := os.Mkdir(pki, 0o755); err != nil {
		t.Fatal(err)
	}
	d := confdir.Dir(dir)
	ktest.Must(t, "ktadmin", "init", "--confdir", dir, "--hostname", "localhost")
	left := filepath.Join(dir, ".secring.gpg.123.tmp")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ktest.Must(t, "ktadmin", "init", "--confdir", dir)
	if confdir.Exists(left) {
		t.Errorf("%s is still there", left)
	}
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Certificate, c.PrivateKey = pki+"/[.pem", pki+"/[.key" })
	ktest.Must(t, "ktadmin", "cert", "self-sign", "--confdir", dir)
	ktest.Must(t, "ktadmin", "cert", "request", "--confdir", dir)

	if err := os.WriteFile(filepath.Join(d.Audit(), "audit-00000001.jsonl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(d.Database()); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := ktest.Run(t, "ktadmin", "init", "--confdir", dir)
	if code != 1 || !strings.Contains(stderr, "is missing, and this host has served with it") {
		t.Errorf("init without the database: got exit code %d, %q, want 1, and that it is missing", code, stderr)
	}
}
