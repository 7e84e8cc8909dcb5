package tlsconf_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/tlsconf"
)

// TestIsSelfSigned: what counts is the key that signed, and not the names.
func TestIsSelfSigned(t *testing.T) {
	t.Parallel()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	named := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		}
	}
	for _, c := range []struct {
		issuer string
		signer *ecdsa.PrivateKey
		want   bool
	}{
		{"kts01", own, true}, {"kts01", other, false}, {"CA", own, false}, {"CA", other, false},
	} {
		der, err := x509.CreateCertificate(rand.Reader, named("kts01"), named(c.issuer), own.Public(), c.signer)
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if got := tlsconf.IsSelfSigned(certificate); got != c.want {
			t.Errorf("issued by %s, with its own key: %t: got %t, want %t", c.issuer, c.signer == own, got, c.want)
		}
	}
}
