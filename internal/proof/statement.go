package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Statement is the text by which a server says which TLS key it has: the server
// signs exactly these bytes in the clear with its OpenPGP key, and a client that
// knows the OpenPGP key's fingerprint knows the connection's other end by it.
//
//	ktsd-tls-key/1
//	server: 40 hex digits, the fingerprint of the server's OpenPGP key
//	key: 64 hex digits, SHA-256 of the TLS key's SubjectPublicKeyInfo
//	not-before: RFC 3339 in UTC, seconds
//	not-after: RFC 3339 in UTC, seconds
//
// Each line ends with a line feed. It expires, so that it is of no use for long to
// whoever took a TLS key that the server has no longer.
type Statement struct {
	Server    string
	Key       [sha256.Size]byte
	NotBefore time.Time
	NotAfter  time.Time
}

// Text returns the text.
func (s Statement) Text() []byte {
	return fmt.Appendf(nil, "ktsd-tls-key/1\nserver: %s\nkey: %x\nnot-before: %s\nnot-after: %s\n",
		s.Server, s.Key, s.NotBefore.UTC().Format(time.RFC3339), s.NotAfter.UTC().Format(time.RFC3339))
}

// errNotStatement says what a text is not.
var errNotStatement = errors.New("it is not a statement over a TLS key, or one of a later version")

// ParseStatement reads the text of a statement. It takes the bytes that Text makes
// and no others.
func ParseStatement(text []byte) (Statement, error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) != 6 {
		return Statement{}, errNotStatement
	}
	value := func(line int, name string) string {
		v, _ := strings.CutPrefix(lines[line], name+": ")
		return v
	}
	s := Statement{Server: value(1, "server")}
	key, err := hex.DecodeString(value(2, "key"))
	if err != nil || len(key) != len(s.Key) || !isFingerprint(s.Server) {
		return Statement{}, errNotStatement
	}
	copy(s.Key[:], key)
	if s.NotBefore, err = time.Parse(time.RFC3339, value(3, "not-before")); err != nil {
		return Statement{}, errNotStatement
	}
	if s.NotAfter, err = time.Parse(time.RFC3339, value(4, "not-after")); err != nil {
		return Statement{}, errNotStatement
	}
	if !bytes.Equal(text, s.Text()) {
		return Statement{}, errNotStatement
	}
	return s, nil
}

// isFingerprint tells whether text is 40 upper-case hex digits.
func isFingerprint(text string) bool {
	return len(text) == 40 && strings.Trim(text, "0123456789ABCDEF") == ""
}

// Check says why the statement is not worth anything at the time now about this
// key of the server with the fingerprint.
func (s Statement) Check(server string, key [sha256.Size]byte, now time.Time) error {
	switch {
	case s.Server != server:
		return fmt.Errorf("its statement is one of server %s", s.Server)
	case s.Key != key:
		return errors.New("its statement is over another TLS key than the one that it has")
	case now.Before(s.NotBefore):
		return fmt.Errorf("its statement holds from %s on only: check the clocks of both hosts", s.NotBefore.Format(time.RFC3339))
	case !now.Before(s.NotAfter):
		return fmt.Errorf("its statement ended at %s: check the clocks of both hosts", s.NotAfter.Format(time.RFC3339))
	}
	return nil
}
