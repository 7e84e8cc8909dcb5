package main_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/proof"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// stated asks for the statement, verifies it with the key that the server answers,
// and returns it with the message.
func stated(t *testing.T, s *ktest.Server) (proof.Statement, string) {
	t.Helper()
	c := s.HTTP(t)
	public := request(t, c, http.MethodGet, s.URL+"/?a=pubkey", nil)
	wantOK(t, "pubkey", public, nil)
	key, err := pgp.ParsePublicKey(public.body, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := request(t, c, http.MethodGet, s.URL+"/?a=statement", nil)
	wantOK(t, "statement", r, nil)
	text, err := key.VerifyClearsigned(r.body, time.Now())
	if err != nil {
		t.Fatalf("the statement is not signed by the server: %v\n%s", err, r.body)
	}
	statement, err := proof.ParseStatement(text)
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if statement.Server != key.Fingerprint() {
		t.Errorf("server: got %s, want %s", statement.Server, key.Fingerprint())
	}
	return statement, string(r.body)
}

// TestStatement: ktsd says which TLS key it has, for a week from an hour ago, to
// anybody; after a reload it is the new key. It is signed once a day and no more.
func TestStatement(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	served := func() [32]byte {
		t.Helper()
		pair, err := tls.LoadX509KeyPair(confdir.Dir(s.Dir).Certificate(), confdir.Dir(s.Dir).PrivateKey())
		if err != nil {
			t.Fatal(err)
		}
		return tlsconf.KeyHash(pair.Leaf)
	}
	first, message := stated(t, s)
	if first.Key != served() {
		t.Errorf("key: got %x, want that of the certificate, %x", first.Key, served())
	}
	if from, left := time.Since(first.NotBefore), time.Until(first.NotAfter); from < 59*time.Minute || from > 2*time.Hour || left < 6*24*time.Hour || left > 7*24*time.Hour {
		t.Errorf("got a statement from %s to %s, want from an hour ago and for a week", first.NotBefore, first.NotAfter)
	}
	if _, again := stated(t, s); again != message {
		t.Errorf("asked again: got another statement\n%s\nwant the same\n%s", again, message)
	}

	replaceCertificate(t, s.Dir)
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if second, _ := stated(t, s); second.Key != served() || second.Key == first.Key {
		t.Errorf("key after a reload: got %x, want that of the new certificate, %x", second.Key, served())
	}
	// A renewed certificate over the same key needs no other statement.
	_, before := stated(t, s)
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, after := stated(t, s); after != before {
		t.Error("a reload that changes no key makes another statement")
	}
}

// TestStatementOfExpiredKey: an OpenPGP key that can no longer sign keeps nobody
// from what needs no signature, and the log says what is the matter.
func TestStatementOfExpiredKey(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "gpg", "gpgconf")
	dir := ktest.Dir(t)
	expire(t, dir)
	s := ktest.Start(t, dir)
	r := request(t, s.HTTP(t), http.MethodGet, s.URL+"/?a=statement", nil)
	if r.status != http.StatusInternalServerError || strings.Contains(string(r.body), "expired") {
		t.Errorf("statement: got %v, want 500 without a reason", r)
	}
	wantOK(t, "healthz", request(t, s.HTTP(t), http.MethodGet, s.URL+"/healthz", nil), nil)
	deadline := time.Now().Add(30 * time.Second)
	for !strings.Contains(s.Log(), "clients that know this server by its fingerprint are turned away") {
		if time.Now().After(deadline) {
			t.Fatalf("the log does not tell:\n%s", s.Log())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// expire gives a server's directory a key that gpg made in 2020 for one day.
func expire(t *testing.T, dir string) {
	t.Helper()
	home, err := os.MkdirTemp("/tmp", "gpg") // short: the agent's socket lives there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	gpg := func(args ...string) []byte {
		return []byte(command(t, "", "gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...))
	}
	gpg("--faked-system-time", "20200101T000000", "--quick-generate-key", "old@example.com", "ed25519", "sign,cert", "1d")
	secret, public := gpg("--export-secret-keys"), gpg("--export")
	key, err := pgp.ReadSecretKeyring(secret, "")
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{confdir.Dir(dir).SecretKeyring(): secret, confdir.Dir(dir).PublicKeyring(): public} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.LocalFingerprint = key.Fingerprint() })
}
