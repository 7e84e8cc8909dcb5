package main_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// newPair writes another self-signed pair for localhost, and returns its files.
func newPair(t *testing.T) (certificate, key string) {
	t.Helper()
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "new.pem"), filepath.Join(dir, "new.key")
	certPEM, keyPEM, err := tlsconf.SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{certificate: certPEM, key: keyPEM} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// inForce is the fingerprint of the certificate that ktsd would start with.
func inForce(t *testing.T, dir string) string {
	t.Helper()
	d := confdir.Dir(dir)
	pair, err := tlsconf.Files{Certificate: d.Certificate(), Key: d.PrivateKey(), Chain: d.CertificateChain()}.LoadServer()
	if err != nil {
		t.Fatalf("ktsd would not start: %v", err)
	}
	return tlsconf.CertificateFingerprint(pair.Leaf)
}

// served is the fingerprint of the certificate that a ktsd, which is started for that,
// shows.
func served(t *testing.T, dir string) string {
	t.Helper()
	s := ktest.Start(t, dir)
	_, err := tls.Dial("tcp", s.Addr, &tls.Config{ServerName: "localhost", RootCAs: x509.NewCertPool()}) // nobody's: it is refused, and seen
	seen := tlsconf.UnverifiedPeer(err)
	if seen == nil {
		t.Fatalf("connecting: %v", err)
	}
	if code := s.Stop(t); code != 0 {
		t.Errorf("ktsd ended with exit code %d", code)
	}
	return tlsconf.CertificateFingerprint(seen)
}

// killAt runs ktadmin and kills it at its nth step of a kind: a system call that
// changes a file. It tells whether there was such a step. The steps are counted by
// thread, of which Go uses several, so that now and then one is not met;
// TestCertInstallInterrupted has what they leave behind.
func killAt(t *testing.T, calls string, n int, args ...string) bool {
	t.Helper()
	args = append([]string{"-f", "-qq", "-o", os.DevNull, "-e", "trace=" + calls, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", calls, n),
		filepath.Join(ktest.Bin(t), "ktadmin")}, args...)
	out, err := exec.Command("strace", args...).CombinedOutput()
	if err != nil && !strings.Contains(err.Error(), "killed") {
		t.Fatalf("strace: %v\n%s", err, out)
	}
	return err != nil
}

// TestCertInstallKilled kills install at every step: ktsd starts with the old pair or
// with the new one, and the next install ends with the new one and nothing beside it.
func TestCertInstallKilled(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "strace")
	certificate, key := newPair(t)
	data := readFile(t, certificate)
	for _, calls := range []string{"renameat", "fsync", "unlinkat", "fchmod", "write"} {
		t.Run(calls, func(t *testing.T) {
			t.Parallel()
			halfway, killed := 0, 0
			for n := 1; n < 100; n++ {
				dir := ktest.Dir(t)
				d := confdir.Dir(dir)
				before := inForce(t, dir)
				install := []string{"cert", "install", "--confdir", dir, "--certificate", certificate, "--key", key}
				if !killAt(t, calls, n, install...) {
					break
				}
				killed++
				now := inForce(t, dir)
				if shown := served(t, dir); shown != now {
					t.Errorf("step %d: ktsd shows %s, want %s", n, shown, now)
				}
				in, _ := os.ReadFile(d.Certificate())
				if now != before && !bytes.Equal(in, data) {
					halfway++
				}
				ktest.Must(t, "ktadmin", install...)
				if in, err := os.ReadFile(d.Certificate()); err != nil || !bytes.Equal(in, data) {
					t.Errorf("step %d: the next install ended with another certificate in place, %v", n, err)
				}
				if served(t, dir) == before {
					t.Errorf("step %d: after the next install ktsd shows the old certificate", n)
				}
				checkLeft(t, fmt.Sprintf("step %d", n), dir)
			}
			t.Logf("killed at %d steps, %d of them between the renames", killed, halfway)
			if killed == 0 && calls != "unlinkat" {
				t.Error("killed at no step, want some")
			}
		})
	}
}

