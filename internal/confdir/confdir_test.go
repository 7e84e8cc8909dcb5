package confdir_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/confdir"
)

// TestPaths is the table of files: the original's names in the configuration
// directory, state beside the default one and within any other.
func TestPaths(t *testing.T) {
	t.Parallel()
	paths := func(d confdir.Dir) []string {
		return append([]string{
			d.Conf(), d.SecretKeyring(), d.PublicKeyring(), d.KEKRing(), d.SSL(), d.Certificate(), d.PrivateKey(),
			d.Database(), d.Audit(), d.Lock(), d.Socket(), d.State(), d.State("a", "b"),
		}, d.StateDirs()...)
	}
	tests := map[confdir.Dir][]string{
		confdir.Default: {
			"/var/lib/keytrustee/.keytrustee/keytrustee.conf", "/var/lib/keytrustee/.keytrustee/secring.gpg",
			"/var/lib/keytrustee/.keytrustee/pubring.gpg", "/var/lib/keytrustee/.keytrustee/kekring.json",
			"/var/lib/keytrustee/.keytrustee/.ssl", "/var/lib/keytrustee/.keytrustee/.ssl/ssl-cert-keytrustee.pem",
			"/var/lib/keytrustee/.keytrustee/.ssl/ssl-cert-keytrustee-pk.pem",
			"/var/lib/keytrustee/db/keytrustee.db", "/var/lib/keytrustee/audit", "/var/lib/keytrustee/run/ktsd.lock",
			"/run/keytrustee/admin.sock", "/var/lib/keytrustee", "/var/lib/keytrustee/a/b",
			"/var/lib/keytrustee/db", "/var/lib/keytrustee/audit", "/var/lib/keytrustee/run",
		},
		"/srv/kt": {
			"/srv/kt/keytrustee.conf", "/srv/kt/secring.gpg", "/srv/kt/pubring.gpg", "/srv/kt/kekring.json",
			"/srv/kt/.ssl", "/srv/kt/.ssl/ssl-cert-keytrustee.pem", "/srv/kt/.ssl/ssl-cert-keytrustee-pk.pem",
			"/srv/kt/state/db/keytrustee.db", "/srv/kt/state/audit", "/srv/kt/state/run/ktsd.lock",
			"/srv/kt/state/run/admin.sock", "/srv/kt/state", "/srv/kt/state/a/b",
			"/srv/kt/state", "/srv/kt/state/db", "/srv/kt/state/audit", "/srv/kt/state/run",
		},
	}
	for dir, want := range tests {
		if diff := cmp.Diff(want, paths(dir)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", dir, diff)
		}
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"rel/dir": filepath.Join(here, "rel/dir"), "/a/../b/": "/b", "/var/lib/keytrustee/.keytrustee/": confdir.Default,
	} {
		if got, err := confdir.New(path); err != nil || string(got) != want {
			t.Errorf("New(%q): got %q, %v, want %q", path, got, err, want)
		}
	}
}

// lay makes a directory with every file that Check looks at.
func lay(t testing.TB) confdir.Dir {
	t.Helper()
	d := confdir.Dir(filepath.Join(t.TempDir(), "confdir"))
	for _, dir := range append([]string{string(d), d.SSL()}, d.StateDirs()...) {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{d.Conf(), d.SecretKeyring(), d.PublicKeyring(), d.KEKRing(), d.Certificate(), d.PrivateKey(), d.Database()} {
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// TestCheck: secrets are their owner's alone and directories nobody else's to
// write; public files may have any mode, and what is not there yet is no error.
func TestCheck(t *testing.T) {
	t.Parallel()
	if err := confdir.Dir(filepath.Join(t.TempDir(), "none")).Check(confdir.Conf{}); err != nil {
		t.Errorf("an empty place: got %v, want no error", err)
	}
	d := lay(t)
	tests := []struct {
		path string
		mode os.FileMode
		good bool
	}{
		{string(d), 0o755, true}, {string(d), 0o775, false}, {d.SSL(), 0o755, true}, {d.SSL(), 0o757, false},
		{d.State("db"), 0o770, false}, {d.Audit(), 0o722, false}, {d.State("run"), 0o777, false}, {d.State(), 0o720, false},
		{d.SecretKeyring(), 0o640, false}, {d.KEKRing(), 0o644, false}, {d.PrivateKey(), 0o604, false},
		{d.Conf(), 0o644, false}, {d.Database(), 0o660, false},
		{d.PublicKeyring(), 0o644, true}, {d.PublicKeyring(), 0o666, true}, {d.Certificate(), 0o664, true},
	}
	for _, test := range tests {
		info, err := os.Stat(test.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(test.path, test.mode); err != nil {
			t.Fatal(err)
		}
		err = d.Check(confdir.Conf{})
		if test.good != (err == nil) || !test.good && (!strings.Contains(err.Error(), test.path) || !strings.Contains(err.Error(), "run chmod")) {
			t.Errorf("%s with mode %04o: got %v, want good: %t", test.path, test.mode, err, test.good)
		}
		if err := os.Chmod(test.path, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Check(confdir.Conf{}); err != nil {
		t.Errorf("a good directory: got %v, want no error", err)
	}
}

func TestExists(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{dir: true, dangling: true, filepath.Join(dir, "none"): false, dangling + strings.Repeat("x", 300): true} {
		if got := confdir.Exists(path); got != want {
			t.Errorf("Exists(%.60q): got %t, want %t", path, got, want)
		}
	}
}

// TestLock: one process at a time; the lock is free again when its holder ends,
// however it ends.
func TestLock(t *testing.T) {
	t.Parallel()
	d := lay(t)
	holder := exec.Command(os.Args[0], "-test.run=^TestLockHelper$")
	holder.Env = append(os.Environ(), "CONFDIR_TEST_LOCK="+string(d))
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatalf("the other process does not hold the lock: %v", err)
	}
	if f, err := d.TakeLock(); !errors.Is(err, confdir.ErrLocked) || f != nil || !strings.Contains(err.Error(), d.Lock()) {
		t.Errorf("while another process has it: got %v, want ErrLocked with the path", err)
	}
	holder.Process.Kill()
	holder.Wait()
	f, err := d.TakeLock()
	if err != nil {
		t.Fatalf("after it was killed: got %v, want the lock", err)
	}
	if info, err := f.Stat(); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("got mode %v, %v, want it to be the owner's alone", info.Mode(), err)
	}
	if _, err := d.TakeLock(); !errors.Is(err, confdir.ErrLocked) {
		t.Errorf("twice in one process: got %v, want ErrLocked", err)
	}
	f.Close()
	if f, err := d.TakeLock(); err != nil {
		t.Errorf("after Close: got %v, want the lock", err)
	} else {
		f.Close()
	}
	os.Remove(d.Lock())
	if err := os.Symlink(d.Conf(), d.Lock()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.TakeLock(); err == nil {
		t.Error("a symbolic link in place of the lock: got no error")
	}
}

// TestLockHelper is the other process of TestLock.
func TestLockHelper(t *testing.T) {
	dir := os.Getenv("CONFDIR_TEST_LOCK")
	if dir == "" {
		return // it is no test by itself
	}
	f, err := confdir.Dir(dir).TakeLock()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("locked\n")
	time.Sleep(time.Minute) // it is killed before
	f.Close()
}
