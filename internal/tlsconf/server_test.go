package tlsconf_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// files writes content into the test's directory, each with mode 0600.
func files(t testing.TB, content map[string][]byte) (path func(name string) string) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range content {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string) string { return filepath.Join(dir, name) }
}

// server is an HTTPS server that answers with the key hash of the certificate
// that the client shows, or "none".
type server struct {
	port string
	ca   string // file of its certificate
	leaf *x509.Certificate
}

func newServer(t testing.TB, minVersion uint16) server {
	t.Helper()
	certPEM, keyPEM, err := tlsconf.SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	path := files(t, map[string][]byte{"cert.pem": certPEM, "key.pem": keyPEM})
	pair, err := tlsconf.LoadPair(path("cert.pem"), path("key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		TLSConfig: tlsconf.Server(minVersion, nil, func() *tls.Certificate { return pair }),
		ErrorLog:  log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s", r.Proto, keyHash(r.TLS.PeerCertificates))
		}),
	}
	go s.ServeTLS(listener, "", "")
	t.Cleanup(func() { s.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return server{port: port, ca: path("cert.pem"), leaf: pair.Leaf}
}

func keyHash(chain []*x509.Certificate) string {
	if len(chain) == 0 {
		return "none"
	}
	return fmt.Sprintf("%x", tlsconf.KeyHash(chain[0]))
}

func roots(t testing.TB, file string) *x509.CertPool {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		t.Fatalf("%s holds no certificate", file)
	}
	return pool
}

// run returns what a program prints on both outputs.
func run(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	ktest.Need(t, name)
	out, err := exec.Command(name, args...).CombinedOutput()
	return string(out), err
}

// TestFloor offers one version after another to servers with each floor.
func TestFloor(t *testing.T) {
	versions := []struct{ name, flag string }{
		{"tlsv1.1", "-tls1_1"}, {"tlsv1.2", "-tls1_2"}, {"tlsv1.3", "-tls1_3"},
	}
	for floor, test := range versions {
		minVersion, err := tlsconf.ParseVersion(test.name)
		if err != nil {
			t.Fatal(err)
		}
		s := newServer(t, minVersion)
		for offered, version := range versions {
			// OpenSSL itself allows TLS 1.1 at security level 0 only.
			out, err := run(t, "openssl", "s_client", "-connect", "localhost:"+s.port, "-CAfile", s.ca,
				"-verify_return_error", "-verify_hostname", "localhost", version.flag, "-cipher", "DEFAULT:@SECLEVEL=0")
			if accepted := err == nil; accepted != (offered >= floor) {
				t.Errorf("floor %s: openssl s_client %s: accepted = %t, want %t\n%s", test.name, version.flag, accepted, offered >= floor, out)
			}
			if err == nil && !strings.Contains(out, "Verify return code: 0 (ok)") {
				t.Errorf("floor %s: openssl s_client %s does not verify the certificate:\n%s", test.name, version.flag, out)
			}
		}
	}
}

