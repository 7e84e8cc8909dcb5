package tlsconf

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// KeyHash returns the SHA-256 hash of a certificate's public key, in its form
// of SubjectPublicKeyInfo: what RFC 7469 calls a pin. A renewed certificate over
// the same key has the same one.
func KeyHash(certificate *x509.Certificate) [sha256.Size]byte {
	return sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
}

// CertificateFingerprint returns the SHA-256 fingerprint of a certificate as
// "openssl x509 -noout -fingerprint -sha256" prints it: 32 pairs of upper-case
// hex digits with colons between them.
func CertificateFingerprint(certificate *x509.Certificate) string {
	return colons(sha256.Sum256(certificate.Raw))
}

func colons(hash [sha256.Size]byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", hash[:]), " ", ":")
}

// UnverifiedPeer returns the server's certificate out of the error of a
// connection that ended because it could not be verified, or because its key is
// not known (UnknownKeyError), or nil. Nothing but the handshake has been sent by
// then, so its fingerprint can be shown to a person who is asked to compare it.
func UnverifiedPeer(err error) *x509.Certificate {
	if unknown, ok := errors.AsType[*UnknownKeyError](err); ok {
		return unknown.Certificate
	}
	var failed *tls.CertificateVerificationError
	if errors.As(err, &failed) && len(failed.UnverifiedCertificates) > 0 {
		return failed.UnverifiedCertificates[0]
	}
	return nil
}

// ChainFingerprint is CertificateFingerprint over all certificates that a server
// shows, one after another: that of its own where it shows no other.
func ChainFingerprint(pair *tls.Certificate) string {
	return colons(sha256.Sum256(bytes.Join(pair.Certificate, nil)))
}
