package tlsconf_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/tlsconf"
)

func TestSelfSigned(t *testing.T) {
	now := time.Now()
	long := strings.Repeat("a", 40) + "." + strings.Repeat("b", 40) + ".example.com"
	for _, test := range []struct {
		hostname string
		valid    []string // names it has to verify for
		invalid  []string
	}{
		{"kts01.example.com", []string{"kts01.example.com", "KTS01.example.com"}, []string{"kts02.example.com", "localhost", "127.0.0.1"}},
		{"localhost", []string{"localhost", "127.0.0.1", "::1"}, []string{"127.0.0.2", "example.com"}},
		{"192.0.2.7", []string{"192.0.2.7"}, []string{"192.0.2.8", "localhost"}},
		{"2001:db8::7", []string{"2001:db8::7", "2001:db8:0::7"}, []string{"::1"}},
		{long, []string{long}, []string{"keytrustee"}},
	} {
		certPEM, keyPEM, err := tlsconf.SelfSigned(test.hostname, now)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AddCert(pair.Leaf)
		for _, name := range test.valid {
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name}); err != nil {
				t.Errorf("SelfSigned(%q) does not verify for %s: %v", test.hostname, name, err)
			}
		}
		for _, name := range test.invalid {
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name}); err == nil {
				t.Errorf("SelfSigned(%q) verifies for %s", test.hostname, name)
			}
		}
		if pair.Leaf.IsCA {
			t.Errorf("SelfSigned(%q) is a CA", test.hostname)
		}
		if got, want := pair.Leaf.NotAfter.Sub(pair.Leaf.NotBefore), 825*24*time.Hour; got != want {
			t.Errorf("SelfSigned(%q) is valid for %v, want %v", test.hostname, got, want)
		}
		if pair.Leaf.NotBefore.After(now.Add(-time.Hour)) {
			t.Errorf("SelfSigned(%q) is valid from %v, want an hour of tolerance at least", test.hostname, pair.Leaf.NotBefore)
		}
	}
}

func TestSelfSignedRefuses(t *testing.T) {
	for _, hostname := range []string{"", ".", "a..b", "-a", "a-", "a b", "a/b", "*.example.com", "ü.example.com", "fe80::1%eth0",
		"example.com.", "a\n", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a"} {
		if _, _, err := tlsconf.SelfSigned(hostname, time.Now()); err == nil {
			t.Errorf("SelfSigned(%q): no error", hostname)
		}
	}
}

func TestSerialNumbersDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 8 {
		certPEM, keyPEM, err := tlsconf.ClientCertificate("web-1")
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		if err != nil {
			t.Fatal(err)
		}
		seen[pair.Leaf.SerialNumber.String()] = true
		if got := pair.Leaf.SerialNumber.BitLen(); got < 100 {
			t.Errorf("a serial number has %d bits, want a random one of 128 or more", got)
		}
	}
	if len(seen) != 8 {
		t.Errorf("8 certificates have %d serial numbers", len(seen))
	}
}

func TestClientCertificate(t *testing.T) {
	certPEM, keyPEM, err := tlsconf.ClientCertificate("web-1")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, pair.Leaf.ExtKeyUsage); diff != "" {
		t.Errorf("extended key usage (-want +got):\n%s", diff)
	}
	if got := pair.Leaf.Subject.CommonName; got != "web-1" {
		t.Errorf("common name = %q, want web-1", got)
	}
	if got := pair.Leaf.NotAfter.Year(); got != 9999 {
		t.Errorf("it expires in %d, want 9999", got)
	}
	for _, name := range []string{"", strings.Repeat("a", 65)} {
		if _, _, err := tlsconf.ClientCertificate(name); err == nil {
			t.Errorf("ClientCertificate(%q): no error", name)
		}
	}
}
