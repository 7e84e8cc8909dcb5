package main

import (
	"crypto/tls"
	"strings"
	"time"

	"github.com/ktsd/ktsd/internal/ciphers"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// warn tells the log what works and is not as it should be.
func (k *ktsd) warn(s *settings) {
	for _, w := range tlsconf.Warnings(s.certificate, s.hostname, time.Now()) {
		k.log.Warn(w.Text, "kind", w.Kind, "certificate", s.certFile, "not_after", s.leaf().NotAfter)
	}
	if s.tls.MinVersion < tls.VersionTLS12 {
		k.log.Warn("TLS_MIN_VERSION lets versions of TLS in that are retired (RFC 8996)", "tls_min_version", s.minVersion)
	}
	k.warnOfCiphers(s)
}

// warnOfCiphers tells what SSL_CIPHERS has that does nothing, or is insecure. Under a
// floor of TLS 1.3 no suite of it is ever used.
func (k *ktsd) warnOfCiphers(s *settings) {
	for _, w := range s.suites.Warnings {
		k.log.Warn("SSL_CIPHERS", "kind", string(w.Kind), "term", w.Term, "text", w.Text)
	}
	if len(s.suites.LeftOut) > 0 {
		k.log.Info("insecure cipher suites of SSL_CIPHERS are left out, since it does not name them", "suites", suiteNames(s.suites.LeftOut))
	}
	if !s.suited() {
		k.log.Warn("no cipher suite of SSL_CIPHERS works with the server's key, so only clients with TLS 1.3 can connect", "suites", suiteNames(s.suites.Suites))
	}
}

// suited says whether a suite works with the server's key, or none is needed.
func (s *settings) suited() bool {
	return s.tls.MinVersion >= tls.VersionTLS13 || tlsconf.ServesKey(s.suites.Suites, s.leaf())
}

// suiteNames returns suites as a cipher string.
func suiteNames(suites []uint16) string {
	all := make([]string, len(suites))
	for i, id := range suites {
		all[i] = ciphers.Name(id)
	}
	return strings.Join(all, ":")
}
