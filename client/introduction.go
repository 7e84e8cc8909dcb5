package client

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/proof"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// maxIntroduction is what is read of a public key or a statement at most, in bytes.
const maxIntroduction = 128 << 10

// errAnotherKey is a server that changes its TLS key while it is asked. One whose
// certificate was replaced in that moment does so once.
var errAnotherKey = errors.New("its statement is over another TLS key than the one that it shows")

// introduction asks the server with a TLS key who it is: for its OpenPGP key and its
// statement over the TLS key. What it sends is public, and it shows no certificate
// of ours. What comes back is true of the one who has that OpenPGP key; whether this
// is the server that is meant is for the caller to find out.
func introduction(ctx context.Context, server string, key [sha256.Size]byte) (*pgp.PublicKey, proof.Statement, error) {
	var none proof.Statement
	c := newHTTPClient(tlsconf.Pinned(nil, func(k [sha256.Size]byte) bool { return k == key }))
	defer c.CloseIdleConnections()
	stranger := &remote{servers: []string{server}, http: c, maxAnswer: maxIntroduction}

	armored, err := stranger.askRoot(ctx, "pubkey")
	if err != nil {
		return nil, none, err
	}
	signed, err := stranger.askRoot(ctx, "statement")
	if err != nil {
		return nil, none, err
	}
	now := time.Now()
	public, err := pgp.ParsePublicKey(armored, now)
	if err != nil {
		return nil, none, err
	}
	text, err := public.VerifyClearsigned(signed, now)
	if err != nil {
		return nil, none, err
	}
	statement, err := proof.ParseStatement(text)
	if err != nil {
		return nil, none, err
	}
	if statement.Key != key {
		return nil, none, errAnotherKey
	}
	return public, statement, statement.Check(public.Fingerprint(), key, now)
}

// askRoot asks one of the questions that a Key Trustee server answers to everybody.
func (r *remote) askRoot(ctx context.Context, what string) ([]byte, error) {
	a, err := r.send(ctx, http.MethodGet, "/", url.Values{"a": {what}}, nil)
	switch {
	case err == nil || errors.Is(err, fault.Unavailable):
		return a.body, err
	case errors.Is(err, fault.Untrusted):
		return nil, errAnotherKey
	}
	return nil, fmt.Errorf("it does not answer /?a=%s: %w", what, err)
}

// errStranger refuses a server that did not say who it is, or is another one.
func errStranger(server string, seen *x509.Certificate, reason error) error {
	return fault.New(fault.Untrusted, "%s could not be authenticated, and nothing was sent to it but the question who it is: %v\n"+
		"the SHA-256 fingerprint of the certificate it showed is\n%s", server, reason, tlsconf.CertificateFingerprint(seen)).
		WithHint("is it the server that is meant, and nothing in between that reads along? " +
			"Its operator: see what curl and gpg make of /?a=pubkey and /?a=statement")
}

// errUnknown refuses a server that nobody vouches for, with what it says of itself
// for a person to compare.
func errUnknown(server string, seen *x509.Certificate, reason error, says string) error {
	return fault.New(fault.Untrusted, "%s could not be authenticated, and nothing was sent to it but the question who it is: %v\n"+
		"the SHA-256 fingerprint of the certificate it showed is\n%s\nthe fingerprint of its OpenPGP key is, as it says itself,\n%s",
		server, reason, tlsconf.CertificateFingerprint(seen), says).
		WithHint("compare the last with what the server's own host says (gpg --show-keys pubring.gpg in its configuration directory, or "+
			"curl -k 'https://localhost:11371/?a=fingerprint' there), and register with --fingerprint %s; or compare the certificate's "+
			"(openssl x509 -noout -fingerprint -sha256 -in .ssl/ssl-cert-keytrustee.pem), bring that file here, and register with --ca FILE", says)
}
