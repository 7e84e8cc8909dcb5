package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

type certShowCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is shown by --help.
func (certShowCommand) Help() string {
	return `Shows the certificate in place, that which keytrustee.conf names, and tells whether ktsd has it
loaded or another one. Exits 2 if it expires within 30 days, or has expired, 1 if it cannot be read.

Examples:
  ktadmin cert show
  ktadmin cert show --json`
}

// certView is what show prints.
type certView struct {
	Certificate string            `json:"certificate"` // file
	PrivateKey  string            `json:"private_key"` // file
	Subject     string            `json:"subject"`
	Issuer      string            `json:"issuer"`
	Names       []string          `json:"names"`
	NotBefore   time.Time         `json:"not_before"`
	NotAfter    time.Time         `json:"not_after"`
	DaysLeft    int               `json:"days_left"`
	KeyType     string            `json:"key_type"`
	Fingerprint string            `json:"fingerprint"` // SHA-256, as openssl prints it
	KeyHash     string            `json:"key_hash"`    // SHA-256 of the public key, in hex
	Chain       []string          `json:"chain"`       // subjects of what follows the server's own
	SelfSigned  bool              `json:"self_signed"`
	Loaded      string            `json:"loaded"`  // loadedYes, loadedNo or loadedUnknown
	Waiting     bool              `json:"waiting"` // a request waits for its certificate
	Warnings    []tlsconf.Warning `json:"warnings"`
}

// Whether ktsd has the certificate in place loaded.
const (
	loadedYes     = "yes"
	loadedNo      = "another"
	loadedUnknown = "not_running"
)

// Run shows the certificate.
func (s *certShowCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	w, err := c.certWork()
	if err != nil {
		return err
	}
	pair, err := w.pair.files.LoadServer()
	if err != nil {
		return err
	}
	now := time.Now()
	view := w.view(pair, now)
	running, err := w.admin.Server(ctx)
	switch {
	case errors.Is(err, client.ErrNotRunning):
	case err != nil:
		return err
	case running.Loaded == tlsconf.ChainFingerprint(pair):
		view.Loaded = loadedYes
	default:
		view.Loaded = loadedNo
	}
	if s.JSON {
		err = cli.WriteJSON(streams.Out, view)
	} else {
		err = view.print(streams)
	}
	if err == nil && pair.Leaf.NotAfter.Sub(now) < tlsconf.ExpiryWarning {
		err = &cli.Coded{Code: cli.CodeDifferences}
	}
	return err
}

// view is a pair as it is shown.
func (w *certWork) view(pair *tls.Certificate, now time.Time) certView {
	leaf := pair.Leaf
	v := certView{
		Certificate: w.pair.files.Certificate, PrivateKey: w.pair.files.Key,
		Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(), Names: tlsconf.Names(leaf),
		NotBefore: leaf.NotBefore.UTC(), NotAfter: leaf.NotAfter.UTC(), DaysLeft: tlsconf.DaysLeft(leaf, now),
		KeyType: tlsconf.KeyType(leaf.PublicKey), Fingerprint: tlsconf.CertificateFingerprint(leaf),
		KeyHash: fmt.Sprintf("%x", tlsconf.KeyHash(leaf)), Chain: []string{}, SelfSigned: tlsconf.IsSelfSigned(leaf),
		Loaded: loadedUnknown, Waiting: confdir.Exists(w.dir.RequestedKey()), Warnings: tlsconf.Warnings(pair, w.hostname, now),
	}
	if v.Warnings == nil {
		v.Warnings = []tlsconf.Warning{}
	}
	for _, der := range pair.Certificate[1:] {
		if certificate, err := x509.ParseCertificate(der); err == nil {
			v.Chain = append(v.Chain, certificate.Subject.String())
		}
	}
	return v
}

// print shows a view to people.
func (v certView) print(streams *cli.Streams) error {
	issued := v.Issuer
	if v.SelfSigned {
		issued = "itself (self-signed)"
	}
	chain := "none"
	if len(v.Chain) > 0 {
		chain = strings.Join(v.Chain, "; ")
	}
	loaded := map[string]string{
		loadedYes: "this one", loadedNo: "another one, until a reload: systemctl reload ktsd, or ktadmin apply", loadedUnknown: "unknown: ktsd is not running",
	}[v.Loaded]
	out := tabwriter.NewWriter(streams.Out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"certificate", v.Certificate}, {"private key", v.PrivateKey}, {"subject", v.Subject}, {"issued by", issued}, {"for", join(v.Names)},
		{"valid from", v.NotBefore.Format(time.RFC3339)}, {"until", fmt.Sprintf("%s (%d days left)", v.NotAfter.Format(time.RFC3339), v.DaysLeft)},
		{"key", v.KeyType}, {"SHA-256", v.Fingerprint}, {"key hash", v.KeyHash}, {"chain", chain}, {"loaded", loaded},
	} {
		fmt.Fprintf(out, "%s:\t%s\n", line[0], line[1])
	}
	if v.Waiting {
		fmt.Fprintf(out, "request:\twaits for its certificate\n")
	}
	for _, w := range v.Warnings {
		fmt.Fprintf(out, "warning:\t%s\n", w.Text)
	}
	return out.Flush()
}

// asPair is a chain as Warnings takes it.
func asPair(chain []*x509.Certificate) *tls.Certificate { return &tls.Certificate{Leaf: chain[0]} }
