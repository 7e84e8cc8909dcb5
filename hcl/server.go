package hcl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// serverBlock is the schema of
//
//	server "HOST" {
//	  listen   = ":11371"                      # default; or a list: [":11371", "10.0.0.1:443"]
//	  hostname = "kts.example.com"             # by which clients reach it; default: HOST
//	  tls {
//	    min_version = "tlsv1.2"                # default
//	    ciphers     = "ECDHE+AESGCM:!aNULL"    # in OpenSSL's notation; default: Go's own choice
//	    certificate = "/etc/pki/kts01.pem"     # both, or neither:
//	    private_key = "/etc/pki/kts01.key"     # ktsd's own pair
//	    ca_chain    = "/etc/pki/chain.pem"     # sent along with the certificate
//
//	    # prints the password of private_key; its arguments are never shown
//	    private_key_password_script = "/usr/local/sbin/kts-key-password kts01"
//	  }
//	}
func serverBlock() blockKind {
	return blockKind{
		label:   "host name",
		example: `server "kts01.example.com" {`,
		check:   names.CheckHostname,
		store:   storeServer,
		body: bodySchema{
			kind:       "server",
			attributes: []string{"listen", "hostname"},
			blocks: []bodySchema{{
				kind:       "tls",
				attributes: []string{"min_version", "ciphers", "certificate", "private_key", "ca_chain", "private_key_password_script"},
			}},
		},
	}
}

func storeServer(d *decoder, name string, body *hclsyntax.Body) {
	server := site.Server{Name: name}
	server.Listen = d.listen(body)
	server.Hostname, _ = d.text(body, "hostname", names.CheckHostname)
	if tls := d.nested(body, "tls"); tls != nil {
		server.TLS.MinVersion, _ = d.text(tls, "tls.min_version", site.CheckMinVersion)
		server.TLS.Ciphers, _ = d.text(tls, "tls.ciphers", checkCiphers)
		server.TLS.Certificate, _ = d.text(tls, "tls.certificate", checkPath)
		server.TLS.PrivateKey, _ = d.text(tls, "tls.private_key", checkPath)
		server.TLS.CAChain, _ = d.text(tls, "tls.ca_chain", checkPath)
		server.TLS.PasswordScript = d.script(tls, "tls.private_key_password_script")
		d.together(tls, "certificate", "private_key")
	}
	if d.blockIsValid() {
		d.config.site.Servers = append(d.config.site.Servers, server)
	}
}

// maxAddresses is how many addresses a server can listen on.
const maxAddresses = 16

// listen returns the addresses of a server, as site.Server has them. One stands
// by itself, several in a list.
func (d *decoder) listen(body *hclsyntax.Body) string {
	if !d.isList(body, "listen") {
		address, _ := d.text(body, "listen", names.CheckListen)
		return address
	}
	elements, ok := d.texts(body, "listen", "address", names.CheckListen)
	if !ok {
		return ""
	}
	if n := len(elements); n < 1 || n > maxAddresses {
		d.report(body.Attributes["listen"].Expr.Range(), fmt.Sprintf("%d addresses in listen", n),
			fmt.Sprintf("A server listens on 1 to %d addresses.", maxAddresses), fmt.Sprintf("Without listen, it is %q.", site.DefaultListen))
		return ""
	}
	addresses := d.unique(elements, "address", "An address is listed once in a server.", names.ListenKey)
	for _, e := range elements {
		whole, isPart := names.PartOf(e.value, addresses)
		if !isPart {
			continue
		}
		summary := fmt.Sprintf("address %q is part of %q", e.value, whole)
		if d.config.sources.hides(e.place) {
			summary = "an address is part of another"
		}
		d.report(e.place, summary, "An address without a host is its port of all addresses, 0.0.0.0 of all of IPv4 and :: of all of IPv6: none of them can be listened on once more.", "Remove one of the two.")
	}
	return site.JoinAddresses(addresses)
}

// maxCiphers is how long a cipher string may be, in bytes. What it means is for
// the caller to find out.
const maxCiphers = 4096

func checkCiphers(ciphers string) error {
	if len(ciphers) > maxCiphers {
		return fmt.Errorf("a cipher string has at most %d bytes", maxCiphers)
	}
	if strings.ContainsFunc(ciphers, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("a cipher string holds printable ASCII only")
	}
	return nil
}
