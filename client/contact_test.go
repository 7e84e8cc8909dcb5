package client_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// question returns what the server answers everybody.
func question(t *testing.T, s *ktest.Server, what string) []byte {
	t.Helper()
	resp, err := s.HTTP(t).Get(s.URL + "/?a=" + what)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("/?a=%s: status %d, %v", what, resp.StatusCode, err)
	}
	return body
}

// lie is what somebody in the middle answers to look like the server.
type lie struct {
	name    string
	answers map[string]http.HandlerFunc
	want    string // in the error
	kind    error
}

// lies are those that come to mind.
func lies(t *testing.T, s *ktest.Server, pair tls.Certificate) []lie {
	key, other := secretKey(t, s.Dir), clientKey(t)
	good := stated(t, key, pair, -time.Hour, time.Hour)
	statement := func(text []byte) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{"statement": says(text)}
	}
	hash := func(p tls.Certificate) []byte { return fmt.Appendf(nil, "%x", tlsconf.KeyHash(p.Leaf)) }
	status := func(code int) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{"statement": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }}
	}
	return []lie{
		{"all is passed on", nil, "over another TLS key", client.ErrUntrusted},
		{"an OpenPGP key of its own", map[string]http.HandlerFunc{
			"pubkey": says(armored(t, other)), "statement": says(stated(t, other, pair, -time.Hour, time.Hour)),
		}, "it is server 256E/" + other.Fingerprint(), client.ErrUntrusted},
		{"a statement signed by another", statement(bytes.Replace(stated(t, other, pair, -time.Hour, time.Hour), []byte(other.Fingerprint()), []byte(key.Fingerprint()), 1)), "signature is not valid", client.ErrUntrusted},
		{"a former TLS key, its statement out of date", statement(stated(t, key, pair, -8*24*time.Hour, -time.Minute)), "its statement ended at", client.ErrUntrusted},
		{"a statement of the future", statement(stated(t, key, pair, time.Hour, 2*time.Hour)), "holds from", client.ErrUntrusted},
		{"the statement with its key put in", statement(bytes.Replace(question(t, s, "statement"), hash(ownPair(t, s)), hash(pair), 1)), "signature is not valid", client.ErrUntrusted},
		{"a longer life put in", statement(bytes.Replace(stated(t, key, pair, -time.Hour, -time.Minute), []byte("not-after: 2"), []byte("not-after: 3"), 1)), "signature is not valid", client.ErrUntrusted},
		{"another text of the server's", statement(clearsigned(t, key, []byte("ktsd-tls-key/2\n"))), "not a statement", client.ErrUntrusted},
		{"a statement as another server", statement(clearsigned(t, key, bytes.Replace(text(t, key, good), []byte(key.Fingerprint()), []byte(other.Fingerprint()), 1))), "is one of server " + other.Fingerprint(), client.ErrUntrusted},
		{"a statement after another text", statement(append([]byte("hello\n"), good...)), "signature is not valid", client.ErrUntrusted},
		{"two statements", statement(append(bytes.Clone(good), good...)), "signature is not valid", client.ErrUntrusted},
		{"nothing", statement(nil), "signature is not valid", client.ErrUntrusted},
		{"garbage", statement(bytes.Repeat([]byte("\x99-----BEGIN "), 100)), "signature is not valid", client.ErrUntrusted},
		{"a page", statement([]byte("<html>welcome</html>")), "signature is not valid", client.ErrUntrusted},
		{"no key", map[string]http.HandlerFunc{"pubkey": says([]byte("<html>welcome</html>"))}, "not an OpenPGP key", client.ErrUntrusted},
		{"no such page", status(http.StatusNotFound), "does not answer /?a=statement", client.ErrUntrusted},
		{"a redirect", map[string]http.HandlerFunc{"statement": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, s.URL+"/?a=statement", http.StatusFound)
		}}, "does not answer /?a=statement", client.ErrUntrusted},
		{"something endless", map[string]http.HandlerFunc{"statement": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.Write(bytes.Repeat([]byte("x"), 64<<10))
			}
		}}, "has more than 131072 bytes", client.ErrUnavailable},
		{"not now", status(http.StatusServiceUnavailable), "answered 503", client.ErrUnavailable},
	}
}

