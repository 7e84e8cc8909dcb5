package main

import (
	"crypto/tls"

	"github.com/ktsd/ktsd/internal/tlsconf"
)

// sealSessions has the sessions that clients keep sealed by keys of these settings'
// own, which crypto/tls makes and replaces every day. Without it they would be those of
// the listener's configuration, which outlive every reload.
func (s *settings) sealSessions() {
	s.sessions = &tls.Config{MinVersion: s.tls.MinVersion}
	for _, config := range []*tls.Config{s.tls, s.http1} {
		config.WrapSession = func(cs tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
			return s.sessions.EncryptTicket(cs, session)
		}
		config.UnwrapSession = func(identity []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
			return s.sessions.DecryptTicket(identity, cs)
		}
	}
}

// goOnFrom lets the sessions of earlier settings be resumed, if the server's key is the
// same: who resumes is shown no certificate, and would not learn of another key. It is
// called before s is in use.
func (s *settings) goOnFrom(earlier *settings) {
	if tlsconf.KeyHash(s.leaf()) == tlsconf.KeyHash(earlier.leaf()) {
		s.sessions = earlier.sessions
	}
}
