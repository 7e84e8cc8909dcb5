package main

import (
	"context"
	"strings"
	"time"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/keystore"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

type certSelfSignCommand struct {
	identityFlags
}

// Help is shown by --help.
func (certSelfSignCommand) Help() string {
	return `Makes a new private key and a certificate that is signed with it, valid for 825 days, and installs
both as 'ktadmin cert install' does. Clients that were given the certificate in place as their CA
refuse the server until they are given the new one; those that know the server by its fingerprint
go on. A certificate of a CA spares you that: 'ktadmin cert request'.

Examples:
  ktadmin cert self-sign
  ktadmin cert self-sign --san kts.example.com --san kts01.example.com --key-type rsa3072`
}

// Run makes and installs the pair.
func (s *certSelfSignCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	w, unlock, err := c.certChange()
	if err != nil {
		return err
	}
	defer unlock()
	identity, err := s.identity(w)
	if err != nil {
		return err
	}
	key, err := tlsconf.GenerateKey(s.KeyType)
	if err != nil {
		return err
	}
	data, err := identity.SelfSigned(key, time.Now())
	if err != nil {
		return err
	}
	made, err := keystore.Parse(data, nil, "")
	if err != nil {
		return err
	}
	return w.install(ctx, streams, tlsconf.Candidate{Certificates: made.Certificates, Key: key, Hostname: w.hostname})
}

func join(names []string) string { return strings.Join(names, ", ") }
