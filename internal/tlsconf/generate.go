package tlsconf

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"strings"
	"time"
)

const (
	// serverLifetime is the longest that Apple's systems take in a server's
	// certificate from anybody's own CA (support.apple.com/103769); others take
	// more. Longer is better here: who trusts this very certificate has to be
	// given the next one.
	serverLifetime = 825 * 24 * time.Hour
	// backdating lets clients in whose clocks are behind.
	backdating = 24 * time.Hour
	// maxCommonName is X.520's ub-common-name, in characters.
	maxCommonName = 64
)

// endOfTime is the date of a certificate that does not expire (RFC 5280,
// section 4.1.2.5).
func endOfTime() time.Time { return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }

// SelfSigned makes the certificate of a server that has none from a CA, with a
// new ECDSA P-256 key, both in PEM. It names hostname, a DNS name or an IP
// address; "localhost" brings 127.0.0.1 and ::1 along. It is valid for 825 days
// from a day before now, and serves as its own trust anchor: clients verify the
// server by giving this file as the CA. It cannot sign other certificates.
func SelfSigned(hostname string, now time.Time) (certPEM, keyPEM []byte, err error) {
	key, err := GenerateKey(KeyTypes()[0])
	if err != nil {
		return nil, nil, err
	}
	if certPEM, err = (Identity{Names: []string{hostname}}).SelfSigned(key, now); err != nil {
		return nil, nil, err
	}
	keyPEM, err = MarshalKey(key, nil)
	return certPEM, keyPEM, err
}

// ClientCertificate makes the certificate a client shows, with a new ECDSA
// P-256 key, both in PEM. The common name, 1 to 64 characters, is for people;
// the server knows the certificate by its key. It never expires.
func ClientCertificate(commonName string) (certPEM, keyPEM []byte, err error) {
	if n := len([]rune(commonName)); n < 1 || n > maxCommonName {
		return nil, nil, fmt.Errorf("making a client certificate: the name has %d characters, want 1 to %d", n, maxCommonName)
	}
	key, err := GenerateKey(KeyTypes()[0])
	if err != nil {
		return nil, nil, err
	}
	certPEM, err = sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: commonName},
		NotBefore:   time.Now().Add(-backdating),
		NotAfter:    endOfTime(),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, key)
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err = MarshalKey(key, nil)
	return certPEM, keyPEM, err
}

// isDNSName says whether name can be a host's name in a certificate: labels of
// letters, digits, hyphens and underscores, at most 253 characters.
func isDNSName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) < 1 || len(label) > 63 || strings.Trim(label, "-") != label {
			return false
		}
		for _, c := range label {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
