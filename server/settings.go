package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/ciphers"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// settings are what ktsd works with until the next reload: keytrustee.conf with
// its defaults, and what it names, loaded.
type settings struct {
	hostname       string // by which clients reach the server
	listen         string // as it was configured
	addresses      []string
	minVersion     string
	ciphers        string
	certFile       string
	keyFile        string
	chainFile      string
	passwordScript string // it may hold a password
	certificate    *tls.Certificate
	suites         ciphers.Result
	tls            *tls.Config
	http1          *tls.Config // tls, without HTTP/2
	sessions       *tls.Config // for the keys that seal the sessions of both
	limits         bounds.Limits
	audit          bounds.Audit
}

// settingsOf loads everything that a reload can change: what conf, read from file, says
// and names. An error changes nothing.
func settingsOf(dir confdir.Dir, file string, conf confdir.Conf) (*settings, error) {
	s := &settings{
		listen:         or(conf.Listen, confdir.DefaultListen),
		minVersion:     or(conf.TLSMinVersion, confdir.DefaultTLSMinVersion),
		ciphers:        conf.Ciphers,
		certFile:       or(conf.Certificate, dir.Certificate()),
		keyFile:        or(conf.PrivateKey, dir.PrivateKey()),
		chainFile:      or(conf.CAChain, dir.CertificateChain()),
		passwordScript: conf.PasswordScript,
		limits:         conf.LimitsInForce(),
		audit:          conf.AuditInForce(),
	}
	var err error
	if s.addresses, err = names.ParseListen(s.listen); err != nil {
		return nil, fmt.Errorf("%s: LISTEN: %w", file, err)
	}
	if s.hostname = conf.ServerHostname; s.hostname == "" {
		if s.hostname, err = conf.Node(); err != nil {
			return nil, err
		}
	}
	floor, err := tlsconf.ParseVersion(s.minVersion)
	if err != nil {
		return nil, fmt.Errorf("%s: TLS_MIN_VERSION: %w", file, err)
	}
	if s.suites, err = ciphers.Parse(s.ciphers); err != nil {
		return nil, fmt.Errorf("%s: SSL_CIPHERS: %w", file, err)
	}
	if conf.CAChain != "" { // LoadServer does without the default one
		if _, err := os.Stat(s.chainFile); err != nil {
			return nil, fmt.Errorf("%s: SSL_CA_CHAIN: %w", file, err)
		}
	}
	if s.certificate, err = s.files(dir).LoadServer(); err != nil {
		return nil, fault.New(fault.Invalid, "the TLS certificate cannot be used").Because(err).
			WithHint("have the certificate and the key that it was made for, in PEM, in the two files (keytrustee.conf may name others: SSL_CERTIFICATE, SSL_PRIVATE_KEY)")
	}
	s.tls = tlsconf.Server(floor, s.suites.Suites, func() *tls.Certificate { return s.certificate })
	s.http1 = s.tls.Clone()
	s.tls.NextProtos, s.http1.NextProtos = []string{"h2", "http/1.1"}, []string{"http/1.1"}
	s.sealSessions()
	return s, nil
}

// files are those of the server's certificate.
func (s *settings) files(dir confdir.Dir) tlsconf.Files {
	return tlsconf.Files{
		Certificate: s.certFile, Key: s.keyFile, Chain: s.chainFile, PasswordScript: s.passwordScript, Owner: string(dir),
	}
}

// forClient returns the settings for the client that says hello.
func (s *settings) forClient(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if tlsconf.SpeaksHTTP2(hello, s.suites.Suites, s.leaf()) {
		return s.tls, nil
	}
	return s.http1, nil
}

// leaf is the server's own certificate.
func (s *settings) leaf() *x509.Certificate { return s.certificate.Leaf }

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
