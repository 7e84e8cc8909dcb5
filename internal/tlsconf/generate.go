package tlsconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
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
	template := &x509.Certificate{
		NotBefore:   now.Add(-backdating),
		NotAfter:    now.Add(-backdating).Add(serverLifetime),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	switch ip := net.ParseIP(hostname); {
	case ip != nil:
		template.IPAddresses = []net.IP{ip}
	case hostname == "localhost":
		template.DNSNames = []string{hostname}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	case isDNSName(hostname):
		template.DNSNames = []string{hostname}
	default:
		return nil, nil, fmt.Errorf("making a certificate: %q is neither a host name nor an IP address", hostname)
	}
	template.Subject.CommonName = hostname
	if len(hostname) > maxCommonName {
		template.Subject = pkix.Name{CommonName: "keytrustee"} // verifiers go by the alternative names
	}
	return create(template)
}

// ClientCertificate makes the certificate a client shows, with a new ECDSA
// P-256 key, both in PEM. The common name, 1 to 64 characters, is for people;
// the server knows the certificate by its key. It never expires.
func ClientCertificate(commonName string) (certPEM, keyPEM []byte, err error) {
	if n := len([]rune(commonName)); n < 1 || n > maxCommonName {
		return nil, nil, fmt.Errorf("making a client certificate: the name has %d characters, want 1 to %d", n, maxCommonName)
	}
	return create(&x509.Certificate{
		Subject:     pkix.Name{CommonName: commonName},
		NotBefore:   time.Now().Add(-backdating),
		NotAfter:    endOfTime(),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// create signs template with a new key, and CreateCertificate gives it a random
// serial number of 159 bits.
func create(template *x509.Certificate) (certPEM, keyPEM []byte, err error) {
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a TLS key: %w", err)
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("making a certificate for %q: %w", template.Subject.CommonName, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, errors.New("encoding a TLS key")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
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