// TestCertInstallInterrupted: whatever the steps of an install, or of one that is taken
// back, have left behind, ktsd starts, and the next install ends with the new pair.
func TestCertInstallInterrupted(t *testing.T) {
	t.Parallel()
	certificate, key := newPair(t)
	newCert, newKey := readFile(t, certificate), readFile(t, key)
	const suffix = tlsconf.NextSuffix
	for name, state := range map[string]func(d confdir.Dir, oldCert, oldKey []byte) map[string][]byte{
		"the key beside": func(d confdir.Dir, _, _ []byte) map[string][]byte {
			return map[string][]byte{d.PrivateKey() + suffix: newKey}
		},
		"both beside": func(d confdir.Dir, _, _ []byte) map[string][]byte {
			return map[string][]byte{d.PrivateKey() + suffix: newKey, d.Certificate() + suffix: newCert}
		},
		"halfway": func(d confdir.Dir, _, _ []byte) map[string][]byte {
			return map[string][]byte{d.PrivateKey(): newKey, d.Certificate() + suffix: newCert}
		},
		"halfway back": func(d confdir.Dir, oldCert, _ []byte) map[string][]byte {
			return map[string][]byte{d.Certificate(): newCert, d.Certificate() + suffix: oldCert}
		},
		"done, and the request's key is there": func(d confdir.Dir, _, _ []byte) map[string][]byte {
			return map[string][]byte{d.Certificate(): newCert, d.PrivateKey(): newKey, d.RequestedKey(): newKey}
		},
		"half a file": func(d confdir.Dir, _, _ []byte) map[string][]byte {
			return map[string][]byte{filepath.Join(d.SSL(), ".ssl-cert-keytrustee-pk.pem"+suffix+".123.tmp"): newKey[:50]}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := ktest.Dir(t)
			d := confdir.Dir(dir)
			before := inForce(t, dir)
			for file, data := range state(d, readFile(t, d.Certificate()), readFile(t, d.PrivateKey())) {
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if now, shown := inForce(t, dir), served(t, dir); now != shown {
				t.Errorf("ktsd shows %s, want %s", shown, now)
			}
			if _, _, code := ktest.Run(t, "ktadmin", "cert", "install", "--confdir", dir, "--certificate", "/nowhere"); code != 1 {
				t.Errorf("an install of nothing: got exit code %d, want 1", code)
			}
			if now, shown := inForce(t, dir), served(t, dir); now != shown {
				t.Errorf("after an install that was refused ktsd shows %s, want %s", shown, now)
			}
			ktest.Must(t, "ktadmin", "cert", "install", "--confdir", dir, "--certificate", certificate, "--key", key)
			if in := readFile(t, d.Certificate()); !bytes.Equal(in, newCert) || served(t, dir) == before {
				t.Error("the next install ended with another pair than the new one")
			}
			checkLeft(t, "afterwards", dir)
		})
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// checkLeft makes sure that .ssl holds the pair in place and the one before it, and
// nothing else.
func checkLeft(t *testing.T, what, dir string) {
	t.Helper()
	entries, err := os.ReadDir(confdir.Dir(dir).SSL())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch e.Name() {
		case "ssl-cert-keytrustee.pem", "ssl-cert-keytrustee-pk.pem", "ssl-cert-keytrustee.pem.previous", "ssl-cert-keytrustee-pk.pem.previous":
		default:
			t.Errorf("%s: .ssl holds %s", what, e.Name())
		}
	}
}

// TestCertRequestKilled kills request at every step: ktsd goes on with what it has,
// and the next request is made, or refused for the sake of one that waits whole.
func TestCertRequestKilled(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "strace")
	for _, calls := range []string{"renameat", "fsync", "write"} {
		t.Run(calls, func(t *testing.T) {
			t.Parallel()
			dir := ktest.Dir(t)
			before := inForce(t, dir)
			killed := 0
			for n := 1; n < 100 && killAt(t, calls, n, "cert", "request", "--again", "--confdir", dir); n++ {
				killed++
				if now := inForce(t, dir); now != before {
					t.Errorf("step %d: the certificate in force changed", n)
				}
				waits := confdir.Dir(dir).RequestedKey()
				if _, err := (tlsconf.Files{Key: waits}).LoadKey(); confdir.Exists(waits) && err != nil {
					t.Errorf("step %d: what waits is damaged: %v", n, err)
				}
			}
			if killed == 0 {
				t.Error("killed at no step, want some")
			}
			ktest.Must(t, "ktadmin", "cert", "request", "--again", "--confdir", dir)
			entries, err := os.ReadDir(confdir.Dir(dir).SSL())
			if err != nil || len(entries) != 3 {
				t.Errorf(".ssl holds %v, %v; want the pair and the key that waits", entries, err)
			}
		})
	}
}
