package tlsconf

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// UnknownKeyError is a server with a TLS key that is not known.
type UnknownKeyError struct {
	Certificate *x509.Certificate // that it showed
}

// Error says so.
func (*UnknownKeyError) Error() string { return "its TLS key is not known" }

// Pinned returns the settings of a client that knows the server by its TLS key
// alone: the handshake ends with an *UnknownKeyError, before a certificate of ours
// or anything else is sent, unless known says that it knows the key. TLS has the
// server prove that it has the key. Names, dates and signatures of its certificate
// play no part, as in the server's look at the certificates of clients.
//
// This is the only place where Go's verification by names and roots is switched
// off: crypto/tls wants that of those who put their own in its place. Here it is
// VerifyConnection, which is asked at every handshake, also at one that resumes a
// session.
func Pinned(certificate *tls.Certificate, known func(key [sha256.Size]byte) bool) *tls.Config {
	config := Client(nil, certificate)
	config.InsecureSkipVerify = true
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server showed no certificate")
		}
		if leaf := state.PeerCertificates[0]; !known(KeyHash(leaf)) {
			return &UnknownKeyError{leaf}
		}
		return nil
	}
	return config
}
