package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
)

type certificatesCommand struct {
	Fingerprint string `required:"" placeholder:"FP" help:"The client's OpenPGP fingerprint, 40 hex digits."`
	JSON        bool   `name:"json" help:"Print a JSON array."`
}

// Help is shown by --help.
func (certificatesCommand) Help() string {
	return `A line each: key (SHA-256 of its SubjectPublicKeyInfo), since when, state.

Examples:
  orgtool certificates --fingerprint 4EDC46882386C827E20DEEA2D850ACA33BEDB0D1
  orgtool certificates --fingerprint 4EDC46882386C827E20DEEA2D850ACA33BEDB0D1 --json`
}

// Run lists the client's certificates, retired ones too.
func (l *certificatesCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	certs, err := admin.Certificates(ctx, l.Fingerprint)
	if err != nil {
		return err
	}
	if l.JSON {
		return cli.WriteJSON(streams.Out, certs)
	}
	w := tabwriter.NewWriter(streams.Out, 0, 0, 2, ' ', 0)
	for _, k := range certs {
		state := "in force"
		if k.Retired != nil {
			state = "retired at " + k.Retired.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", k.Key, k.Created.Format(time.RFC3339), state)
	}
	return w.Flush()
}

type revokeCertificateCommand struct {
	Key string `required:"" placeholder:"HASH" help:"The certificate's key: 64 hex digits, as certificates prints it."`
}

// Help is shown by --help.
func (revokeCertificateCommand) Help() string {
	return `The client keeps its deposits and its other certificates. Also while the database cannot be
written: then this node refuses the certificate at once, and tells the database once it can.

Example:
  orgtool revoke-certificate --key 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`
}

// Run revokes the certificate.
func (r *revokeCertificateCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	done, err := admin.RevokeCertificate(ctx, r.Key)
	if err != nil {
		return err
	}
	if done.Client == "" { // the database, which knows, could not be asked
		fmt.Fprintf(streams.Err, "certificate %s is revoked\n", done.Key)
	} else {
		fmt.Fprintf(streams.Err, "certificate %s of client %s is revoked\n", done.Key, done.Client)
	}
	tellReach(streams, done.InForce)
	return nil
}

// tellReach tells where it is in force that access was taken away.
func tellReach(streams *cli.Streams, reach *client.InForce) {
	switch {
	case reach == nil:
	case reach.Everywhere:
		fmt.Fprintln(streams.Err, "in force everywhere")
	default:
		fmt.Fprintf(streams.Err, "in force on %s now; the database is told as soon as it can be written\n", reach.Node)
	}
}
