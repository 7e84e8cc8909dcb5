package tlsconf_test

import (
	"crypto/x509/pkix"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// TestRequest: openssl verifies a request of each type of key, and shows its names.
func TestRequest(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl")
	path := files(t, nil)
	identity := tlsconf.Identity{
		Names:   []string{"kts01.example.com", "192.0.2.7", "*.example.com", "2001:db8::7"},
		Subject: pkix.Name{Organization: []string{"Example, Inc."}, Country: []string{"NL"}},
	}
	for _, kind := range tlsconf.KeyTypes() {
		key, err := tlsconf.GenerateKey(kind)
		if err != nil {
			t.Fatal(err)
		}
		if got := tlsconf.KeyType(key.Public()); got != kind {
			t.Errorf("KeyType = %s, want %s", got, kind)
		}
		request, err := identity.Request(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path("csr"), request, 0o600); err != nil {
			t.Fatal(err)
		}
		out := openssl(t, "req", "-in", path("csr"), "-noout", "-verify", "-subject", "-text", "-nameopt", "RFC2253")
		for _, want := range []string{
			"self-signature verify OK", `subject=CN=kts01.example.com,O=Example\, Inc.,C=NL`,
			"DNS:kts01.example.com, DNS:*.example.com, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: openssl shows no %q:\n%s", kind, want, out)
			}
		}
		certificate, err := tlsconf.Identity{Names: []string{"kts01.example.com", "localhost", "127.0.0.1"}}.SelfSigned(key, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path("cert"), certificate, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"-verify_hostname=kts01.example.com", "-verify_hostname=localhost", "-verify_ip=127.0.0.1", "-verify_ip=::1"} {
			option, value, _ := strings.Cut(name, "=")
			openssl(t, "verify", "-CAfile", path("cert"), "-purpose", "sslserver", option, value, path("cert"))
		}
	}
	if _, err := tlsconf.GenerateKey("dsa"); err == nil || !strings.Contains(err.Error(), "ecdsa-p256, ecdsa-p384, ed25519, rsa2048, rsa3072, rsa4096") {
		t.Errorf("GenerateKey(dsa): got %v, want the types", err)
	}
	key, err := tlsconf.GenerateKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "a b", "*", "*.*.example.com", "ü.example.com"} {
		if _, err := (tlsconf.Identity{Names: []string{name}}).Request(key); err == nil {
			t.Errorf("a request for %q: got no error", name)
		}
	}
}
