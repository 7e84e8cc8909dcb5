package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/ciphers"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/site"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// checkTLS looks at what a server's block says of TLS, and at the files that it names
// on this host, as ktsd would.
func checkTLS(config *hcl.Config, server site.Server, dir confdir.Dir) ([]plan.Warning, hcl.Diagnostics) {
	warnings, diags := checkCiphers(config, server)
	if v := server.TLS.MinVersion; v == "tlsv1" || v == "tlsv1.1" {
		warnings = append(warnings, serverWarning(server, "tls.min_version", v+" lets in clients of TLS versions that are retired (RFC 8996)"))
	}
	pair, err := tlsconf.Files{
		Certificate: cmp.Or(server.TLS.Certificate, dir.Certificate()), Key: cmp.Or(server.TLS.PrivateKey, dir.PrivateKey()),
		Chain: cmp.Or(server.TLS.CAChain, dir.CertificateChain()), PasswordScript: server.TLS.PasswordScript, Owner: string(dir),
	}.LoadServer()
	attr := "tls.certificate"
	if _, ok := errors.AsType[*tlsconf.KeyError](err); ok {
		attr = "tls.private_key"
	}
	if _, ok := errors.AsType[*tlsconf.ScriptError](err); ok {
		attr = "tls.private_key_password_script"
	}
	if err == nil && time.Now().After(pair.Leaf.NotAfter) { // it would keep every client out
		err = fmt.Errorf("it has expired, at %s", pair.Leaf.NotAfter.Format(time.RFC3339))
	}
	if err != nil {
		return warnings, append(diags, config.ErrorAt("server", server.Name, attr, "the certificate cannot be used on this host", sentence(err)))
	}
	for _, w := range tlsconf.Warnings(pair, cmp.Or(server.Hostname, server.Name), time.Now()) {
		warnings = append(warnings, serverWarning(server, "tls.certificate", w.Text))
	}
	if !suited(server.TLS.Ciphers, server.TLS.MinVersion, pair.Leaf) {
		warnings = append(warnings, serverWarning(server, "tls.ciphers", fmt.Sprintf("no suite of it works with the key of the certificate (%s), so only clients with TLS 1.3 can connect", tlsconf.KeyType(pair.Leaf.PublicKey))))
	}
	return warnings, diags
}

// checkCiphers reads a server's cipher string, which needs no look at the host.
func checkCiphers(config *hcl.Config, server site.Server) ([]plan.Warning, hcl.Diagnostics) {
	if server.TLS.Ciphers == "" {
		return nil, nil
	}
	found, err := ciphers.Parse(server.TLS.Ciphers)
	if err != nil {
		return nil, hcl.Diagnostics{config.ErrorAt("server", server.Name, "tls.ciphers", "the cipher string cannot be used", sentence(err))}
	}
	var warnings []plan.Warning
	for _, w := range found.Warnings {
		warnings = append(warnings, serverWarning(server, "tls.ciphers", w.String()))
	}
	if server.TLS.MinVersion == "tlsv1.3" {
		warnings = append(warnings, serverWarning(server, "tls.ciphers", "it has no effect: with min_version tlsv1.3 there are the suites of TLS 1.3 alone, which are fixed"))
	}
	return warnings, nil
}

// suited says whether one of these ciphers works with the key of a certificate, or none
// is needed. Of a string that cannot be read something else is said.
func suited(cipherString, minVersion string, leaf *x509.Certificate) bool {
	found, err := ciphers.Parse(cipherString)
	return err != nil || minVersion == "tlsv1.3" || tlsconf.ServesKey(found.Suites, leaf)
}

func serverWarning(server site.Server, attribute, text string) plan.Warning {
	return plan.Warning{Block: "server", Name: server.Name, Attribute: attribute, Text: text}
}
