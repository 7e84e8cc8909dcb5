package main_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/proof"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// identity is the keys of a client, for registrations made by hand.
type identity struct {
	key             *pgp.SecretKey
	pair            tls.Certificate
	certPEM, keyPEM []byte
}

func newIdentity(t testing.TB) *identity {
	t.Helper()
	key, err := pgp.GenerateClientKey("test", "host.example.com", pgp.Ed25519)
	if err != nil {
		t.Fatalf("making an OpenPGP key: %v", err)
	}
	return (&identity{key: key}).withCertificate(t)
}

// withCertificate is the same OpenPGP key with a new TLS key.
func (i *identity) withCertificate(t testing.TB) *identity {
	t.Helper()
	next := *i
	var err error
	if next.certPEM, next.keyPEM, err = tlsconf.ClientCertificate(i.key.Fingerprint()); err == nil {
		next.pair, err = tls.X509KeyPair(next.certPEM, next.keyPEM)
	}
	if err != nil {
		t.Fatalf("making a TLS certificate: %v", err)
	}
	return &next
}

// files writes certificate and key where curl can read them.
func (i *identity) files(t testing.TB) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, data := range map[string][]byte{cert: i.certPEM, key: i.keyPEM} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func (i *identity) armored(t testing.TB) string {
	t.Helper()
	text, err := i.key.Public().Armored()
	if err != nil {
		t.Fatalf("armoring a key: %v", err)
	}
	return text
}

// serverFingerprint asks the server for its own, without the qualification.
func serverFingerprint(t testing.TB, s *ktest.Server) string {
	t.Helper()
	r := request(t, s.HTTP(t), http.MethodGet, s.URL+"/?a=fingerprint", nil)
	_, fingerprint, ok := strings.Cut(strings.TrimSpace(string(r.body)), "/")
	if !ok {
		t.Fatalf("fingerprint: got %v", r)
	}
	return fingerprint
}

// sign signs a text as the client would.
func (i *identity) sign(t testing.TB, text []byte) []byte {
	t.Helper()
	signature, err := i.key.Sign(text)
	if err != nil {
		t.Fatalf("signing: %v", err)
	}
	return signature
}

// prove signs a registration's proof with the parts given.
func (i *identity) prove(t testing.TB, org, server string, pair tls.Certificate, at time.Time) []byte {
	t.Helper()
	return i.sign(t, proof.Registration(org, server, tlsconf.KeyHash(pair.Leaf), at))
}

// registration is right in every respect; tests then spoil it.
func (i *identity) registration(t testing.TB, s *ktest.Server, org string) api.Registration {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	return api.Registration{
		Organization: org, Name: "test", PublicKey: i.armored(t), Time: now,
		Signature: i.prove(t, org, serverFingerprint(t, s), i.pair, now),
	}
}

// register sends a registration over a connection with the identity's
// certificate.
func (i *identity) register(t testing.TB, s *ktest.Server, r api.Registration) reply {
	t.Helper()
	return post(t, s.HTTP(t, i.pair), s, r)
}

func post(t testing.TB, c *http.Client, s *ktest.Server, r api.Registration) reply {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return request(t, c, http.MethodPost, s.URL+"/v1/clients", body)
}

// armor puts bytes into an OpenPGP armor (RFC 4880, 6.2; its checksum is
// optional).
func armor(blockType string, data []byte) string {
	text := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	b.WriteString("-----BEGIN " + blockType + "-----\n\n")
	for len(text) > 0 {
		n := min(64, len(text))
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	b.WriteString("-----END " + blockType + "-----\n")
	return b.String()
}
