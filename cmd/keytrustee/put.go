package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/fault"
)

type putCommand struct {
	Handle   string `arg:"" help:"Name of the deposit: up to 255 bytes, slashes allowed."`
	File     string `arg:"" optional:"" default:"-" help:"File to deposit; - or nothing for standard input."`
	NotAfter string `placeholder:"TIME" help:"Do not serve it from this time on, like 2027-01-31T12:00:00Z (RFC 3339)."`
}

// Help is shown by --help.
func (putCommand) Help() string {
	return `A put under a handle that exists makes a new version; nothing is overwritten. When it says so,
the deposit is on the server's disk. Interrupted, it is simply run again.

Examples:
  keytrustee put luks/sda2 /etc/keys/sda2.key
  pass show db | keytrustee put db/password`
}

// maxPlaintext bounds what is read; what the server takes is a little less.
const maxPlaintext = 1 << 20

// Run puts the deposit.
func (p *putCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	notAfter, err := p.notAfter()
	if err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	in := streams.In
	if p.File != "-" {
		f, err := os.Open(p.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	plaintext, err := io.ReadAll(io.LimitReader(in, maxPlaintext+1))
	if err != nil {
		return fmt.Errorf("reading what to deposit: %w", err)
	}
	defer clear(plaintext)
	if len(plaintext) > maxPlaintext {
		return fmt.Errorf("%s has more than %d bytes: deposit a key that encrypts it instead", p.File, maxPlaintext)
	}
	d, err := cl.Put(ctx, p.Handle, plaintext, &client.PutOptions{NotAfter: notAfter})
	if err != nil {
		return err
	}
	fmt.Fprintf(streams.Out, "%s version %d %s\n", d.Handle, d.Version, d.UUID)
	return nil
}

func (p *putCommand) notAfter() (time.Time, error) {
	if p.NotAfter == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, p.NotAfter)
	if err != nil {
		return t, &cli.Coded{Code: cli.CodeUsage, Err: fault.New(fault.Invalid, "--not-after %q is not a time like 2027-01-31T12:00:00Z", p.NotAfter)}
	}
	return t, nil
}
