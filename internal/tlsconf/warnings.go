package tlsconf

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// ExpiryWarning is how long before its end a certificate is warned of.
const ExpiryWarning = 30 * 24 * time.Hour

// WarningKind names what a Warning is about.
type WarningKind string

// What a server's certificate is warned of.
const (
	WarnExpired      WarningKind = "expired"
	WarnExpiresSoon  WarningKind = "expires_soon"  // within ExpiryWarning
	WarnNotYetValid  WarningKind = "not_yet_valid" // it begins later
	WarnNameMismatch WarningKind = "name_mismatch" // it is not for the server's name
	WarnSelfSigned   WarningKind = "self_signed"   // clients know it only where they were given it
)

// Warning is something about a certificate that works, or once worked, and that
// somebody has to know.
type Warning struct {
	Kind WarningKind `json:"kind"`
	Text string      `json:"text"` // for people: a clause, without a full stop
}

// Warnings returns what is to be said of a server's certificate at a time, the worst
// first: hostname is the name by which clients reach the server.
func Warnings(pair *tls.Certificate, hostname string, now time.Time) []Warning {
	var all []Warning
	warn := func(kind WarningKind, format string, args ...any) {
		all = append(all, Warning{kind, fmt.Sprintf(format, args...)})
	}
	leaf := pair.Leaf
	switch day := leaf.NotAfter.UTC().Format(time.DateOnly); {
	case now.After(leaf.NotAfter):
		warn(WarnExpired, "the certificate has expired, on %s: clients refuse the server", day)
	case leaf.NotAfter.Sub(now) < ExpiryWarning:
		warn(WarnExpiresSoon, "the certificate expires in %d days, on %s", DaysLeft(leaf, now), day)
	}
	if now.Before(leaf.NotBefore) {
		warn(WarnNotYetValid, "the certificate is not valid before %s: clients refuse the server", leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	if leaf.VerifyHostname(hostname) != nil {
		warn(WarnNameMismatch, "the certificate is not for %s, the name by which clients reach this server", hostname)
	}
	if IsSelfSigned(leaf) {
		warn(WarnSelfSigned, "the certificate is self-signed: every client has to be given it, and its successor")
	}
	return all
}

// DaysLeft is how many whole days a certificate is still valid; less than 0 once it
// has expired.
func DaysLeft(certificate *x509.Certificate, now time.Time) int {
	left := certificate.NotAfter.Sub(now)
	days := int(left / (24 * time.Hour))
	if left < 0 {
		days--
	}
	return days
}

// IsSelfSigned says whether a certificate is signed by its own key, so that no CA
// vouches for it. Of one with a signature that Go verifies no more (SHA-1) the names
// are taken to tell.
func IsSelfSigned(certificate *x509.Certificate) bool {
	if !bytes.Equal(certificate.RawIssuer, certificate.RawSubject) {
		return false
	}
	err := certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature)
	_, old := errors.AsType[x509.InsecureAlgorithmError](err)
	return err == nil || old
}
