package tlsconf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// KeyTypes are the types of GenerateKey, the default first.
func KeyTypes() []string {
	return []string{"ecdsa-p256", "ecdsa-p384", "ed25519", "rsa2048", "rsa3072", "rsa4096"}
}

// GenerateKey makes a new private key of one of KeyTypes.
func GenerateKey(kind string) (crypto.Signer, error) {
	var key crypto.Signer
	var err error
	switch kind {
	case "ecdsa-p256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ecdsa-p384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "rsa2048":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "rsa3072":
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	case "rsa4096":
		key, err = rsa.GenerateKey(rand.Reader, 4096)
	default:
		return nil, fmt.Errorf("unknown type of key %q: use %s", kind, strings.Join(KeyTypes(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("making a TLS key: %w", err)
	}
	return key, nil
}

// KeyType says of what type and size a public key is, as GenerateKey's types are
// written.
func KeyType(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("rsa%d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ecdsa-" + strings.ToLower(strings.ReplaceAll(key.Curve.Params().Name, "-", ""))
	case ed25519.PublicKey:
		return "ed25519"
	}
	return "unknown"
}

// Identity is what a server's certificate, or the request for one, says of it.
type Identity struct {
	Names   []string  // DNS names and IP addresses, at least one
	Subject pkix.Name // for people; its common name is the first of Names where it has none
}

// Request returns a certification request (PKCS #10) in PEM. A DNS name may begin
// with "*.".
func (i Identity) Request(key crypto.Signer) ([]byte, error) {
	template := &x509.CertificateRequest{Subject: i.subject()}
	for _, name := range i.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if isDNSName(strings.TrimPrefix(name, "*.")) {
			template.DNSNames = append(template.DNSNames, name)
		} else {
			return nil, fmt.Errorf("making a request: %q is neither a host name nor an IP address", name)
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, fmt.Errorf("making a request for %q: %w", template.Subject.CommonName, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// SelfSigned makes a certificate, in PEM, signed by its own key, as the function
// SelfSigned does.
func (i Identity) SelfSigned(key crypto.Signer, now time.Time) ([]byte, error) {
	template := &x509.Certificate{
		Subject:     i.subject(),
		NotBefore:   now.Add(-backdating),
		NotAfter:    now.Add(-backdating).Add(serverLifetime),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range i.Names {
		switch ip := net.ParseIP(name); {
		case ip != nil:
			template.IPAddresses = append(template.IPAddresses, ip)
		case name == "localhost":
			template.DNSNames = append(template.DNSNames, name)
			template.IPAddresses = append(template.IPAddresses, net.IPv4(127, 0, 0, 1), net.IPv6loopback)
		case isDNSName(name):
			template.DNSNames = append(template.DNSNames, name)
		default:
			return nil, fmt.Errorf("making a certificate: %q is neither a host name nor an IP address", name)
		}
	}
	template.IPAddresses = slices.CompactFunc(template.IPAddresses, net.IP.Equal)
	return sign(template, key)
}

// subject is the subject with a common name: verifiers go by the alternative names.
func (i Identity) subject() pkix.Name {
	s := i.Subject
	if s.CommonName == "" && len(i.Names) > 0 {
		s.CommonName = i.Names[0]
	}
	if len(s.CommonName) > maxCommonName {
		s.CommonName = "keytrustee"
	}
	return s
}

// sign has key sign a certificate for itself; CreateCertificate gives it a random
// serial number of 159 bits.
func sign(template *x509.Certificate, key crypto.Signer) ([]byte, error) {
	template.KeyUsage = x509.KeyUsageDigitalSignature
	if _, ok := key.(*rsa.PrivateKey); ok {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	template.BasicConstraintsValid = true
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate for %q: %w", template.Subject.CommonName, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), nil
}
