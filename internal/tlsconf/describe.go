package tlsconf

import (
	"crypto/x509"
	"fmt"
)

// ReadCertificate reads the first certificate of a PEM file. The error is as that of
// LoadPair.
func ReadCertificate(file string) (*x509.Certificate, error) {
	data, _, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	pair, err := parseCertificates(data)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate %s: %w", file, err)
	}
	return pair.Leaf, nil
}
