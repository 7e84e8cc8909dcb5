package main_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/pgp"
)

// TestReloadRefusesLoosePermissions: what the next start would refuse is refused by a
// reload, and by a check of keytrustee.conf.next.
func TestReloadRefusesLoosePermissions(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	dir := confdir.Dir(s.Dir)
	writeNext(t, dir, func(*confdir.Conf) {})
	reload := func() error { return s.Admin().Reload(t.Context()) }
	check := func() error { return s.Admin().Check(t.Context()) }
	for _, c := range []struct {
		name, path string
		mode       os.FileMode
		ask        func() error
		refused    bool
	}{
		{"reload", dir.Conf(), 0o666, reload, true},
		{"check", dir.NextConf(), 0o666, check, true},
		{"check", dir.Conf(), 0o666, check, false}, // it will be replaced
		{"reload", dir.SecretKeyring(), 0o640, reload, true},
		{"check", dir.SecretKeyring(), 0o640, check, true},
		{"check", dir.State(), 0o777, check, true},
		{"reload", dir.State("audit"), 0o777, reload, true},
	} {
		before, err := os.Stat(c.path)
		if err != nil {
			t.Fatal(err)
		}
		chmod(t, c.path, c.mode)
		err = c.ask()
		chmod(t, c.path, before.Mode().Perm())
		if c.refused && (err == nil || !strings.Contains(err.Error(), "run chmod ") || !strings.Contains(err.Error(), c.path)) || !c.refused && err != nil {
			t.Errorf("%s with %s of mode %04o: got %v, want it refused: %v", c.name, c.path, c.mode, err, c.refused)
		}
	}
	if err := reload(); err != nil {
		t.Errorf("with the modes put back: %v", err)
	}
}

// TestReloadRefusesAnotherKey: a key that the keyrings hold beside the server's would
// make another server of this one at the next start, which nobody would expect.
func TestReloadRefusesAnotherKey(t *testing.T) {
	t.Parallel()
	s, other := ktest.Start(t, ktest.Dir(t)), t.TempDir()+"/confdir"
	ktest.Must(t, "ktadmin", "init", "--hostname", "localhost", "--confdir", other) // ktest.Dir's have one key
	dir := confdir.Dir(s.Dir)
	appendTo := func(to, from string) {
		t.Helper()
		a, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		rewrite(t, to, append(a, b...))
	}
	appendTo(dir.PublicKeyring(), confdir.Dir(other).PublicKeyring())
	appendTo(dir.SecretKeyring(), confdir.Dir(other).SecretKeyring())
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatalf("with one more key in the rings: %v", err)
	}
	conf, err := confdir.Dir(other).ReadConf()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := os.ReadFile(dir.SecretKeyring())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pgp.ReadSecretKeyring(ring, conf.LocalFingerprint); err != nil {
		t.Fatalf("the other key cannot be read, so this proves nothing: %v", err)
	}
	writeNext(t, dir, func(c *confdir.Conf) { c.LocalFingerprint = conf.LocalFingerprint })
	if err := s.Admin().Check(t.Context()); err == nil || !strings.Contains(err.Error(), "LOCAL_FINGERPRINT: clients know this server by ") {
		t.Errorf("check: got %v, want a refusal", err)
	}
	ktest.SetConf(t, s.Dir, func(c *confdir.Conf) { c.LocalFingerprint = conf.LocalFingerprint })
	if err := s.Admin().Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "LOCAL_FINGERPRINT: clients know this server by ") {
		t.Errorf("reload: got %v, want a refusal", err)
	}
}