// text returns what a server signed.
func text(t *testing.T, key *pgp.SecretKey, message []byte) []byte {
	t.Helper()
	text, err := key.Public().VerifyClearsigned(message, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func clientKey(t *testing.T) *pgp.SecretKey {
	t.Helper()
	key, err := pgp.GenerateClientKey("other", "localhost", pgp.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestManInTheMiddle: whoever is between a client and its server, and whatever it
// answers, gets to see two questions that anybody may ask: no code, no certificate,
// no deposit. Neither a new client nor one that is registered takes it for the
// server, and no attempt to register again makes it.
func TestManInTheMiddle(t *testing.T) {
	t.Parallel()
	s := shared()
	m := newMiddle(t, s, selfSigned(t))
	c, dir := registerByFingerprint(t, s)
	put(t, c, "a", "hunter2")
	fingerprint := secretKey(t, s.Dir).Qualified()
	for _, lie := range lies(t, s, m.Pair) {
		m.answer(lie.answers)
		refused := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, lie.kind) || !strings.Contains(err.Error(), lie.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s, %s: got %v, want %v and %q", lie.name, what, err, lie.kind, lie.want)
			}
		}
		fresh := filepath.Join(t.TempDir(), "new")
		_, err := client.Register(t.Context(), fresh, client.Registration{Servers: []string{m.URL}, Organization: "q", AuthCode: "hunter2", Fingerprint: fingerprint})
		refused("register", err)
		if _, err := os.Stat(fresh); err == nil {
			t.Errorf("%s: the client's directory was made, want none", lie.name)
		}
		_, err = client.Register(t.Context(), dir, client.Registration{Servers: []string{m.URL}, Organization: "q", AuthCode: "hunter2"})
		refused("register again", err)
		c := useServers(t, dir, m.URL)
		_, _, err = c.Get(t.Context(), "a", 0)
		refused("get", err)
		_, err = c.Put(t.Context(), "b", []byte("hunter2"), nil)
		refused("put", err)
		m.sawNothing(t, lie.name)
		useServers(t, dir, s.URL)
	}
	put(t, useServers(t, dir, s.URL), "b", "hunter2") // which waited
	if len(waiting(t, dir)) != 0 {
		t.Error("a put that waited was not sent")
	}
}

// TestNothingToGoBy: without a certificate or a fingerprint to go by, a client tells
// what it saw, whoever that is, and has asked nothing else.
func TestNothingToGoBy(t *testing.T) {
	t.Parallel()
	s := shared()
	m := newMiddle(t, s, selfSigned(t))
	own := clientKey(t)
	for name, c := range map[string]struct {
		answers map[string]http.HandlerFunc
		want    string
	}{
		"it says who it is": {map[string]http.HandlerFunc{"pubkey": says(armored(t, own)), "statement": says(stated(t, own, m.Pair, -time.Hour, time.Hour))}, own.Qualified()},
		"it does not":       {nil, ""},
	} {
		m.answer(c.answers)
		_, err := client.Register(t.Context(), t.TempDir()+"/new", client.Registration{Servers: []string{m.URL}, Organization: "q", AuthCode: "hunter2"})
		says := fmt.Sprint(err)
		if !errors.Is(err, client.ErrUntrusted) || !strings.Contains(says, tlsconf.CertificateFingerprint(m.Pair.Leaf)) || strings.Contains(says, own.Qualified()) != (c.want != "") {
			t.Errorf("%s: got %v, want ErrUntrusted, the certificate's fingerprint and %q", name, err, c.want)
		}
		m.sawNothing(t, name)
	}
}

// TestCertificateAndFingerprint: a certificate that is vouched for does not help a
// server with another OpenPGP key than the one that was given.
func TestCertificateAndFingerprint(t *testing.T) {
	t.Parallel()
	s := shared()
	m := newMiddle(t, s, ownPair(t, s)) // as vouched for as the real one
	other := clientKey(t)
	m.answer(map[string]http.HandlerFunc{"pubkey": says(armored(t, other)), "fingerprint": says([]byte(other.Qualified() + "\n"))})
	_, err := client.Register(t.Context(), t.TempDir()+"/new", client.Registration{
		Servers: []string{m.URL}, Organization: "q", AuthCode: "hunter2", CA: s.CA(), Fingerprint: secretKey(t, s.Dir).Qualified(),
	})
	if want := "the server's OpenPGP key is " + other.Qualified(); !errors.Is(err, client.ErrUntrusted) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want ErrUntrusted and %q", err, want)
	}
	m.wantRequests(t, "register", "GET /?a=fingerprint", "GET /?a=pubkey")
}

// editKnown replaces text in what a client keeps of its servers' TLS keys.
func editKnown(t *testing.T, dir, old, new string) {
	t.Helper()
	file := filepath.Join(dir, "server-keys.json")
	edited := bytes.ReplaceAll(readFile(t, file), []byte(old), []byte(new))
	if err := os.WriteFile(file, edited, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKeyIsKept: a TLS key that the server has vouched for is not asked about again
// until the statement has ended, in this program or another; then it is, and a thief
// of that key is not served with the old statement.
func TestKeyIsKept(t *testing.T) {
	t.Parallel()
	s := shared()
	key := secretKey(t, s.Dir)
	thief := newMiddle(t, s, ownPair(t, s)) // it may be the server itself, too
	_, dir := registerByFingerprint(t, s)
	year := fmt.Sprint(time.Now().Year())
	asked := []string{"GET /?a=pubkey", "GET /?a=statement"}
	const self = "GET /v1/self with a certificate"
	status := func() error {
		_, err := useServers(t, dir, thief.URL).Status(t.Context())
		return err
	}

	thief.answer(nil)
	if err := status(); !errors.Is(err, client.ErrNotRegistered) { // it cannot pass on a certificate
		t.Errorf("status: got %v, want the answer ErrNotRegistered", err)
	}
	thief.wantRequests(t, "the kept key", self)

	editKnown(t, dir, year, "2001")
	editKnown(t, dir, fmt.Sprint(time.Now().Year()+1), "2001") // a week from now
	for _, want := range [][]string{append(asked, self), {self}} {
		thief.answer(nil)
		if err := status(); !errors.Is(err, client.ErrNotRegistered) {
			t.Errorf("status, a week later: got %v, want the answer ErrNotRegistered", err)
		}
		thief.wantRequests(t, "a week later", want...)
	}

	editKnown(t, dir, year, "2001")
	editKnown(t, dir, fmt.Sprint(time.Now().Year()+1), "2001")
	thief.answer(map[string]http.HandlerFunc{"statement": says(stated(t, key, thief.Pair, -8*24*time.Hour, -time.Minute))})
	if err := status(); !errors.Is(err, client.ErrUntrusted) || !strings.Contains(err.Error(), "its statement ended at") {
		t.Errorf("the old statement: got %v, want ErrUntrusted", err)
	}
	thief.wantRequests(t, "the old statement", asked...)

	// What is kept of another server, or cannot be read, or not written, counts for
	// nothing, and is no reason to fail.
	file := filepath.Join(dir, "server-keys.json")
	for _, c := range []struct { // each leaves the file as it should be, to the next
		name  string
		spoil func()
	}{
		{"gone", func() { os.Remove(file) }},
		{"another server's", func() { editKnown(t, dir, key.Fingerprint(), strings.Repeat("A", 40)) }},
		{"garbage", func() { os.WriteFile(file, []byte(`{"server": 1`), 0o600) }},
		{"cannot be kept", func() { // not by root either
			os.Remove(file)
			os.MkdirAll(filepath.Join(file, "folder"), 0o700)
		}},
	} {
		c.spoil()
		thief.answer(nil)
		if err := status(); !errors.Is(err, client.ErrNotRegistered) {
			t.Errorf("%s: got %v, want the answer ErrNotRegistered", c.name, err)
		}
		thief.wantRequests(t, c.name, append(asked, self)...)
	}
}

// TestAskedOnce: many requests at once that meet an unknown key ask once.
func TestAskedOnce(t *testing.T) {
	t.Parallel()
	s := shared()
	m := newMiddle(t, s, ownPair(t, s))
	_, dir := registerByFingerprint(t, s)
	os.Remove(filepath.Join(dir, "server-keys.json"))
	c := useServers(t, dir, m.URL)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := c.Status(t.Context()); !errors.Is(err, client.ErrNotRegistered) {
				t.Errorf("got %v, want the answer ErrNotRegistered", err)
			}
		})
	}
	all.Wait()
	if n := strings.Count(strings.Join(m.requests(), "\n"), "statement"); n != 1 {
		t.Errorf("the statement was asked for %d times, want once", n)
	}
}

