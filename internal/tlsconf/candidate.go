package tlsconf

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"
)

// minRSA is the least that an RSA key of a server has, in bits.
const minRSA = 2048

// Candidate is a certificate that is to become a server's.
type Candidate struct {
	Certificates []*x509.Certificate // the server's own and what leads to a root, in any order
	Key          crypto.Signer
	Hostname     string         // by which clients reach the server
	Roots        *x509.CertPool // nil: the system's
	UnknownRoot  bool           // the root need not be among Certificates or Roots
}

// Check returns the chain in its order, the server's own certificate first and
// without a root above it, and whatever is wrong at the time now, each in a clause.
func (c Candidate) Check(now time.Time) (chain []*x509.Certificate, wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	leaf, ok := c.leaf()
	if !ok {
		complain("the private key is not that of the certificate (%s)", name(leaf))
	}
	checkUse(leaf, complain)
	if err := leaf.VerifyHostname(c.Hostname); err != nil {
		complain("the certificate is for %s, and not for %s, the name by which clients reach this server", namesOf(leaf), c.Hostname)
	}
	chain, broken := c.chain(leaf, now)
	wrong = append(wrong, broken...)
	if n := len(chain); n > 1 && IsSelfSigned(chain[n-1]) {
		chain = chain[:n-1]
	}
	return chain, wrong
}

// leaf is the certificate of the key, or the first where there is none.
func (c Candidate) leaf() (_ *x509.Certificate, found bool) {
	public, ok := c.Key.Public().(interface{ Equal(crypto.PublicKey) bool })
	for _, certificate := range c.Certificates {
		if ok && public.Equal(certificate.PublicKey) {
			return certificate, true
		}
	}
	return c.Certificates[0], false
}

// chain returns the best of the chains, and what is wrong with it: the one with the
// least that is wrong, and of those the longest, which most clients can follow. Where
// certificates have an issuer several times, of another time or below another root,
// there is more than one.
func (c Candidate) chain(leaf *x509.Certificate, now time.Time) (best []*x509.Certificate, wrong []string) {
	for _, chain := range c.chains(leaf) {
		broken := c.checkChain(chain, now)
		if best == nil || len(broken) < len(wrong) || len(broken) == len(wrong) && len(chain) > len(best) {
			best, wrong = chain, broken
		}
	}
	return best, wrong
}

// maxSignatures bounds the signatures that are looked at for the chains of one
// certificate.
const maxSignatures = 1000

// chains follows the signatures from leaf for as long as their issuers are there, in
// every way. Where the root has to be known it may be known nearer to leaf, so that
// every beginning of a chain is one as well.
func (c Candidate) chains(leaf *x509.Certificate) [][]*x509.Certificate {
	var all [][]*x509.Certificate
	left := maxSignatures
	var follow func(chain []*x509.Certificate)
	follow = func(chain []*x509.Certificate) {
		current, end := chain[len(chain)-1], true
		issuers := c.Certificates
		if IsSelfSigned(current) {
			issuers = nil
		}
		for i, issuer := range issuers {
			if left == 0 || slices.ContainsFunc(issuers[:i], issuer.Equal) || !bytes.Equal(current.RawIssuer, issuer.RawSubject) || slices.ContainsFunc(chain, issuer.Equal) {
				continue
			}
			left--
			if current.CheckSignatureFrom(issuer) == nil {
				end = false
				follow(append(slices.Clip(chain), issuer))
			}
		}
		if end || !c.UnknownRoot {
			all = append(all, chain)
		}
	}
	follow([]*x509.Certificate{leaf})
	return all
}

// checkChain says what is wrong with a chain at the time now.
func (c Candidate) checkChain(chain []*x509.Certificate, now time.Time) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	leaf, end := chain[0], chain[len(chain)-1]
	for _, certificate := range chain {
		switch {
		case now.After(certificate.NotAfter):
			complain("%s has expired, on %s", name(certificate), certificate.NotAfter.UTC().Format(time.RFC3339))
		case now.Before(certificate.NotBefore):
			complain("%s is not valid before %s", name(certificate), certificate.NotBefore.UTC().Format(time.RFC3339))
		}
	}
	if len(wrong) == 0 {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool(end), Intermediates: pool(chain...), CurrentTime: now, KeyUsages: anyUse()}); err != nil {
			complain("its chain does not hold: %v", err)
		}
	}
	c.checkRoot(end, now, complain)
	return wrong
}

// anyUse leaves it to checkUse to judge what a certificate is for.
func anyUse() []x509.ExtKeyUsage { return []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }

func pool(certificates ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, certificate := range certificates {
		p.AddCert(certificate)
	}
	return p
}

// checkRoot checks that the end of a chain is a root, or issued by one that is known.
func (c Candidate) checkRoot(end *x509.Certificate, now time.Time, complain func(string, ...any)) {
	if IsSelfSigned(end) || c.UnknownRoot {
		return
	}
	if now.After(end.NotAfter) || now.Before(end.NotBefore) { // which was told before
		now = end.NotAfter
	}
	if _, err := end.Verify(x509.VerifyOptions{Roots: c.Roots, CurrentTime: now, KeyUsages: anyUse()}); err != nil {
		complain("the chain is not complete: %s was issued by %q, whose certificate is neither here nor among the system's roots (--chain adds it; where clients have that root and this host has not, say --untrusted-chain)",
			name(end), end.Issuer.String())
	}
}

// checkUse checks that a server can use the certificate and its key.
func checkUse(leaf *x509.Certificate, complain func(string, ...any)) {
	if leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		complain("the certificate is not for signing (key usage digitalSignature), which TLS needs")
	}
	restricted := len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) > 0
	if restricted && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny) {
		complain("the certificate is not for a server (extended key usage serverAuth)")
	}
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			complain("its RSA key has %d bits: a server's has %d to %d", bits, minRSA, maxRSA)
		}
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P224() {
			complain("its ECDSA key is on P-224, which TLS does not know: use P-256, P-384 or P-521")
		}
	case ed25519.PublicKey:
	default:
		complain("its key is of a type that is not supported: use RSA, ECDSA or Ed25519")
	}
}

// Names are the DNS names and IP addresses that a certificate is for.
func Names(certificate *x509.Certificate) []string {
	names := slices.Clone(certificate.DNSNames)
	for _, ip := range certificate.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// namesOf lists Names, or says that there are none.
func namesOf(certificate *x509.Certificate) string {
	if names := Names(certificate); len(names) > 0 {
		return strings.Join(names, ", ")
	}
	return "nobody (it has no alternative names)"
}

// name tells a certificate from the others of its chain.
func name(certificate *x509.Certificate) string {
	return fmt.Sprintf("%q", certificate.Subject.String())
}
