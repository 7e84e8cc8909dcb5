// Package tlsconf holds the TLS settings of server and clients: versions,
// certificates made and loaded, and the names by which certificates are known.
//
// A client's certificate is known by its key alone: the server asks for one,
// TLS proves possession of the key, and whether chain and dates are in order
// plays no part. The server is always verified by the client, by certificates
// (Client) or by its key alone (Pinned); nothing here turns that off. Which keys
// are let in, on either side, is decided elsewhere.
package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// DefaultMinVersion is the TLS floor where the configuration names none, and
// that of every client.
const DefaultMinVersion = tls.VersionTLS12

// ParseVersion reads a TLS version as the configuration names it: tlsv1,
// tlsv1.1, tlsv1.2 or tlsv1.3.
func ParseVersion(name string) (uint16, error) {
	switch name {
	case "tlsv1":
		return tls.VersionTLS10, nil
	case "tlsv1.1":
		return tls.VersionTLS11, nil
	case "tlsv1.2":
		return tls.VersionTLS12, nil
	case "tlsv1.3":
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("unknown TLS version %q: use tlsv1, tlsv1.1, tlsv1.2 or tlsv1.3", name)
}

// Server returns the settings of a server that speaks minVersion and later, up to
// TLS 1.2 with these cipher suites alone (package ciphers); nil is Go's own choice. Their
// order does not count: in each handshake Go takes the best one in its own order that
// both sides and the key have. Those of TLS 1.3 are fixed in Go. It
// asks every client for a certificate and takes any or none: the handler finds
// it in tls.ConnectionState.PeerCertificates. The function certificate is asked
// at every handshake, so a reload changes what it returns, and open connections
// go on.
func Server(minVersion uint16, suites []uint16, certificate func() *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion: minVersion, CipherSuites: suites,
		ClientAuth: tls.RequestClientCert,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if cert := certificate(); cert != nil {
				return cert, nil
			}
			return nil, errors.New("no server certificate is loaded")
		},
	}
}

// Client returns the settings of a client that speaks DefaultMinVersion and
// later, verifies the server against roots (the system's where nil), and
// shows certificate where that is not nil.
func Client(roots *x509.CertPool, certificate *tls.Certificate) *tls.Config {
	config := &tls.Config{MinVersion: DefaultMinVersion, RootCAs: roots}
	if certificate != nil {
		config.Certificates = []tls.Certificate{*certificate}
	}
	return config
}
