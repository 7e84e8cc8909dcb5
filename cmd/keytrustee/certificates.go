package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/fault"
)

type certificatesCommand struct {
	JSON bool `name:"json" help:"Print a JSON array."`
}

// Help is shown by --help.
func (certificatesCommand) Help() string {
	return `A line each: key (SHA-256 of its SubjectPublicKeyInfo), since when, state. Certificates do not expire
here: they are in force until they are retired.

Examples:
  keytrustee certificates
  keytrustee certificates --json`
}

// Run lists the certificates, retired ones too.
func (l *certificatesCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	certs, err := cl.Certificates(ctx)
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
		} else if k.Current {
			state = "in force, in use here"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", k.Key, k.Created.Format(time.RFC3339), state)
	}
	return w.Flush()
}

type rotateCertificateCommand struct {
	Certificate string `placeholder:"FILE" type:"existingfile" help:"A certificate to take, such as a CA's, PEM; with --key (default: one is made)."`
	Key         string `placeholder:"FILE" type:"existingfile" help:"Its private key, PEM, mode 0600."`
}

// Help is shown by --help.
func (rotateCertificateCommand) Help() string {
	return `Has the server take the new key, puts both files in the place of client-key.pem and client-cert.pem,
and retires the old key. The OpenPGP key and all deposits stay. Interrupted at any point the client
works all the same; run again, it goes on from there.

Examples:
  keytrustee rotate-certificate
  keytrustee rotate-certificate --certificate db01.pem --key db01.key`
}

// Run rotates.
func (r *rotateCertificateCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	if (r.Certificate == "") != (r.Key == "") {
		return &cli.Coded{Code: cli.CodeUsage, Err: fault.New(fault.Invalid, "--certificate and --key are given together, or not at all")}
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	done, err := cl.RotateCertificate(ctx, client.RotateOptions{Certificate: r.Certificate, Key: r.Key})
	if err != nil {
		return err
	}
	for _, key := range done.Retired {
		fmt.Fprintf(streams.Out, "retired %s\n", key)
	}
	if done.Finished {
		fmt.Fprintf(streams.Out, "the rotation that was interrupted is finished; in use: %s\n", done.Key)
		return nil
	}
	fmt.Fprintf(streams.Out, "in use: %s\nback it up: client-key.pem and client-cert.pem are new\n", done.Key)
	return nil
}

type retireCertificateCommand struct {
	Key string `arg:"" help:"Its key: 64 hex digits, as certificates prints it."`
}

// Help is shown by --help.
func (retireCertificateCommand) Help() string {
	return `From its next request on it is not taken any more, and it is never bound again. Exits 3 when the
client has no such certificate.

Example:
  keytrustee retire-certificate 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`
}

// Run retires the certificate.
func (r *retireCertificateCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	done, err := cl.RetireCertificate(ctx, r.Key)
	if err != nil {
		return absent(err)
	}
	fmt.Fprintf(streams.Out, "retired %s at %s\n", done.Key, done.Retired.Format(time.RFC3339))
	return nil
}
