package tlsconf

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
)

// maxRSA bounds an RSA key, in bits, as crypto/tls does: a larger one takes
// seconds to verify.
const maxRSA = 8192

// RequestKey returns the hash of the key of a certification request (PKCS #10, RFC
// 2986; one PEM block), whose signature proves that whoever made it has the
// private key. Nothing else of it counts.
func RequestKey(block []byte) ([sha256.Size]byte, error) {
	var none [sha256.Size]byte
	p, rest := pem.Decode(block)
	if p == nil || p.Type != "CERTIFICATE REQUEST" && p.Type != "NEW CERTIFICATE REQUEST" {
		return none, errors.New("it is not a certification request in PEM")
	}
	if len(rest) > 0 {
		if another, _ := pem.Decode(rest); another != nil {
			return none, errors.New("it is more than one PEM block")
		}
	}
	request, err := x509.ParseCertificateRequest(p.Bytes)
	if err != nil {
		return none, errors.New("it is not a certification request that can be read (PKCS #10)")
	}
	if key, ok := request.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSA {
		return none, errors.New("its RSA key is too large")
	}
	if err := request.CheckSignature(); err != nil {
		return none, errors.New("its signature is not that of its key")
	}
	return sha256.Sum256(request.RawSubjectPublicKeyInfo), nil
}

// NewRequest returns a certification request of a certificate's key.
func NewRequest(subject string, key any) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: subject}}, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}
