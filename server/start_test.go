package main_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/seal"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// refuses runs ktsd, which must end by itself with code 1, and returns what it
// said.
func refuses(t *testing.T, dir string) string {
	t.Helper()
	cmd := ktest.Command(t, "ktsd", "--confdir", dir)
	started := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	out, err := cmd.CombinedOutput()
	if !started.Stop() {
		t.Fatalf("ktsd started, want a refusal:\n%s", out)
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v, want exit code 1\n%s", err, out)
	}
	if !strings.HasPrefix(string(out), "ktsd: error: ") {
		t.Errorf("got %q, want it to begin with \"ktsd: error: \"", out)
	}
	return string(out)
}

// chmod sets a mode.
func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// rewrite replaces a file and keeps it secret.
func rewrite(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sqlExec changes the database of a server that is stopped.
func sqlExec(t *testing.T, dir, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", confdir.Dir(dir).Database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.Exec(statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: changed %d rows (%v), want some", statement, n, err)
	}
}

func TestStartRefusesLoosePermissions(t *testing.T) {
	t.Parallel()
	secrets := map[string]func(confdir.Dir) string{
		"secret keyring": confdir.Dir.SecretKeyring, "KEK ring": confdir.Dir.KEKRing, "private key": confdir.Dir.PrivateKey,
		"configuration": confdir.Dir.Conf, "database": confdir.Dir.Database,
	}
	dir := ktest.Dir(t)
	for name, path := range secrets {
		for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
			file := path(confdir.Dir(dir))
			chmod(t, file, mode)
			contains(t, name+" "+mode.String(), refuses(t, dir), file, "chmod 600 "+file)
			chmod(t, file, 0o600)
		}
	}
	for _, path := range []string{dir, confdir.Dir(dir).SSL(), confdir.Dir(dir).State(), confdir.Dir(dir).State("db"), confdir.Dir(dir).Audit()} {
		for _, mode := range []os.FileMode{0o770, 0o707} {
			chmod(t, path, mode)
			contains(t, path+" "+mode.String(), refuses(t, dir), path, "chmod 700 "+path)
			chmod(t, path, 0o755) // readable is no harm
		}
	}
	ktest.Start(t, dir)
}