// TestReplacedWhileAsked: that the statement is over another key is the server's
// certificate being replaced, if it happens once.
func TestReplacedWhileAsked(t *testing.T) {
	t.Parallel()
	s := shared()
	key := secretKey(t, s.Dir)
	m := newMiddle(t, s, ownPair(t, s))
	before := stated(t, key, selfSigned(t), -time.Hour, time.Hour)
	var once sync.Once
	after := question(t, s, "statement")
	m.answer(map[string]http.HandlerFunc{"statement": func(w http.ResponseWriter, _ *http.Request) {
		answer := after
		once.Do(func() { answer = before })
		w.Write(answer)
	}})
	_, dir := registerByFingerprint(t, s)
	os.Remove(filepath.Join(dir, "server-keys.json"))
	if _, err := useServers(t, dir, m.URL).Status(t.Context()); !errors.Is(err, client.ErrNotRegistered) {
		t.Errorf("got %v, want the answer ErrNotRegistered", err)
	}
}

// odd writes a certificate into a server's directory that no verifier takes: for
// another name, for clients, out of date.
func odd(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"elsewhere.example.com"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: time.Now().AddDate(-1, 0, 0),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		confdir.Dir(dir).Certificate(): {Type: "CERTIFICATE", Bytes: cert}, confdir.Dir(dir).PrivateKey(): {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReplacedCertificate: a client that goes by the fingerprint takes a replaced
// certificate, whatever is in it, and a second server with its own; a client that
// goes by the certificate does not.
func TestReplacedCertificate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "q")
	c, dir := registerByFingerprint(t, s)
	_, byCertificate := s.Client(t, "q")
	put(t, c, "a", "secret")
	first := readFile(t, dir, "server-keys.json")

	odd(t, s.Dir)
	if err := s.Admin().Reload(ctx); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]*client.Client{"kept open": c, "opened": useServers(t, dir, s.URL)} {
		if _, got, err := c.Get(ctx, "a", 0); err != nil || string(got) != "secret" {
			t.Errorf("get, %s: got %q, %v, want the secret", what, got, err)
		}
	}
	second := useServers(t, dir, s.URL)
	if known := readFile(t, dir, "server-keys.json"); bytes.Equal(first, known) {
		t.Errorf("after the certificate was replaced the client keeps what it kept:\n%s", known)
	}
	put(t, second, "b", "two")
	registerByFingerprint(t, s)
	if _, err := useServers(t, byCertificate, s.URL).Status(ctx); !errors.Is(err, client.ErrUntrusted) {
		t.Errorf("status of a client that goes by the certificate: got %v, want ErrUntrusted", err)
	}

	passive := secondServer(t, s)
	c = useServers(t, dir, "https://"+ktest.FreeAddress(t), passive.URL)
	if _, err := c.Status(ctx); !errors.Is(err, client.ErrNotRegistered) { // its own database is empty
		t.Errorf("status of the second server: got %v, want its answer ErrNotRegistered", err)
	}
	// Registered there, it goes by what it went by: the fingerprint, though none is
	// given; so does one that goes by a certificate.
	passive.Organization(t, "q")
	for dir, mode := range map[string]string{dir: `"STATEMENT": true`, byCertificate: `"CA": true`} {
		if mode == `"CA": true` {
			if err := os.WriteFile(filepath.Join(dir, "ca.pem"), readFile(t, passive.CA()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		done, err := client.Register(ctx, dir, client.Registration{Servers: []string{passive.URL}, Organization: "q"})
		if err != nil || done.Before {
			t.Errorf("registering with the second server: got %+v, %v", done, err)
		}
		if conf := readFile(t, dir, "keytrustee.conf"); !bytes.Contains(conf, []byte(mode)) || bytes.Count(conf, []byte("true")) != 1 {
			t.Errorf("after that: got\n%s\nwant %s", conf, mode)
		}
	}
	other := otherServer(t)
	if _, err := useServers(t, dir, other.URL).Status(ctx); !errors.Is(err, client.ErrUntrusted) || !strings.Contains(err.Error(), secretKey(t, other.Dir).Fingerprint()) {
		t.Errorf("status of another server: got %v, want ErrUntrusted and its fingerprint", err)
	}
}

// secondServer starts a server with the OpenPGP key of s, a TLS key of its own, and
// an empty database.
func secondServer(t *testing.T, s *ktest.Server) *ktest.Server {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "second")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secring.gpg", "pubring.gpg", "kekring.json", "keytrustee.conf"} {
		if err := os.WriteFile(filepath.Join(dir, name), readFile(t, s.Dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ktest.Must(t, "ktadmin", "init", "--confdir", dir, "--hostname", "localhost", "--empty-database")
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Listen = ktest.FreeAddress(t) })
	return ktest.Start(t, dir)
}
