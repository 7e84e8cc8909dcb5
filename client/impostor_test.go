package client_test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/pgp"
)

// impostor starts a server that has the real one's TLS key, and answers as
// handler does. It returns its URL.
func impostor(t *testing.T, s *ktest.Server, handler http.HandlerFunc) string {
	t.Helper()
	dir := confdir.Dir(s.Dir)
	pair, err := tls.LoadX509KeyPair(dir.Certificate(), dir.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	return serveTLS(t, pair, handler)
}

func serveTLS(t *testing.T, pair tls.Certificate, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// answered is a server's answer to a get.
type answered struct {
	header http.Header
	body   []byte
}

// real returns the server's answer to the client of dir.
func real(t *testing.T, s *ktest.Server, dir, handle string, version int64) answered {
	t.Helper()
	query := url.Values{"handle": {handle}}
	if version != 0 {
		query.Set("version", strconv.FormatInt(version, 10))
	}
	resp, err := s.HTTP(t, ktest.Pair(t, dir)).Get(s.URL + "/v1/deposits?" + query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("getting %s: status %d, %v", handle, resp.StatusCode, err)
	}
	return answered{resp.Header, body}
}

// with returns the answer with another body.
func (a answered) with(body []byte) answered { return answered{a.header, body} }

// as returns the answer with one header of other's.
func (a answered) as(other answered, name string) answered {
	h := a.header.Clone()
	h.Set(name, other.header.Get(name))
	return answered{h, a.body}
}

// to writes the answer.
func (a answered) to(w http.ResponseWriter) {
	for _, name := range []string{api.HeaderUUID, api.HeaderHandle, api.HeaderVersion, api.HeaderCreated} {
		if value := a.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.Write(a.body)
}

// uuid is that of the deposit which was answered.
func (a answered) uuid() string { return a.header.Get(api.HeaderUUID) }

// secretKey returns the OpenPGP key of the client of dir.
func secretKey(t *testing.T, dir string) *pgp.SecretKey {
	t.Helper()
	key, err := pgp.ReadSecretKeyring(readFile(t, dir, "secring.gpg"), "")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// serverFingerprint returns that of the server, 40 hex digits.
func serverFingerprint(t *testing.T, c *client.Client) string {
	t.Helper()
	status, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, bare, _ := strings.Cut(status.Server, "/")
	return bare
}
