package main

import (
	"fmt"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/safefile"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

type certRequestCommand struct {
	identityFlags
	Out   string `placeholder:"FILE" help:"Write the request there (default: standard output)."`
	Again bool   `help:"Give up the request that waits, and make another."`
}

// Help is shown by --help.
func (certRequestCommand) Help() string {
	return `Makes a new private key and a request for a certificate (PKCS #10) to send to a CA. The key stays
in .ssl (ssl-cert-keytrustee-pk.pem.requested, mode 0600, encrypted where keytrustee.conf names a
password script) and waits for 'ktadmin cert install'; ktsd goes on with what it has.

Only one request waits at a time. With --again the one that does is given up: a certificate that a
CA makes of it cannot be installed any more.

Examples:
  ktadmin cert request --out kts01.csr
  ktadmin cert request --san kts.example.com --san 192.0.2.7 --subject "O=Example, Inc." --subject C=NL
  ktadmin cert request --key-type rsa3072 --again >kts01.csr`
}

// Run makes the request.
func (r *certRequestCommand) Run(c *command, streams *cli.Streams) error {
	w, unlock, err := c.certChange()
	if err != nil {
		return err
	}
	defer unlock()
	file := w.dir.RequestedKey()
	if confdir.Exists(file) && !r.Again {
		return fault.New(fault.Conflict, "a request waits for its certificate already: its private key is %s", file).
			WithHint("install the certificate (ktadmin cert install), or give the request up and make another: --again")
	}
	identity, err := r.identity(w)
	if err != nil {
		return err
	}
	key, err := tlsconf.GenerateKey(r.KeyType)
	if err != nil {
		return err
	}
	request, err := identity.Request(key)
	if err != nil {
		return err
	}
	data, err := w.encodeKey(key)
	if err != nil {
		return err
	}
	defer clear(data)
	if err := w.dir.Replace(file, "", data, 0o600); err != nil {
		return err
	}
	if r.Out == "" {
		_, err := streams.Out.Write(request)
		return err
	}
	if err := safefile.Write(r.Out, request, 0o644); err != nil {
		return fault.New(fault.Invalid, "the request was not written; its private key waits").WithHint("make another: --again").Because(err)
	}
	fmt.Fprintf(streams.Out, "made %s (for %s)\nmade %s, which waits for the certificate\n", r.Out, join(identity.Names), file)
	return nil
}
