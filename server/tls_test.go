package main_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// handshake tries one version of TLS with openssl, which is made to speak even
// the old ones, and returns what it printed.
func handshake(t *testing.T, s *ktest.Server, version string, args ...string) (ok bool, out string) {
	t.Helper()
	cmd := exec.Command("openssl", append([]string{"s_client", "-connect", s.Addr, "-servername", "localhost", "-CAfile", s.CA(),
		"-verify_return_error", "-cipher", "DEFAULT@SECLEVEL=0", "-" + version}, args...)...)
	cmd.Stdin = strings.NewReader("")
	data, err := cmd.CombinedOutput()
	return err == nil, string(data)
}

// curlTLS asks for the server's fingerprint with curl, which is made to speak even
// the old versions, and no other ones than from to to. It returns the version of HTTP and
// the answer's status, and whether there was one.
func curlTLS(t *testing.T, s *ktest.Server, from, to string, args ...string) (out string, ok bool) {
	t.Helper()
	data, err := exec.Command("curl", append([]string{"-sS", "--cacert", s.CA(), "--tlsv" + from, "--tls-max", to,
		"--ciphers", "DEFAULT@SECLEVEL=0", "-o", "/dev/null", "-w", "HTTP/%{http_version} %{http_code}", s.URL + "/?a=fingerprint"}, args...)...).CombinedOutput()
	return string(data), err == nil
}

// keyed returns a directory whose TLS key is RSA or ECDSA.
func keyed(t *testing.T, key string) string {
	t.Helper()
	dir := ktest.Dir(t)
	if key == "RSA" {
		d := confdir.Dir(dir)
		command(t, "", "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", d.PrivateKey(), "-out", d.Certificate(),
			"-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
		chmod(t, d.PrivateKey(), 0o600)
	}
	return dir
}

// versions are those of TLS as configuration, openssl and curl name them, the oldest
// first.
var versions = []struct{ floor, openssl, curl string }{
	{"tlsv1", "tls1", "1.0"}, {"tlsv1.1", "tls1_1", "1.1"}, {"tlsv1.2", "tls1_2", "1.2"}, {"tlsv1.3", "tls1_3", "1.3"},
}

// TestTLSFloor: under each floor each version is let in or refused, told by the
// server's alert, with either kind of key, by openssl and by curl; the two floors
// that are retired are warned of, and the others are not. Without a floor it is TLS 1.2.
func TestTLSFloor(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl", "curl")
	for _, key := range []string{"ECDSA", "RSA"} {
		dir := keyed(t, key)
		s := ktest.Start(t, dir)
		tryVersions(t, s, key+", no floor", 2)
		for floor, v := range versions {
			ktest.SetConf(t, dir, func(conf *confdir.Conf) { conf.TLSMinVersion = v.floor })
			before := strings.Count(s.Log(), "RFC 8996")
			reloadLogged(t, s)
			warned := strings.Count(s.Log(), "RFC 8996") - before
			if want := max(0, 2-floor); warned != min(want, 1) {
				t.Errorf("%s: got %d warnings of old versions, want %d", v.floor, warned, min(want, 1))
			}
			tryVersions(t, s, key+", floor "+v.floor, floor)
		}
	}
}

// reloadLogged has ktsd reload, and waits for the last line that it logs of that.
func reloadLogged(t *testing.T, s *ktest.Server) {
	t.Helper()
	const line = "msg=reloaded"
	before := strings.Count(s.Log(), line)
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); strings.Count(s.Log(), line) == before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the reload is not logged")
		}
	}
}

// tryVersions tries all versions, of which those from floor on are to be let in.
func tryVersions(t *testing.T, s *ktest.Server, name string, floor int) {
	t.Helper()
	for i, v := range versions {
		ok, out := handshake(t, s, v.openssl)
		got, answered := curlTLS(t, s, v.curl, v.curl)
		if i < floor {
			if ok || !strings.Contains(out, "alert protocol version") {
				t.Errorf("%s: %s: got\n%s\nwant the server's alert \"protocol version\"", name, v.openssl, out)
			}
			if answered || !strings.Contains(got, "alert protocol version") {
				t.Errorf("%s: curl with TLS %s: got %s, want the server's alert", name, v.curl, got)
			}
			continue
		}
		if !ok || !strings.Contains(out, "Verify return code: 0 (ok)") {
			t.Errorf("%s: %s: got a refusal, want a connection\n%s", name, v.openssl, out)
		}
		want := "HTTP/2 200"
		if i < 2 {
			want = "HTTP/1.1 200" // HTTP/2 is for TLS 1.2 and later
		}
		if got != want {
			t.Errorf("%s: curl with TLS %s: got %q, want %q", name, v.curl, got, want)
		}
	}
}

