package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// state is the owner, the mode and the contents of everything in directories.
func state(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, dir := range dirs {
		for path, owner := range owners(t, dir) {
			info, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			all[path] = fmt.Sprintf("%s %v", owner, info.Mode())
			if info.Mode().IsRegular() {
				all[path] += fmt.Sprintf(" %x", readFile(t, path))
			}
		}
	}
	return all
}

// TestCertForeign: the service account, to which keytrustee.conf belongs, has root
// neither replace nor copy what is not its own.
func TestCertForeign(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		ktest.Missing(t, "root")
	}
	const nobody = 65534
	certificate, key := newPair(t)
	for name, prepare := range map[string]func(d confdir.Dir, etc string, c *confdir.Conf) error{
		"files of root's": func(_ confdir.Dir, etc string, c *confdir.Conf) error {
			c.Certificate, c.PrivateKey = etc+"/profile", etc+"/shadow"
			return nil
		},
		"a certificate of root's": func(d confdir.Dir, etc string, c *confdir.Conf) error {
			c.Certificate = etc + "/profile"
			return nil
		},
		"files that are not there": func(_ confdir.Dir, etc string, c *confdir.Conf) error {
			c.Certificate, c.PrivateKey = etc+"/new", etc+"/other"
			return nil
		},
		"files behind a link": func(d confdir.Dir, etc string, c *confdir.Conf) error {
			c.Certificate, c.PrivateKey = string(d)+"/link/profile", string(d)+"/link/shadow"
			return os.Symlink(etc, string(d)+"/link")
		},
		"a secret of root's in its own directory": func(d confdir.Dir, etc string, c *confdir.Conf) error {
			c.PrivateKey = string(d) + "/hard"
			return os.Link(etc+"/shadow", c.PrivateKey)
		},
		".ssl is a link": func(d confdir.Dir, etc string, _ *confdir.Conf) error {
			return errors.Join(os.RemoveAll(d.SSL()), os.Symlink(etc, d.SSL()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, etc := ktest.Dir(t), ktest.Public(t)
			for file, mode := range map[string]os.FileMode{"shadow": 0o600, "profile": 0o644} {
				if err := os.WriteFile(filepath.Join(etc, file), []byte("root's "+file), mode); err != nil {
					t.Fatal(err)
				}
			}
			ktest.SetConf(t, dir, func(c *confdir.Conf) {
				if err := prepare(confdir.Dir(dir), etc, c); err != nil {
					t.Fatal(err)
				}
			})
			if out, err := exec.Command("sh", "-c", `find "$1" ! -name hard -exec chown -h nobody {} +`, "sh", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			before := state(t, dir, etc)
			for _, args := range [][]string{{"install", "--certificate", certificate, "--key", key}, {"self-sign"}} {
				_, stderr, code := ktest.Run(t, "ktadmin", append([]string{"cert", "--confdir", dir}, args...)...)
				if code != 1 || !strings.Contains(stderr, "user root") || !strings.Contains(stderr, "for user nobody") || !strings.Contains(stderr, "hint: ") {
					t.Errorf("%s: got exit code %d, %q, want 1, and that it is root's", args[0], code, stderr)
				}
			}
			after := state(t, dir, etc)
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("something changed (-before +after):\n%s", diff)
			}
		})
	}
	t.Run("its own", func(t *testing.T) {
		t.Parallel()
		dir, pki := ktest.Dir(t), ktest.Public(t)
		files := map[string]string{"kts.pem": certificate, "kts.key": key}
		for file := range files {
			if err := os.WriteFile(filepath.Join(pki, file), []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Certificate, c.PrivateKey = pki+"/kts.pem", pki+"/kts.key" })
		if out, err := exec.Command("chown", "-R", "nobody:4714", dir, pki+"/kts.pem", pki+"/kts.key").CombinedOutput(); err != nil {
			t.Fatalf("chown: %v\n%s", err, out)
		}
		ktest.Must(t, "ktadmin", "cert", "install", "--confdir", dir, "--certificate", certificate, "--key", key)
		want := fmt.Sprintf("%d:4714 -rw------- ", nobody)
		got := state(t, pki)
		for file, source := range files {
			if path := filepath.Join(pki, file); got[path] != want+fmt.Sprintf("%x", readFile(t, source)) {
				t.Errorf("%s: got %.40s…, want the new one with %s", path, got[path], want)
			}
		}
		if len(got) != 3 {
			t.Errorf("got %d entries, want the directory and two files", len(got))
		}
	})
}

