package web_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/proof"
	"github.com/ktsd/ktsd/internal/seal"
	"github.com/ktsd/ktsd/internal/sqlite"
	"github.com/ktsd/ktsd/internal/tlsconf"
	"github.com/ktsd/ktsd/internal/web"
)

// openPGP gives the domain what it needs of package pgp, as ktsd does.
type openPGP struct{}

func (openPGP) ParsePublicKey(block []byte, now time.Time) (escrow.PublicKey, error) {
	key, err := pgp.ParsePublicKey(block, now)
	if err != nil {
		return escrow.PublicKey{}, err
	}
	return escrow.PublicKey{Fingerprint: escrow.Fingerprint(key.Fingerprint()), Binary: key.Binary()}, nil
}

func (openPGP) VerifyDetached(key escrow.PublicKey, message, signature []byte, now time.Time) error {
	parsed, err := pgp.ParsePublicKey(key.Binary, now)
	if err != nil {
		return err
	}
	return parsed.Verify(message, signature, now)
}

// service starts a service on a store of its own. server is the fingerprint that
// it is known by.
func service(t testing.TB, server escrow.Fingerprint) *escrow.Service {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, dir := context.Background(), t.TempDir()
	store, err := sqlite.Create(ctx, filepath.Join(dir, "db"), "localhost")
	check(err)
	chain, err := audit.Open(filepath.Join(dir, "audit"), "localhost", audit.Options{})
	check(err)
	sealer, err := seal.New(seal.NewRing(time.Now()))
	check(err)
	service, err := escrow.Start(ctx, escrow.Config{
		Store: store, Auditor: chain, Sealer: sealer, OpenPGP: openPGP{}, Server: server, Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Fatal: func(err error) { t.Errorf("fatal: %v", err) },
	})
	check(err)
	t.Cleanup(func() {
		service.Close()
		check(chain.Close())
		check(store.Close())
	})
	return service
}

// front starts the public handler over a store of its own, and returns an HTTP
// client with the certificate of a registered client.
func front(t testing.TB) (*http.Client, string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	server := escrow.Fingerprint(strings.Repeat("A", 40))
	service := service(t, server)
	handler, _ := web.New(web.Config{Service: service, Fingerprint: "4096R/" + string(server), Log: log})
	s := httptest.NewUnstartedServer(handler)
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)

	certPEM, keyPEM, err := tlsconf.ClientCertificate("fuzz")
	check(err)
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	check(err)
	key, err := pgp.GenerateClientKey("fuzz", "host", pgp.Ed25519)
	check(err)
	operator := escrow.Caller{Operator: true, Source: "socket"}
	_, err = service.CreateOrganization(ctx, operator, escrow.NewOrganization{Name: "acme", Approval: escrow.ApprovalAutomatic})
	check(err)
	now := time.Now()
	hash := escrow.KeyHash(tlsconf.KeyHash(pair.Leaf))
	signature, err := key.Sign(proof.Registration("acme", string(server), hash, now))
	check(err)
	_, err = service.Register(ctx, escrow.Caller{Certificate: hash}, escrow.Registration{
		Organization: "acme", PublicKey: key.Public().Binary(), Time: now, Signature: signature,
	})
	check(err)

	c := s.Client()
	c.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{pair}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, strings.TrimPrefix(s.URL, "https://")
}

// FuzzRequest sends whatever comes, as a registered client. Every answer is one
// that the API has: never a redirect, never an error of the server's, and every
// refusal is an Error whose kind has its status.
func FuzzRequest(f *testing.F) {
	const id = "/v1/deposits/6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1"
	f.Add("GET", "/", "a=fingerprint", []byte{})
	f.Add("GET", "/", "a=pubkey&a=fingerprint", []byte{})
	f.Add("PUT", id, "handle=h", []byte("contents"))
	f.Add("PUT", id, "handle=h&not_after=2099-01-01T00:00:00Z", []byte("contents"))
	f.Add("PUT", id, "handle=%ff&not_after=9999-12-31T23:59:59.999999999-23:59", []byte("contents"))
	f.Add("PUT", id, "handle=h&not_after=0000-01-01T00:00:00Z", []byte("contents"))
	f.Add("GET", id, "", []byte{})
	f.Add("DELETE", id, "", []byte("a body"))
	f.Add("POST", id+"/undelete", "", []byte{})
	f.Add("GET", "/v1/deposits", "handle=h&version=9223372036854775807", []byte{})
	f.Add("GET", "/v1/deposits", "handle=%2e%2e", []byte{})
	f.Add("GET", "/v1/deposits", "prefix=h&cursor=eyJoIjoiaCIsInYiOjF9&limit=9223372036854775807", []byte{})
	f.Add("GET", "/v1/deposits", "cursor=eyJoIjoiaCIsInYiOi05fQ&show=all", []byte{})
	f.Add("GET", "/v1/deposits", "prefix=%zz;&&=", []byte{})
	f.Add("POST", "/v1/clients", "", []byte(`{"organization":"acme","public_key":"x","time":"2026-11-21T00:00:00Z","signature":"AAAA"}`))
	f.Add("POST", "/v1/clients", "", []byte(`{"organization":`))
	f.Add("GET", "/v1/self", "x", []byte{})
	f.Add("OPTIONS", "/../v1//self/", "", []byte{})
	c, host := front(f)
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		req, err := http.NewRequest(method, "https://"+host+"/", strings.NewReader(string(body)))
		if err != nil {
			t.Skip("no request")
		}
		req.URL = &url.URL{Scheme: "https", Host: host, Path: path, RawQuery: query}
		resp, err := c.Do(req)
		if err != nil {
			t.Skip("no request that net/http sends")
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || method == http.MethodHead || resp.StatusCode == http.StatusOK {
			return
		}
		if resp.Header.Get(api.HeaderRequestID) == "" && resp.StatusCode == http.StatusBadRequest {
			return // net/http's own, of what is no HTTP
		}
		var e api.Error
		if err := json.Unmarshal(answer, &e); err != nil || api.Status(e.Error.Kind) != resp.StatusCode || resp.StatusCode < 400 || resp.StatusCode > 499 {
			t.Errorf("%s %q?%q: got %d %.200q, want 200 or a refusal", method, path, query, resp.StatusCode, answer)
		}
	})
}
