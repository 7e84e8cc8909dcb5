package main

import (
	"crypto"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/safefile"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

type certCommand struct {
	Request  certRequestCommand  `cmd:"" help:"Make a private key and a request for a CA."`
	SelfSign certSelfSignCommand `cmd:"" help:"Make a private key and a self-signed certificate, and install them."`
	Install  certInstallCommand  `cmd:"" help:"Check a certificate, put it in place, and have ktsd take it on."`
	Show     certShowCommand     `cmd:"" help:"Show the certificate in place, and whether ktsd has it loaded."`
}

// identityFlags say what a new certificate is to say.
type identityFlags struct {
	SAN     []string `name:"san" sep:"none" placeholder:"NAME" help:"DNS name or IP address that the certificate is for; repeat it for several (default: the name by which clients reach this server, and this host's)."`
	Subject []string `sep:"none" placeholder:"PART=VALUE" help:"Part of the subject: CN, O, OU, L, ST or C; repeat it for several (default: the first name as CN)."`
	KeyType string   `enum:"ecdsa-p256,ecdsa-p384,ed25519,rsa2048,rsa3072,rsa4096" default:"ecdsa-p256" help:"Type of the key: ${enum} (default: ${default})."`
}

// Validate is called by kong.
func (f identityFlags) Validate() error {
	_, err := f.subject()
	return err
}

func (f identityFlags) subject() (pkix.Name, error) {
	var name pkix.Name
	for _, part := range f.Subject {
		kind, value, _ := strings.Cut(part, "=")
		if value == "" {
			return name, fmt.Errorf("--subject: %q is not PART=VALUE", part)
		}
		switch strings.ToUpper(kind) {
		case "CN":
			name.CommonName = value
		case "O":
			name.Organization = append(name.Organization, value)
		case "OU":
			name.OrganizationalUnit = append(name.OrganizationalUnit, value)
		case "L":
			name.Locality = append(name.Locality, value)
		case "ST":
			name.Province = append(name.Province, value)
		case "C":
			name.Country = append(name.Country, value)
		default:
			return name, fmt.Errorf("--subject: unknown part %q: use CN, O, OU, L, ST or C", kind)
		}
	}
	return name, nil
}

// identity is what the certificate is to say of this server.
func (f identityFlags) identity(w *certWork) (tlsconf.Identity, error) {
	subject, err := f.subject()
	if err != nil {
		return tlsconf.Identity{}, err
	}
	names := f.SAN
	if len(names) == 0 {
		names = slices.Compact([]string{strings.ToLower(w.hostname), strings.ToLower(w.node)})
	}
	return tlsconf.Identity{Names: names, Subject: subject}, nil
}

// certWork is what the commands that work on the certificate have in common.
type certWork struct {
	*host
	conf     confdir.Conf
	node     string // this host's name
	hostname string // the name by which clients reach the server
	pair     pairFiles
}

// certWork reads keytrustee.conf.
func (c *command) certWork() (*certWork, error) {
	h, err := c.host()
	if err != nil {
		return nil, err
	}
	conf, err := h.conf()
	if err != nil {
		return nil, err
	}
	w := &certWork{host: h, conf: conf, hostname: conf.ServerHostname, pair: pairFiles{h.dir, h.files(conf)}}
	if w.node, err = conf.Node(); err != nil {
		return nil, err
	}
	if w.hostname == "" {
		w.hostname = w.node
	}
	return w, nil
}

// certChange is certWork for a command that changes something: alone, and after what
// one that was interrupted has left.
func (c *command) certChange() (w *certWork, unlock func(), err error) {
	if w, err = c.certWork(); err != nil {
		return nil, nil, err
	}
	if unlock, err = w.dir.LockChanges(); err != nil {
		return nil, nil, err
	}
	if err = w.cleanUp(); err != nil {
		unlock()
		return nil, nil, err
	}
	return w, unlock, nil
}

// cleanUp ends what an interrupted command has left.
func (w *certWork) cleanUp() error {
	for _, file := range []string{w.dir.RequestedKey(), w.dir.PreviousKey(), w.dir.PreviousCertificate()} {
		if err := w.dir.CheckReplace(file); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return foreign(err)
		}
		if err := safefile.Sweep(file); err != nil {
			return err
		}
	}
	if w.pair.check() == nil { // otherwise no command has begun to replace it
		if err := w.pair.finish(); err != nil {
			return err
		}
	}
	return w.forgetRequested()
}

// encodeKey returns a private key in the form in which it is kept: encrypted where
// keytrustee.conf names what prints a password.
func (w *certWork) encodeKey(key crypto.Signer) ([]byte, error) {
	if w.conf.PasswordScript == "" {
		return tlsconf.MarshalKey(key, nil)
	}
	password, err := w.pair.files.Password()
	if err != nil {
		return nil, err
	}
	defer clear(password)
	return tlsconf.MarshalKey(key, password)
}

// requestedKey returns the private key of the request that waits. The error is
// fs.ErrNotExist where none does.
func (w *certWork) requestedKey() (crypto.Signer, error) {
	files := w.pair.files
	files.Key = w.dir.RequestedKey()
	return files.LoadKey()
}

// forgetRequested removes the waiting private key, if it is that of the certificate in
// place.
func (w *certWork) forgetRequested() error {
	if !confdir.Exists(w.dir.RequestedKey()) {
		return nil
	}
	pair, err := w.pair.files.LoadServer()
	if err != nil {
		return nil // it may be what mends it
	}
	key, err := w.requestedKey()
	if err != nil || !sameKey(key, pair.Leaf.PublicKey) {
		return nil
	}
	return remove(w.dir.RequestedKey())
}

// warn prints what somebody has to know.
func warn(streams *cli.Streams, format string, args ...any) {
	fmt.Fprintf(streams.Err, "ktadmin: warning: "+format+"\n", args...)
}