// TestCiphers: up to TLS 1.2 a suite that SSL_CIPHERS does not have is refused, and
// Go's own order decides among those that it has; TLS 1.3 is as before.
func TestCiphers(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl")
	const chacha, gcm256, gcm128, cbc = "ECDHE-%s-CHACHA20-POLY1305", "ECDHE-%s-AES256-GCM-SHA384", "ECDHE-%s-AES128-GCM-SHA256", "ECDHE-%s-AES256-SHA"
	for _, key := range []string{"ECDSA", "RSA"} {
		dir := keyed(t, key)
		s := ktest.Start(t, dir)
		for _, c := range []struct {
			ciphers   string
			yes, noes []string
		}{
			{"", []string{chacha, gcm256, gcm128, cbc}, []string{"ECDHE-%s-AES128-SHA256"}},
			{"AES256:CAMELLIA256-SHA", []string{gcm256, cbc}, []string{chacha, gcm128}},
			{"CHACHA20:!AES", []string{chacha}, []string{gcm256, gcm128, cbc}},
			{"CHACHA20 AESGCM,!AES256", []string{chacha, gcm128}, []string{gcm256, cbc}},
			{"ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256", []string{"ECDHE-%s-AES128-SHA256"}, []string{chacha, gcm256, gcm128, cbc}},
		} {
			ktest.SetConf(t, dir, func(conf *confdir.Conf) { conf.Ciphers = c.ciphers })
			if err := s.Admin().Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, suite := range c.yes {
				suite = strings.ReplaceAll(suite, "%s", key)
				if ok, out := handshake(t, s, "tls1_2", "-cipher", suite); !ok || !strings.Contains(out, "Cipher is "+suite) {
					t.Errorf("%s key, %q: %s: got\n%s\nwant a connection", key, c.ciphers, suite, out)
				}
			}
			for _, suite := range c.noes {
				suite = strings.ReplaceAll(suite, "%s", key)
				if ok, out := handshake(t, s, "tls1_2", "-cipher", suite); ok || !strings.Contains(out, "alert handshake failure") {
					t.Errorf("%s key, %q: %s: got\n%s\nwant the server's alert \"handshake failure\"", key, c.ciphers, suite, out)
				}
			}
			for _, suite := range []string{"TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"} {
				if ok, out := handshake(t, s, "tls1_3", "-ciphersuites", suite); !ok || !strings.Contains(out, "Cipher is "+suite) {
					t.Errorf("%s key, %q: %s: got\n%s\nwant a connection", key, c.ciphers, suite, out)
				}
			}
		}
	}
}

// TestCiphersRSA: RSA key exchange is there once it is named, and not before.
func TestCiphersRSA(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl")
	dir := keyed(t, "RSA")
	s := ktest.Start(t, dir)
	for ciphers, want := range map[string]bool{"": false, "ALL": false, "HIGH": false, "AES256": false, "ALL:kRSA": true, "AES256-SHA": true, "RSA": true} {
		ktest.SetConf(t, dir, func(conf *confdir.Conf) { conf.Ciphers = ciphers })
		if err := s.Admin().Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if ok, out := handshake(t, s, "tls1_2", "-cipher", "AES256-SHA"); ok != want {
			t.Errorf("%q: got a connection: %t, want %t\n%s", ciphers, ok, want, out)
		}
	}
}

// TestCipherWarnings: at a start and at a reload the log has a line for each thing
// about SSL_CIPHERS that is not as it should be.
func TestCipherWarnings(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	ktest.SetConf(t, dir, func(conf *confdir.Conf) { conf.Ciphers = "AES256:CAMELLIA256-SHA" })
	s := ktest.Start(t, dir)
	logged(t, s, "the start", "level=WARN msg=SSL_CIPHERS kind=not_available term=CAMELLIA256-SHA text=\"not available in this build\"",
		"level=INFO msg=\"insecure cipher suites of SSL_CIPHERS are left out, since it does not name them\" suites=AES256-GCM-SHA384:AES256-SHA")
	ktest.SetConf(t, dir, func(conf *confdir.Conf) { conf.Ciphers = "AES128-SHA:foo" })
	reloadLogged(t, s)
	logged(t, s, "a reload", "kind=unknown term=foo text=unknown", "kind=insecure term=AES128-SHA text=\"insecure: RSA key exchange has no forward secrecy\"",
		"no cipher suite of SSL_CIPHERS works with the server's key")
	running, err := s.Admin().Server(t.Context())
	if err != nil || running.Ciphers != "AES128-SHA:foo" {
		t.Errorf("ciphers: got %q (%v), want them as they were configured", running.Ciphers, err)
	}
	ktest.SetConf(t, dir, func(conf *confdir.Conf) { conf.Ciphers = "CAMELLIA" })
	if err := s.Admin().Reload(t.Context()); err == nil {
		t.Error("a string that leaves no suite: got no error")
	} else {
		contains(t, "the verdict", err.Error(), "SSL_CIPHERS: the cipher string leaves no cipher suite: CAMELLIA: not available in this build")
	}
}

// TestHTTP2Ciphers: a connection that could not be one of HTTP/2, for its version or
// its suites, is one of HTTP/1.1, though the client would have both.
func TestHTTP2Ciphers(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "curl")
	for _, key := range []string{"ECDSA", "RSA"} {
		dir := keyed(t, key)
		s := ktest.Start(t, dir)
		for _, c := range []struct{ ciphers, max, client, want string }{
			{"", "1.2", "", "HTTP/2 200"},
			{"", "1.2", "ECDHE-" + key + "-AES128-SHA", "HTTP/1.1 200"},
			{"SHA1", "1.2", "", "HTTP/1.1 200"},
			{"SHA1", "1.3", "", "HTTP/2 200"},
			{"AES256", "1.2", "", "HTTP/2 200"}, // without the suite that HTTP/2 wants of everybody
			{"AES256:-SHA384", "1.2", "ECDHE-" + key + "-AES256-SHA", "HTTP/1.1 200"},
		} {
			ktest.SetConf(t, dir, func(conf *confdir.Conf) { conf.Ciphers = c.ciphers })
			if err := s.Admin().Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			var args []string
			if c.client != "" {
				args = []string{"--ciphers", c.client}
			}
			if got, ok := curlTLS(t, s, "1.2", c.max, args...); !ok || got != c.want {
				t.Errorf("%s key, %q, client with TLS %s and %q: got %q, want %q", key, c.ciphers, c.max, c.client, got, c.want)
			}
		}
	}
}
