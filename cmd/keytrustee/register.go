package main

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/fault"
)

type registerCommand struct {
	Server      []string `required:"" placeholder:"URL" help:"The server, like https://kts01.example.com:11371; given again, the next to try."`
	Org         string   `required:"" placeholder:"NAME" help:"The organization."`
	Auth        string   `xor:"auth" placeholder:"CODE" help:"The organization's authorization code. Others on this host can see it while the command runs: prefer --auth-file."`
	AuthFile    string   `xor:"auth" placeholder:"FILE" help:"File that holds the code; - for standard input."`
	Name        string   `placeholder:"NAME" help:"What people call this client (default: the host's name)."`
	CA          string   `name:"ca" placeholder:"FILE" type:"existingfile" help:"Certificates that vouch for the server, PEM (default: the system's)."`
	Fingerprint *string  `placeholder:"4096R/HEX" help:"Fingerprint of the server's OpenPGP key, which then vouches for the server in place of certificates; with --ca, beside them."`
	KeyType     string   `enum:"ed25519,rsa4096" default:"ed25519" help:"Kind of OpenPGP key to make: ${enum}."`
}

// Help is shown by --help.
func (registerCommand) Help() string {
	return `With neither --ca nor --fingerprint the system's certificates vouch for the server; where they do not,
it prints the fingerprints it saw, for you to compare, and exits 1. Run again it changes nothing, and
tells the state.

Examples:
  keytrustee register --server https://kts01.example.com:11371 --org disaster-recov --auth-file code
  orgtool get-auth -n quickstart | keytrustee register --server https://localhost:11371 \
      --org quickstart --auth-file - --ca ssl-cert-keytrustee.pem
  keytrustee register --server https://kts01.example.com:11371 --org disaster-recov --auth-file code \
      --fingerprint "4096R/4EDC46882386C827E20DEEA2D850ACA33BEDB0D1"`
}

// Run registers the client.
func (r *registerCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	dir, err := c.directory()
	if err != nil {
		return err
	}
	code := r.Auth
	if r.AuthFile != "" {
		if code, err = cli.ReadSecret(ctx, streams, r.AuthFile); err != nil {
			return err
		}
	}
	in := client.Registration{Servers: r.Server, Organization: r.Org, AuthCode: code, Name: r.Name, CA: r.CA, KeyType: r.KeyType}
	if r.Fingerprint != nil {
		if in.Fingerprint = *r.Fingerprint; in.Fingerprint == "" { // of a variable that is not set
			return fault.New(fault.Invalid, "the fingerprint is empty")
		}
	}
	done, err := client.Register(ctx, dir, in)
	if err != nil {
		return err
	}
	if done.Before {
		fmt.Fprintf(streams.Out, "registered before as %s with organization %s: %s\n", done.Fingerprint, r.Org, done.State)
		return nil
	}
	fmt.Fprintf(streams.Out, "registered %s with organization %s: %s\nserver %s\n", done.Fingerprint, r.Org, done.State, done.Server)
	if done.State == "pending" {
		fmt.Fprintf(streams.Out, "it can be used once one of the organization's contacts has approved it\n")
	}
	fmt.Fprintf(streams.Out, "back up %s: without it every deposit is lost\n", dir)
	return nil
}