// clientCertificates makes an ECDSA one of ours, an Ed25519 one of openssl, and
// an expired one that was meant for a server: nothing but the key plays a part.
func clientCertificates(t testing.TB) (path func(string) string, names []string) {
	t.Helper()
	certPEM, keyPEM, err := tlsconf.ClientCertificate("web-1")
	if err != nil {
		t.Fatal(err)
	}
	expiredPEM, expiredKeyPEM, err := tlsconf.SelfSigned("web-2", time.Now().AddDate(-10, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	path = files(t, map[string][]byte{"ecdsa.pem": certPEM, "ecdsa.key": keyPEM, "expired.pem": expiredPEM, "expired.key": expiredKeyPEM})
	out, err := run(t, "openssl", "req", "-x509", "-nodes", "-subj", "/CN=web-3", "-newkey", "ed25519",
		"-keyout", path("ed25519.key"), "-out", path("ed25519.pem"))
	if err != nil {
		t.Fatalf("openssl req: %v\n%s", err, out)
	}
	return path, []string{"ecdsa", "ed25519", "expired"}
}

func TestCurlClientCertificates(t *testing.T) {
	ktest.Need(t, "curl", "openssl")
	path, names := clientCertificates(t)
	s := newServer(t, tlsconf.DefaultMinVersion)
	url := "https://localhost:" + s.port + "/"
	for _, version := range []string{"1.2", "1.3"} {
		args := []string{"-sS", "--cacert", s.ca, "--tlsv" + version, "--tls-max", version}
		if out, err := run(t, "curl", append(args, url)...); err != nil || !strings.HasSuffix(out, " none") {
			t.Errorf("TLS %s, no certificate: curl prints %q, %v, want none", version, out, err)
		}
		for _, name := range names {
			pair, err := tlsconf.LoadPair(path(name+".pem"), path(name+".key"))
			if err != nil {
				t.Fatal(err)
			}
			want := keyHash([]*x509.Certificate{pair.Leaf})
			out, err := run(t, "curl", append(args, "--cert", path(name+".pem"), "--key", path(name+".key"), url)...)
			if err != nil || !strings.HasSuffix(out, " "+want) {
				t.Errorf("TLS %s, %s: curl prints %q, %v, want %s", version, name, out, err, want)
			}
		}
	}
	if out, err := run(t, "curl", "-sS", url); err == nil {
		t.Errorf("curl without --cacert prints %q, want it to refuse the server", out)
	}
	if out, err := run(t, "curl", "-sS", "--cacert", s.ca, "https://127.0.0.1:"+s.port+"/"); err != nil {
		t.Errorf("curl to 127.0.0.1: %v\n%s", err, out)
	}
}

func TestGoClient(t *testing.T) {
	path, _ := clientCertificates(t)
	pair, err := tlsconf.LoadPair(path("ecdsa.pem"), path("ecdsa.key"))
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, tlsconf.DefaultMinVersion)
	get := func(config *tls.Config) (string, error) {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}
		defer client.CloseIdleConnections()
		response, err := client.Get("https://localhost:" + s.port + "/")
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return string(body), err
	}
	want := "HTTP/2.0 " + keyHash([]*x509.Certificate{pair.Leaf})
	if got, err := get(tlsconf.Client(roots(t, s.ca), pair)); got != want || err != nil {
		t.Errorf("with a certificate: got %q, %v, want %q", got, err, want)
	}
	if got, err := get(tlsconf.Client(roots(t, s.ca), nil)); got != "HTTP/2.0 none" || err != nil {
		t.Errorf("without a certificate: got %q, %v, want none", got, err)
	}

	// The system's roots do not vouch for the server: what was seen can be shown.
	_, err = get(tlsconf.Client(nil, pair))
	seen := tlsconf.UnverifiedPeer(err)
	if seen == nil {
		t.Fatalf("UnverifiedPeer(%v) = nil, want the server's certificate", err)
	}
	out, err := run(t, "openssl", "x509", "-in", s.ca, "-noout", "-fingerprint", "-sha256")
	if _, want, _ := strings.Cut(strings.TrimSpace(out), "="); err != nil || tlsconf.CertificateFingerprint(seen) != want {
		t.Errorf("CertificateFingerprint = %s, want %s as openssl prints", tlsconf.CertificateFingerprint(seen), want)
	}
	if got := tlsconf.UnverifiedPeer(io.EOF); got != nil {
		t.Errorf("UnverifiedPeer of another error = %v, want nil", got.Subject)
	}
}

// TestClientFloor: a client speaks no TLS 1.1, whatever the server does.
func TestClientFloor(t *testing.T) {
	s := newServer(t, tls.VersionTLS10)
	config := tlsconf.Client(roots(t, s.ca), nil)
	config.MaxVersion = tls.VersionTLS11
	if conn, err := tls.Dial("tcp", "localhost:"+s.port, config); err == nil {
		conn.Close()
		t.Error("a client limited to TLS 1.1 connects, want an error")
	}
}

// TestReload: the next handshake sees another certificate.
func TestReload(t *testing.T) {
	var current *tls.Certificate
	config := tlsconf.Server(tlsconf.DefaultMinVersion, nil, func() *tls.Certificate { return current })
	if _, err := config.GetCertificate(nil); err == nil {
		t.Error("GetCertificate with none loaded: no error")
	}
	for range 2 {
		certPEM, keyPEM, err := tlsconf.SelfSigned("localhost", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		if err != nil {
			t.Fatal(err)
		}
		current = &pair
		got, err := config.GetCertificate(nil)
		if err != nil || !bytes.Equal(got.Certificate[0], pair.Certificate[0]) {
			t.Errorf("GetCertificate returns another certificate, or %v", err)
		}
	}
}

func TestKeyHashMatchesOpenSSL(t *testing.T) {
	ktest.Need(t, "openssl")
	s := newServer(t, tlsconf.DefaultMinVersion)
	out, err := run(t, "openssl", "x509", "-in", s.ca, "-noout", "-pubkey")
	if err != nil {
		t.Fatalf("openssl x509: %v\n%s", err, out)
	}
	block, _ := pem.Decode([]byte(out))
	if block == nil || !bytes.Equal(block.Bytes, s.leaf.RawSubjectPublicKeyInfo) {
		t.Error("KeyHash is over other bytes than openssl's public key")
	}
}

func TestParseVersion(t *testing.T) {
	for name, want := range map[string]uint16{"tlsv1": 0x301, "tlsv1.1": 0x302, "tlsv1.2": 0x303, "tlsv1.3": 0x304} {
		if got, err := tlsconf.ParseVersion(name); got != want || err != nil {
			t.Errorf("ParseVersion(%q) = %#x, %v, want %#x", name, got, err, want)
		}
	}
	for _, name := range []string{"", "tlsv1.4", "TLSv1.2", "sslv3", "1.2"} {
		if got, err := tlsconf.ParseVersion(name); err == nil {
			t.Errorf("ParseVersion(%q) = %#x, want an error", name, got)
		}
	}
}
