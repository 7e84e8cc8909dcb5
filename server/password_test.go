package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// encryptKey encrypts the directory's TLS key.
func encryptKey(t *testing.T, dir, password string) {
	t.Helper()
	file := confdir.Dir(dir).PrivateKey()
	key, err := tlsconf.Files{Key: file}.LoadKey()
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := tlsconf.MarshalKey(key, []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, file, encrypted)
}

// passwordBy has the directory's TLS key opened by a program.
func passwordBy(t *testing.T, dir, script string) {
	t.Helper()
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.PasswordScript = script })
}

// TestEncryptedKey: ktsd starts with an encrypted key, and takes on another script
// with a reload; one that does not open the key, or hangs, is refused in time while
// ktsd goes on. The password shows nowhere.
func TestEncryptedKey(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	encryptKey(t, dir, "s3cr3t word")
	passwordBy(t, dir, "/bin/echo -n 's3cr3t word'")
	s := ktest.Start(t, dir)
	first := shown(t, s)

	hung := filepath.Join(t.TempDir(), "hangs")
	if err := os.WriteFile(hung, []byte("#!/bin/sh\necho s3cr3t; exec sleep 1000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for script, want := range map[string]string{
		"/bin/echo s3cr3t": "the password is not that of the private key, or the key is damaged",
		"/bin/false":       "the password script /bin/false ended with exit code 1: run it by hand",
		"":                 "nothing is set that prints its password",
		"echo s3cr3t":      "does not begin with the absolute path of a program",
		hung:               "was stopped after 10s",
	} {
		passwordBy(t, dir, script)
		refused := make(chan error)
		started := time.Now()
		go func() { refused <- s.Admin().Reload(t.Context()) }()
		for asked := false; ; asked = true {
			select {
			case err := <-refused:
				if took := time.Since(started); err == nil || !strings.Contains(err.Error(), want) || took > time.Minute {
					t.Errorf("%q: got %v after %s, want %q in time", script, err, took, want)
				}
			default:
				if !asked || time.Since(started) < 5*time.Second {
					wantOK(t, "while the script is run", getOver(t, dial(t, s), "/healthz"), nil)
				}
				continue
			}
			break
		}
	}
	if now := shown(t, s); now != first {
		t.Error("after the refusals ktsd shows another certificate")
	}
	passwordBy(t, dir, "/usr/bin/printf '%s\\n' \"s3cr3t word\"")
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Errorf("a reload with another script: %v", err)
	}
	if strings.Contains(s.Log(), "s3cr3t") {
		t.Error("the log shows the password")
	}
}

// TestEncryptedKeyWithoutPassword: a start tells what is wrong, and ends.
func TestEncryptedKeyWithoutPassword(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"":                      "the private key is encrypted, and nothing is set that prints its password",
		"/bin/echo -n s3cr3t":   "the password is not that of the private key",
		"/bin/sh -c 'exit 37'":  "the password script /bin/sh (arguments not shown) ended with exit code 37",
		"/usr/bin/nothing-here": "no such file or directory",
	} {
		dir := ktest.Dir(t)
		encryptKey(t, dir, "another")
		passwordBy(t, dir, script)
		s := ktest.Launch(t, dir)
		if code := s.Wait(t); code != 1 || !strings.Contains(s.Log(), want) || strings.Contains(s.Log(), "s3cr3t") {
			t.Errorf("%q: got exit code %d and\n%s\nwant 1 and %q", script, code, s.Log(), want)
		}
	}
}

// TestCertificateWarnings: what is to be said of the certificate is in the log at the
// start and at a reload.
func TestCertificateWarnings(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	cert, key, err := tlsconf.SelfSigned("localhost", time.Now().AddDate(0, 0, -800))
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, confdir.Dir(dir).PrivateKey(), key)
	rewrite(t, confdir.Dir(dir).Certificate(), cert)
	s := ktest.Start(t, dir)
	logged(t, s, "the start", "the certificate expires in 2", "kind=expires_soon", "kind=self_signed", "msg=serving")
	if strings.Contains(s.Log(), "kind=name_mismatch") {
		t.Error("the certificate is called one for another name")
	}
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.ServerHostname = "kts.example.com" })
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	logged(t, s, "the reload", "the certificate is not for kts.example.com", "msg=reloaded")
}