// TestStartRefusesLooseKeyElsewhere: a key that the configuration names is as
// secret as the one in the directory.
func TestStartRefusesLooseKeyElsewhere(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	cert, key, err := tlsconf.SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	certFile, keyFile := filepath.Join(elsewhere, "cert.pem"), filepath.Join(elsewhere, "key.pem")
	rewrite(t, certFile, cert)
	rewrite(t, keyFile, key)
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Certificate, c.PrivateKey = certFile, keyFile })
	chmod(t, keyFile, 0o644)
	contains(t, "a readable key", refuses(t, dir), keyFile, "0644", "run chmod 0600 "+keyFile)
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir confdir.Dir)
		wants []string // the trouble and what to do
	}{
		{"certificate and key of two pairs", func(t *testing.T, dir confdir.Dir) {
			_, key, err := tlsconf.SelfSigned("localhost", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			rewrite(t, dir.PrivateKey(), key)
		}, []string{"do not belong together", "ssl-cert-keytrustee-pk.pem", "ktsd: hint: "}},
		{"newer schema", func(t *testing.T, dir confdir.Dir) {
			sqlExec(t, string(dir), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
		}, []string{"version 9999", "a newer ktsd wrote it; install that version or a later one"}},
		{"no KEK ring", func(t *testing.T, dir confdir.Dir) { remove(t, dir.KEKRing()) },
			[]string{"the KEK ring", "is missing", "restore it from a backup"}},
		{"no database", func(t *testing.T, dir confdir.Dir) { remove(t, dir.Database()) },
			[]string{"the database", "is missing", "restore it from a backup", "ktadmin init --empty-database"}},
		{"no database, but the log of one", func(t *testing.T, dir confdir.Dir) {
			if err := os.Rename(dir.Database(), dir.Database()+"-wal"); err != nil {
				t.Fatal(err)
			}
		}, []string{"the database", "is missing", "bring it back; before another one takes its place", "keytrustee.db-wal"}},
		{"empty database file", func(t *testing.T, dir confdir.Dir) { rewrite(t, dir.Database(), nil) },
			[]string{"the database", "is missing", "restore it from a backup"}},
		{"no keytrustee.conf", func(t *testing.T, dir confdir.Dir) { remove(t, dir.Conf()) },
			[]string{"there is no", "keytrustee.conf", "ktadmin init --confdir"}},
		{"no directory", func(t *testing.T, dir confdir.Dir) {
			if err := os.Rename(string(dir), string(dir)+".away"); err != nil {
				t.Fatal(err)
			}
		}, []string{"there is no", "ktadmin init --confdir"}},
		{"no state directory", func(t *testing.T, dir confdir.Dir) {
			if err := os.RemoveAll(dir.State()); err != nil {
				t.Fatal(err)
			}
		}, []string{"state", "ktsd: hint: "}},
		{"no public keyring", func(t *testing.T, dir confdir.Dir) { remove(t, dir.PublicKeyring()) },
			[]string{"pubring.gpg", "ktsd: hint: "}},
		{"no secret keyring", func(t *testing.T, dir confdir.Dir) { remove(t, dir.SecretKeyring()) },
			[]string{"secring.gpg", "ktsd: hint: restore it"}},
		{"no TLS certificate", func(t *testing.T, dir confdir.Dir) { remove(t, dir.Certificate()) },
			[]string{"ssl-cert-keytrustee.pem", "ktsd: hint: "}},
		{"LOCAL_FINGERPRINT of another key", func(t *testing.T, dir confdir.Dir) {
			ktest.SetConf(t, string(dir), func(c *confdir.Conf) { c.LocalFingerprint = strings.Repeat("A", 40) })
		}, []string{"pubring.gpg does not hold", strings.Repeat("A", 40), "restore pubring.gpg, secring.gpg and keytrustee.conf from one backup"}},
		{"database of another node", func(t *testing.T, dir confdir.Dir) {
			ktest.SetConf(t, string(dir), func(c *confdir.Conf) { c.Hostname = "kts02.example.com" })
		}, []string{"belongs to node localhost", "kts02.example.com", "restore a backup"}},
		{"TLS_MIN_VERSION unknown", func(t *testing.T, dir confdir.Dir) {
			ktest.SetConf(t, string(dir), func(c *confdir.Conf) { c.TLSMinVersion = "sslv3" })
		}, []string{"TLS_MIN_VERSION", "use tlsv1, tlsv1.1, tlsv1.2 or tlsv1.3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := ktest.Dir(t)
			c.spoil(t, confdir.Dir(dir))
			contains(t, c.name, refuses(t, dir), c.wants...)
		})
	}
}

// TestStartRefusesOtherKeys: a KEK ring that is not the database's, be it by its
// generation or by its key.
func TestStartRefusesOtherKeys(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	ktest.Start(t, dir).Stop(t) // notes the generation in the database
	right, err := os.ReadFile(confdir.Dir(dir).KEKRing())
	if err != nil {
		t.Fatal(err)
	}
	edit := func(edit func(*seal.Ring)) {
		t.Helper()
		ring, err := seal.ParseRing(right)
		if err != nil {
			t.Fatal(err)
		}
		edit(ring)
		data, err := ring.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		rewrite(t, confdir.Dir(dir).KEKRing(), data)
	}
	edit(func(r *seal.Ring) { r.Current, r.KEKs[0].Generation = 2, 2 })
	contains(t, "another generation", refuses(t, dir), "generation 1 of the key-encryption key", "not in the KEK ring", "restore the KEK ring")
	edit(func(r *seal.Ring) { r.KEKs[0].Key[5] ^= 1 })
	contains(t, "another key", refuses(t, dir), "generation 1", "is not the key that the database was sealed with", "restore the one that belongs to it")
	edit(func(*seal.Ring) {})
	ktest.Start(t, dir)
}

func TestStartRefusesAuditOfAnotherNode(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	ktest.Start(t, dir).Stop(t)
	sqlExec(t, dir, `UPDATE node SET name = 'kts02.example.com'`)
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Hostname = "kts02.example.com" })
	contains(t, "audit of another node", refuses(t, dir), "audit", "localhost", "kts02.example.com")
}

func TestStartRefusesSecondProcess(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	s := ktest.Start(t, dir)
	contains(t, "a second ktsd", refuses(t, dir), "another ktsd is running on this directory")
	if r := request(t, s.HTTP(t), "GET", s.URL+"/readyz", nil); r.status != 200 {
		t.Errorf("the first one after it: got %v, want 200", r)
	}
	s.Kill(t)
	ktest.Start(t, dir) // the lock of a process that was killed is free
}

