// Package ciphers reads OpenSSL's cipher strings over the cipher suites that Go has,
// up to TLS 1.2. The notation is that of the manual page ciphers(1) of OpenSSL 3,
// and where the page is silent, of what "openssl ciphers" prints.
//
// It refuses strings that OpenSSL refuses, and those that leave no suite. What
// OpenSSL passes over in silence, such as a word that nobody knows, is in the result
// as a warning. It does no I/O, and it does not configure TLS 1.3, whose suites are
// fixed in Go.
package ciphers

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
)

// MaxLength bounds a cipher string, in bytes.
const MaxLength = 4096

// Result is what a cipher string says.
type Result struct {
	// Suites are in OpenSSL's order of preference. Nil, of the empty string alone:
	// the platform's default, which is Go's. In a handshake Go takes its own order
	// and not this one (crypto/tls, Config.CipherSuites).
	Suites []uint16

	// LeftOut are those that the string has in OpenSSL, and Go calls insecure
	// (tls.InsecureCipherSuites), and it does not name. In the same order.
	LeftOut []uint16

	Warnings []Warning // in the order of the string, those of insecure suites last
}

// Kind tells what a warning is about.
type Kind string

// The kinds of warnings.
const (
	NotAvailable Kind = "not_available" // OpenSSL knows the term, Go has no suite that it stands for
	Unknown      Kind = "unknown"       // nobody knows the term
	NoEffect     Kind = "no_effect"     // the term is known and does nothing, at its place or at all
	Fixed        Kind = "fixed"         // the term is about TLS 1.3
	Insecure     Kind = "insecure"      // the term is a suite that is in, and insecure
)

// Warning is what an operator wants to know of a string that works.
type Warning struct {
	Kind Kind
	Term string // of the string, with its "!", "-" or "+"; or the OpenSSL name of a suite
	Text string // what is the matter with it
}

// String returns term and text, with a colon between.
func (w Warning) String() string { return w.Term + ": " + w.Text }

// Parse reads a cipher string. The empty one is the platform's default.
//
// A suite that Go calls insecure is in only if it is named: by its own name, in
// OpenSSL's form or in the standard's, or by words of the terms that add it which
// name all that is insecure about it: kRSA or RSA for its key exchange, RC4, 3DES,
// and SHA256 for CBC with that hash. Words that stand for it as well as for others,
// such as ALL, DEFAULT, HIGH, AES256 or TLSv1.2, do not name it. So AES256 has no
// suite with RSA key exchange here, and "AES256+kRSA" and "AES256:kRSA" have.
//
// Where a term excludes ("!", "-") or reorders ("+") what Go does not have there is no
// warning of that: there is nothing left to do. The security level (@SECLEVEL=n)
// has no effect here, which is a warning: the floor of versions is set elsewhere.
//
// The error is for what OpenSSL calls an invalid command, for a string that leaves no
// suite, and for one of more than MaxLength bytes.
func Parse(s string) (Result, error) {
	if s == "" {
		return Result{}, nil
	}
	if len(s) > MaxLength {
		return Result{}, fmt.Errorf("the cipher string has %d bytes; at most %d are read", len(s), MaxLength)
	}
	p := newParser()
	if err := p.read(s); err != nil {
		return Result{}, err
	}
	result := Result{Warnings: p.warnings}
	var insecure []Warning
	for _, m := range p.list {
		if !m.active {
			continue
		}
		if weak := m.weaknesses(); weak&^m.named != 0 {
			result.LeftOut = append(result.LeftOut, m.id)
			continue
		} else if weak != 0 {
			insecure = append(insecure, Warning{Insecure, m.name, "insecure: " + weak.String()})
		}
		result.Suites = append(result.Suites, m.id)
	}
	result.Warnings = append(result.Warnings, insecure...)
	if len(result.Suites) == 0 {
		return Result{}, nothingLeft(result)
	}
	return result, nil
}

// nothingLeft tells why there is no suite.
func nothingLeft(r Result) error {
	if len(r.LeftOut) > 0 {
		return fmt.Errorf("the cipher string leaves only suites that are insecure, such as %s: name those that are to be used", Name(r.LeftOut[0]))
	}
	if len(r.Warnings) == 0 {
		return errors.New("the cipher string leaves no cipher suite")
	}
	says := make([]string, len(r.Warnings))
	for i, w := range r.Warnings {
		says[i] = w.String()
	}
	return fmt.Errorf("the cipher string leaves no cipher suite: %s", strings.Join(says, "; "))
}

// Name returns the OpenSSL name of a suite that Go has; the standard's name of one of
// TLS 1.3, which OpenSSL uses too, and of any other one.
func Name(id uint16) string {
	for _, s := range suites() {
		if s.id == id {
			return s.name
		}
	}
	return tls.CipherSuiteName(id)
}
