package main

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/internal/cli"
)

type purgeCommand struct {
	Fingerprint string `required:"" placeholder:"FP" help:"The client's OpenPGP fingerprint, 40 hex digits."`
	UUID        string `name:"uuid" required:"" placeholder:"UUID" help:"The deposit, which its client has deleted."`
	Reason      string `required:"" placeholder:"TEXT" help:"Why, for the audit log: a ticket's number, who asked for it."`
}

// Help is shown by --help.
func (purgeCommand) Help() string {
	return `A client purges its own deposits (keytrustee purge), some days after it deleted them; this does not
wait. What is purged cannot be brought back. Its UUID and version stay taken.

Example:
  orgtool purge --fingerprint 4EDC46882386C827E20DEEA2D850ACA33BEDB0D1 \
      --uuid 5f0c2a8e-3b7d-4c19-9e46-d1a8b05f7c32 --reason "ticket 4711"`
}

// Run purges the deposit.
func (p *purgeCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	done, err := admin.Purge(ctx, p.Fingerprint, p.UUID, p.Reason)
	if err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "purged %s version %d %s of client %s\n", done.Handle, done.Version, done.UUID, p.Fingerprint)
	return nil
}