// TestStartShowsNoValues: what is wrong with a file is told without what is in it.
func TestStartShowsNoValues(t *testing.T) {
	t.Parallel()
	const secret = "OpenSesame4711"
	dir := confdir.Dir(ktest.Dir(t))
	conf, err := os.ReadFile(dir.Conf())
	if err != nil {
		t.Fatal(err)
	}
	ring, err := os.ReadFile(dir.KEKRing())
	if err != nil {
		t.Fatal(err)
	}
	var parsed seal.Ring
	if err := json.Unmarshal(ring, &parsed); err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string]string{
		"cut":            `{"DB_PASSWORD": "` + secret + `",`,
		"not JSON":       `DB_PASSWORD=` + secret,
		"an array":       `["` + secret + `"]`,
		"wrong type":     `{"LOCAL_FINGERPRINT": ["` + secret + `"]}`,
		"string inside":  `{"DB_PASSWORD": "` + secret + `"x}`,
		"wrong hostname": `{"HOSTNAME": {"` + secret + `": 1}}`,
	} {
		rewrite(t, dir.Conf(), []byte(damaged))
		said := refuses(t, string(dir))
		contains(t, name, said, dir.Conf())
		if strings.Contains(said, secret) {
			t.Errorf("keytrustee.conf %s: got %q, want no value in it", name, said)
		}
	}
	rewrite(t, dir.Conf(), conf)

	key := string(ring[strings.Index(string(ring), `"key": "`)+8:][:44])
	for name, damaged := range map[string]string{
		"cut":           string(ring[:len(ring)-20]),
		"short key":     strings.Replace(string(ring), key, key[:40], 1),
		"not base64":    strings.Replace(string(ring), key, "!"+key[1:], 1),
		"unknown field": strings.Replace(string(ring), `"version"`, `"`+key+`"`, 1),
		"no current":    strings.Replace(string(ring), `"current": 1`, `"current": 3`, 1),
		"version 2":     strings.Replace(string(ring), `"version": 1`, `"version": 2`, 1),
	} {
		if damaged == string(ring) {
			t.Fatalf("%s: nothing was damaged", name)
		}
		rewrite(t, dir.KEKRing(), []byte(damaged))
		said := refuses(t, string(dir))
		contains(t, name, said, dir.KEKRing())
		if strings.Contains(said, key[1:20]) {
			t.Errorf("KEK ring %s: got the key in the error", name)
		}
	}
}

// TestStartTakesTheOriginalsLayout: the files that the original's backup lists
// (as its manual shows with "tar tvf"), with their modes, in one directory with ours.
func TestStartTakesTheOriginalsLayout(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	pubring, err := os.ReadFile(confdir.Dir(dir).PublicKeyring())
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]struct {
		mode os.FileMode
		data []byte
	}{
		"trustdb.gpg":  {0o600, make([]byte, 1280)},
		"random_seed":  {0o600, make([]byte, 600)},
		"pubring.gpg~": {0o600, pubring},
		"gpg.conf":     {0o600, []byte("personal-digest-preferences SHA256\n")},
		"logging.conf": {0o644, []byte("[loggers]\nkeys=root\n")},
		"kts_bak_kts01_example_com_2016-02-10_11-14-37.sql": {0o644, []byte("-- PostgreSQL database dump\n")},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, f.data, 0o600); err != nil {
			t.Fatal(err)
		}
		chmod(t, path, f.mode)
	}
	chmod(t, dir, 0o700)
	chmod(t, confdir.Dir(dir).SSL(), 0o700)
	for _, file := range []string{"keytrustee.conf", "secring.gpg", "pubring.gpg", ".ssl/ssl-cert-keytrustee-pk.pem", ".ssl/ssl-cert-keytrustee.pem"} {
		chmod(t, filepath.Join(dir, file), 0o600)
	}
	conf, err := os.ReadFile(confdir.Dir(dir).Conf())
	if err != nil {
		t.Fatal(err)
	}
	kept := strings.Replace(string(conf), "{", `{"DB_ENGINE": "postgres", "DB_PASSWORD": "x", "DB_PORT": 11381,`, 1)
	rewrite(t, confdir.Dir(dir).Conf(), []byte(kept))
	s := ktest.Start(t, dir)
	if got := serverFingerprint(t, s); len(got) != 40 {
		t.Errorf("fingerprint: got %q, want 40 hex digits", got)
	}
}
