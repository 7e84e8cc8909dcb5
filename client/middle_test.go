package client_test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/proof"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// middle is somebody between a client and the real server: it ends TLS, with a TLS
// key of its own unless it has another, notes all that it gets to see, and passes on
// what anybody may send.
type middle struct {
	URL  string
	Pair tls.Certificate

	mu      sync.Mutex
	answers map[string]http.HandlerFunc // in place of passing it on, by the value of a
	seen    []string
}

// newMiddle starts one in front of s.
func newMiddle(t *testing.T, s *ktest.Server, pair tls.Certificate) *middle {
	t.Helper()
	m := &middle{Pair: pair}
	behind := s.HTTP(t)
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		line := r.Method + " " + r.URL.String()
		if len(body) > 0 {
			line += " with a body"
		}
		if len(r.TLS.PeerCertificates) > 0 {
			line += " with a certificate"
		}
		m.mu.Lock()
		m.seen = append(m.seen, line)
		answer := m.answers[r.URL.Query().Get("a")]
		m.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		resp, err := behind.Get(s.URL + r.URL.String())
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(handler))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	m.URL = server.URL
	return m
}

// answer has it answer the questions by itself, and forget what it saw.
func (m *middle) answer(answers map[string]http.HandlerFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers, m.seen = answers, nil
}

// sawNothing fails the test if more came by than the two questions.
func (m *middle) sawNothing(t *testing.T, what string) {
	t.Helper()
	for _, line := range m.requests() {
		if line != "GET /?a=pubkey" && line != "GET /?a=statement" {
			t.Errorf("%s: the one between saw %s, want nothing but the two questions", what, line)
		}
	}
}

// requests returns what came by.
func (m *middle) requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.seen)
}

// says answers with a text.
func says(text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(text) }
}

// selfSigned makes a TLS key and its certificate.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	certPEM, keyPEM, err := tlsconf.SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// ownPair returns the server's own TLS key: what somebody has who stole it.
func ownPair(t *testing.T, s *ktest.Server) tls.Certificate {
	t.Helper()
	dir := confdir.Dir(s.Dir)
	pair, err := tls.LoadX509KeyPair(dir.Certificate(), dir.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// stated signs a statement over a TLS key that begins and ends at these times from
// now.
func stated(t *testing.T, key *pgp.SecretKey, pair tls.Certificate, from, until time.Duration) []byte {
	t.Helper()
	return clearsigned(t, key, proof.Statement{
		Server: key.Fingerprint(), Key: tlsconf.KeyHash(pair.Leaf), NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until),
	}.Text())
}

func clearsigned(t *testing.T, key *pgp.SecretKey, text []byte) []byte {
	t.Helper()
	message, err := key.Clearsign(text)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// armored is the public key as a server answers it.
func armored(t *testing.T, key *pgp.SecretKey) []byte {
	t.Helper()
	text, err := key.Public().Armored()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(text)
}

// registerByFingerprint registers a new client that goes by the fingerprint alone.
func registerByFingerprint(t *testing.T, s *ktest.Server) (*client.Client, string) {
	t.Helper()
	dir := t.TempDir() + "/client"
	_, err := client.Register(t.Context(), dir, client.Registration{Servers: []string{s.URL}, Organization: "q", Fingerprint: secretKey(t, s.Dir).Fingerprint()})
	if err != nil {
		t.Fatalf("registering by the fingerprint: %v", err)
	}
	c, err := client.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

// wantRequests compares what came by, without what was passed on for the client.
func (m *middle) wantRequests(t *testing.T, what string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(m.requests(), "\n")); diff != "" {
		t.Errorf("%s: requests (-want +got):\n%s", what, diff)
	}
}
