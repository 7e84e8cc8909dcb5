package tlsconf_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/tlsconf"
)

// leaves are certificates' keys of each kind.
func leaves(t *testing.T) map[string]*x509.Certificate {
	t.Helper()
	all := map[string]*x509.Certificate{}
	add := func(name string, public crypto.PublicKey, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &x509.Certificate{PublicKey: public}
	}
	onRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	add("RSA", onRSA.Public(), err)
	onECDSA, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	add("ECDSA", onECDSA.Public(), err)
	onEd25519, _, err := ed25519.GenerateKey(rand.Reader)
	add("Ed25519", onEd25519, err)
	return all
}

// TestSpeaksHTTP2: TLS 1.3 always, TLS 1.2 with a suite that HTTP/2 takes and the key
// works with, older versions never.
func TestSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	const gcmRSA, gcmECDSA, cbc = tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA
	all := []uint16{gcmRSA, gcmECDSA, cbc}
	for _, c := range []struct {
		version         uint16
		offered, suites []uint16
		want            string // keys
	}{
		{tls.VersionTLS13, []uint16{tls.TLS_AES_128_GCM_SHA256}, []uint16{cbc}, "RSA ECDSA Ed25519"},
		{tls.VersionTLS12, all, nil, "RSA ECDSA Ed25519"},
		{tls.VersionTLS12, all, []uint16{gcmRSA, cbc}, "RSA"},
		{tls.VersionTLS12, all, []uint16{gcmECDSA}, "ECDSA Ed25519"},
		{tls.VersionTLS12, []uint16{gcmECDSA, cbc}, nil, "ECDSA Ed25519"},
		{tls.VersionTLS12, []uint16{cbc}, nil, ""},
		{tls.VersionTLS12, all, []uint16{cbc}, ""},
		{tls.VersionTLS11, all, nil, ""},
		{tls.VersionTLS10, all, nil, ""},
	} {
		for key, leaf := range leaves(t) {
			hello := &tls.ClientHelloInfo{SupportedVersions: []uint16{c.version}, CipherSuites: c.offered}
			want := contains(c.want, key)
			if got := tlsconf.SpeaksHTTP2(hello, c.suites, leaf); got != want {
				t.Errorf("%s key, %s, offered %04x of %04x: got %t, want %t", key, tls.VersionName(c.version), c.offered, c.suites, got, want)
			}
		}
	}
}

func TestServesKey(t *testing.T) {
	t.Parallel()
	const onRSA, onECDSA = tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA
	for _, c := range []struct {
		suites []uint16
		want   string // keys
	}{
		{nil, "RSA ECDSA Ed25519"}, {[]uint16{onRSA}, "RSA"}, {[]uint16{onECDSA}, "ECDSA Ed25519"}, {[]uint16{onRSA, onECDSA}, "RSA ECDSA Ed25519"},
	} {
		for key, leaf := range leaves(t) {
			if got := tlsconf.ServesKey(c.suites, leaf); got != contains(c.want, key) {
				t.Errorf("%s key, %04x: got %t, want %t", key, c.suites, got, !got)
			}
		}
	}
}

// contains says whether a word is in a list of words.
func contains(list, word string) bool { return slices.Contains(strings.Fields(list), word) }
