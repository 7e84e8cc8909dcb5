package main_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// resumer makes a connection for each request, and keeps the TLS session for the
// next.
type resumer struct {
	s      *ktest.Server
	config *tls.Config
}

func newResumer(t *testing.T, s *ktest.Server, id *identity, version uint16) *resumer {
	t.Helper()
	config := tlsConfig(t, s, id.pair)
	config.MinVersion, config.MaxVersion = version, version
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	return &resumer{s, config}
}

// self asks ktsd who is asking, and says whether the session was resumed.
func (r *resumer) self(t *testing.T) (reply, bool) {
	t.Helper()
	conn, err := tls.Dial("tcp", r.s.Addr, r.config)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /v1/self HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return readFrom(t, conn), conn.ConnectionState().DidResume
}

// want makes a request, which must be resumed or not, as the client given.
func (r *resumer) want(t *testing.T, what string, resumed bool, id *identity) {
	t.Helper()
	answer, did := r.self(t)
	var c api.Client
	wantOK(t, what, answer, &c)
	if did != resumed {
		t.Errorf("%s: got resumed %v, want %v", what, did, resumed)
	}
	if c.Fingerprint != id.key.Fingerprint() {
		t.Errorf("%s: got client %s, want %s", what, c.Fingerprint, id.key.Fingerprint())
	}
}

var tlsVersions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// TestResumption: a second connection resumes the session of the first, as the
// same client; what is taken from the client is taken from the session too. A
// reload changes nothing about it.
func TestResumption(t *testing.T) {
	t.Parallel()
	s, _, _ := service(t)
	for name, version := range tlsVersions {
		t.Run(name, func(t *testing.T) {
			_, id := newBox(t, s, "acme")
			r := newResumer(t, s, id, version)
			r.want(t, "the first connection", false, id)
			r.want(t, "the second connection", true, id)
			if err := s.Admin().Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.want(t, "a connection after a reload", true, id)
			if _, err := s.Admin().DisableClient(t.Context(), id.key.Fingerprint()); err != nil {
				t.Fatal(err)
			}
			var c api.Client
			answer, resumed := r.self(t)
			wantOK(t, "a disabled client asking for itself", answer, &c)
			if !resumed || c.State != "disabled" {
				t.Errorf("a disabled client: got resumed %v and state %s, want the session resumed and the client disabled", resumed, c.State)
			}
			over := s.HTTP(t)
			over.Transport.(*http.Transport).TLSClientConfig = r.config
			wantKind(t, "a disabled client's get over a resumed session", box{over, s.URL}.getHandle(t, "x"), fault.Disabled)
		})
	}
}

// TestResumptionAfterReload: a session outlives a change of the certificate, whose
// key it proved, but not one of the floor under its version, and not a restart.
func TestResumptionAfterReload(t *testing.T) {
	t.Parallel()
	s, _, id := service(t)
	old, latest := newResumer(t, s, id, tls.VersionTLS12), newResumer(t, s, id, tls.VersionTLS13)
	for _, r := range []*resumer{old, latest} {
		r.want(t, "the first connection", false, id)
		r.want(t, "the second connection", true, id)
	}
	ktest.SetConf(t, s.Dir, func(c *confdir.Conf) { c.TLSMinVersion = "tlsv1.3" })
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	latest.want(t, "TLS 1.3 after the floor was raised", true, id)
	if conn, err := tls.Dial("tcp", s.Addr, old.config); err == nil {
		conn.Close()
		t.Errorf("resuming TLS 1.2 after the floor was raised to 1.3: got a connection, want none")
	}
	s.Stop(t)
	latest.s = ktest.Start(t, s.Dir)
	latest.want(t, "after a restart", false, id)
}

// TestResumptionAfterAnotherKey: who resumes is shown no certificate, so once the
// server's key is another one no session is resumed, and the client sees the new key;
// another certificate for the same key is no reason.
func TestResumptionAfterAnotherKey(t *testing.T) {
	t.Parallel()
	s, _, id := service(t)
	dir := confdir.Dir(s.Dir)
	first, err := os.ReadFile(dir.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	second, key, err := tlsconf.SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := tlsconf.ParseKey(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	third, err := tlsconf.Identity{Names: []string{"localhost"}}.SelfSigned(signer, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var all []*resumer
	for _, version := range tlsVersions {
		r := newResumer(t, s, id, version)
		r.config.RootCAs = x509.NewCertPool()
		for _, cert := range [][]byte{first, second, third} {
			r.config.RootCAs.AppendCertsFromPEM(cert)
		}
		all = append(all, r)
		r.want(t, "the first connection", false, id)
		r.want(t, "the second connection", true, id)
	}
	rewrite(t, dir.PrivateKey(), key)
	rewrite(t, dir.Certificate(), second)
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		r.want(t, "the first connection with another key", false, id)
		r.want(t, "the second connection with it", true, id)
	}
	rewrite(t, dir.Certificate(), third)
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		r.want(t, "a connection with another certificate for that key", true, id)
	}
}

// TestResumptionByOpenSSL: OpenSSL keeps a session and resumes it, with its
// client certificate.
func TestResumptionByOpenSSL(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl")
	s, _, id := service(t)
	cert, key := id.files(t)
	for option := range map[string]bool{"-tls1_2": true, "-tls1_3": true} {
		session := filepath.Join(t.TempDir(), "session")
		connect := func(args ...string) string {
			t.Helper()
			cmd := exec.Command("openssl", append([]string{"s_client", "-connect", s.Addr, "-servername", "localhost", "-CAfile", s.CA(),
				"-verify_return_error", "-cert", cert, "-key", key, "-ign_eof", option}, args...)...)
			cmd.Stdin = strings.NewReader("GET /v1/self HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("openssl s_client: %v\n%s", err, out)
			}
			return string(out)
		}
		contains(t, "the first connection with "+option, connect("-sess_out", session), "\nNew, TLSv1", id.key.Fingerprint())
		contains(t, "the second connection with "+option, connect("-sess_in", session), "\nReused, TLSv1", id.key.Fingerprint())
	}
}

// TestResumptionOverHTTP: HTTP clients of Go resume over both versions of
// HTTP, and what they put and get is right.
func TestResumptionOverHTTP(t *testing.T) {
	t.Parallel()
	s, _, id := service(t)
	for _, name := range []string{"HTTP/1.1", "HTTP/2.0"} {
		c := s.HTTP(t, id.pair)
		if name == "HTTP/1.1" {
			overHTTP1(c)
		}
		transport := c.Transport.(*http.Transport)
		transport.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		b := box{c, s.URL}
		d := b.keep(t, "over "+name, []byte(name))
		transport.CloseIdleConnections()
		resp, err := c.Get(b.at(d.UUID))
		if err != nil {
			t.Fatal(err)
		}
		r, err := readReply(resp)
		if err != nil {
			t.Fatal(err)
		}
		wantContents(t, "a get over "+name, r, []byte(name))
		if r.proto != name || !resp.TLS.DidResume {
			t.Errorf("got %s, resumed %v, want %s over a resumed session", r.proto, resp.TLS.DidResume, name)
		}
	}
}
