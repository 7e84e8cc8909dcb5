package tlsconf

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
)

// SpeaksHTTP2 says whether the connection that hello begins can be one of HTTP/2,
// which refuses versions before TLS 1.2, and with that the suites without ephemeral
// keys or AEAD (RFC 9113, section 9.2 and appendix A). Such a client is to be offered
// HTTP/1.1 alone, since over HTTP/2 its connection would be closed. The server has
// these suites, nil for Go's own choice, and the certificate leaf.
func SpeaksHTTP2(hello *tls.ClientHelloInfo, suites []uint16, leaf *x509.Certificate) bool {
	if slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
		return true
	}
	return slices.Contains(hello.SupportedVersions, tls.VersionTLS12) && slices.ContainsFunc(http2Suites(leaf), func(id uint16) bool {
		return slices.Contains(hello.CipherSuites, id) && (suites == nil || slices.Contains(suites, id))
	})
}

// http2Suites returns the suites of TLS 1.2 that Go prefers to all others and HTTP/2
// takes, by the server's key.
func http2Suites(leaf *x509.Certificate) []uint16 {
	switch leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return []uint16{
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		}
	}
	return nil
}

// ServesKey says whether one of these suites, nil for Go's own choice, works with the
// key of leaf. Without one ktsd speaks TLS 1.3 alone, whose suites work with any key.
func ServesKey(suites []uint16, leaf *x509.Certificate) bool {
	_, isRSA := leaf.PublicKey.(*rsa.PublicKey)
	return suites == nil || slices.ContainsFunc(suites, func(id uint16) bool { return isECDSA(id) != isRSA })
}

// isECDSA says whether a suite is for ECDSA and Ed25519 keys; all others are for RSA.
func isECDSA(id uint16) bool { return strings.HasPrefix(tls.CipherSuiteName(id), "TLS_ECDHE_ECDSA_") }
