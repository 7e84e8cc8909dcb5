package hcl

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// serverBlock is the schema of
//
//	server "HOST" {
//	  listen = ":11371"                      # default
//	  tls {
//	    min_version = "tlsv1.2"              # default
//	    certificate = "/etc/pki/kts01.pem"   # both, or neither:
//	    private_key = "/etc/pki/kts01.key"   # ktsd's own pair
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
			attributes: []string{"listen"},
			later:      []string{"hostname"},
			blocks: []bodySchema{{
				kind:       "tls",
				attributes: []string{"min_version", "certificate", "private_key"},
				later:      []string{"ca", "ca_certificate", "ca_chain", "ciphers", "private_key_password_script"},
			}},
		},
	}
}

func storeServer(d *decoder, name string, body *hclsyntax.Body) {
	server := site.Server{Name: name}
	server.Listen, _ = d.text(body, "listen", names.CheckListen)
	if tls := d.nested(body, "tls"); tls != nil {
		server.TLS.MinVersion, _ = d.text(tls, "tls.min_version", site.CheckMinVersion)
		server.TLS.Certificate, _ = d.text(tls, "tls.certificate", checkPath)
		server.TLS.PrivateKey, _ = d.text(tls, "tls.private_key", checkPath)
		d.together(tls, "certificate", "private_key")
	}
	if d.blockIsValid() {
		d.config.site.Servers = append(d.config.site.Servers, server)
	}
}