// TestCertOneFile: one file for both is told by what it is, and not by its path.
func TestCertOneFile(t *testing.T) {
	t.Parallel()
	certificate, key := newPair(t)
	for name, paths := range map[string][2]string{
		"a way round":      {"both.pem", "../pki/both.pem"},
		"a linked folder":  {"both.pem", "link/both.pem"},
		"a second name":    {"both.pem", "second.pem"},
		"nothing is there": {"none.pem", "link/none.pem"},
	} {
		dir, pki := ktest.Dir(t), filepath.Join(t.TempDir(), "pki")
		both := filepath.Join(pki, "both.pem")
		if err := errors.Join(os.Mkdir(pki, 0o755), os.Symlink(".", pki+"/link"), os.WriteFile(both, append(readFile(t, certificate), readFile(t, key)...), 0o600),
			os.Link(both, pki+"/second.pem")); err != nil {
			t.Fatal(err)
		}
		ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Certificate, c.PrivateKey = pki+"/"+paths[0], pki+"/"+paths[1] })
		before := state(t, dir, pki)
		_, stderr, code := ktest.Run(t, "ktadmin", "cert", "install", "--confdir", dir, "--certificate", certificate, "--key", key)
		if code != 1 || !strings.Contains(stderr, "names one file for certificate and private key") {
			t.Errorf("%s: got exit code %d, %q, want 1, and that it is one file", name, code, stderr)
		}
		if diff := cmp.Diff(before, state(t, dir, pki)); diff != "" {
			t.Errorf("%s: something changed (-before +after):\n%s", name, diff)
		}
	}
}

// TestCertModes: what takes a certificate's place, or keeps it, is open to nobody whom
// that kept out; and nobody's file is replaced on the way.
func TestCertModes(t *testing.T) {
	t.Parallel()
	oldCert, oldKey := newPair(t)
	certificate, key := newPair(t)
	for name, test := range map[string]struct {
		mode, previous os.FileMode
		withKey        bool
	}{
		"public":               {0o644, 0o644, false},
		"of a group":           {0o640, 0o640, false},
		"too open":             {0o666, 0o644, false},
		"private":              {0o600, 0o600, false},
		"private, with a key":  {0o600, 0o600, true},
		"readable, with a key": {0o644, 0o600, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, pki := ktest.Dir(t), t.TempDir()
			cert, keyFile := filepath.Join(pki, "comb.pem"), filepath.Join(pki, "kts.key")
			data := readFile(t, oldCert)
			if test.withKey {
				data = append(data, readFile(t, oldKey)...)
			}
			if err := errors.Join(os.WriteFile(cert, data, 0o600), os.Chmod(cert, test.mode), os.WriteFile(keyFile, readFile(t, oldKey), 0o600),
				os.WriteFile(cert+".previous", []byte("mine"), 0o600), os.WriteFile(cert+".next", []byte("mine"), 0o600)); err != nil {
				t.Fatal(err)
			}
			ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Certificate, c.PrivateKey = cert, keyFile })
			ktest.Must(t, "ktadmin", "cert", "install", "--confdir", dir, "--certificate", certificate, "--key", key)
			for file, want := range map[string]os.FileMode{cert: test.mode & 0o644, confdir.Dir(dir).PreviousCertificate(): test.previous, confdir.Dir(dir).PreviousKey(): 0o600} {
				if info, err := os.Stat(file); err != nil || info.Mode() != want {
					t.Errorf("%s: got %v, %v, want mode %v", file, info, err, want)
				}
			}
			if !bytes.Equal(readFile(t, cert), readFile(t, certificate)) || !bytes.Equal(readFile(t, confdir.Dir(dir).PreviousCertificate()), data) {
				t.Error("the new certificate is not in place, or the old one was not kept")
			}
			for _, file := range []string{cert + ".previous", cert + ".next"} {
				if got := string(readFile(t, file)); got != "mine" {
					t.Errorf("%s was changed", file)
				}
			}
		})
	}
}

// TestCertLeftBehind: what is left of an install that was interrupted, or looks like it,
// never takes the place of a certificate that ktsd starts with.
func TestCertLeftBehind(t *testing.T) {
	t.Parallel()
	certificate, key := newPair(t)
	newCert, newKey := readFile(t, certificate), readFile(t, key)
	const next = tlsconf.NextSuffix
	for name, prepare := range map[string]func(cert, key string) error{
		"went back by hand": func(cert, _ string) error { return os.WriteFile(cert+next, newCert, 0o600) },
		"the operator's":    func(cert, _ string) error { return os.WriteFile(cert+".next", newCert, 0o600) },
		"the operator's, a pair": func(cert, key string) error {
			return errors.Join(os.WriteFile(cert+".next", newCert, 0o600), os.WriteFile(key+".next", newKey, 0o600))
		},
		"a link": func(cert, _ string) error {
			return errors.Join(os.WriteFile(cert+".other", readFile(t, cert), 0o600), os.Symlink(cert+".other", cert+next))
		},
		"no certificate": func(cert, _ string) error { return os.WriteFile(cert+next, []byte("damaged"), 0o600) },
		"a directory":    func(cert, _ string) error { return os.Mkdir(cert+next, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := ktest.Dir(t)
			d := confdir.Dir(dir)
			if err := prepare(d.Certificate(), d.PrivateKey()); err != nil {
				t.Fatal(err)
			}
			before := state(t, d.SSL())
			ktest.Run(t, "ktadmin", "cert", "install", "--confdir", dir, "--certificate", "/nowhere")
			after := state(t, d.SSL())
			if left := d.Certificate() + next; before[left] != after[left] && strings.Contains(before[left], " -rw") {
				delete(before, left)
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("an install that was refused changed something (-before +after):\n%s", diff)
			}
			if _, err := (tlsconf.Files{Certificate: d.Certificate(), Key: d.PrivateKey()}).Load(); err != nil {
				t.Errorf("ktsd would not start: %v", err)
			}
		})
	}
}
