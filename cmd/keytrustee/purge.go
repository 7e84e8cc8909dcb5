package main

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/fault"
)

type purgeCommand struct {
	Handle  string `arg:"" optional:"" help:"Name of the deposit; or give --uuid."`
	Version *int64 `name:"version" placeholder:"N" help:"A version other than the latest, from 1 on."`
	UUID    string `name:"uuid" placeholder:"UUID" help:"The deposit, in place of a handle."`
}

// Help is shown by --help.
func (purgeCommand) Help() string {
	return `Only what was deleted before can be purged, and only some days later: until then it can be undeleted.
The error says from when on. What is purged cannot be brought back, by anybody; list --all still
shows that it was there. Exits 3 when there is no such deposit.

Examples:
  keytrustee purge luks/sda2 --version 1
  keytrustee purge --uuid 5f0c2a8e-3b7d-4c19-9e46-d1a8b05f7c32`
}

// Run purges the version.
func (p *purgeCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	version, err := versionOf(p.Version)
	if err != nil {
		return err
	}
	if (p.Handle == "") == (p.UUID == "") || p.UUID != "" && version != 0 {
		return &cli.Coded{Code: cli.CodeUsage, Err: fault.New(fault.Invalid, "a deposit is named by its handle, which may have --version, or by --uuid").
			WithHint("see 'keytrustee purge --help'")}
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	var done client.Deposit
	if p.UUID != "" {
		done, err = cl.PurgeUUID(ctx, p.UUID)
	} else {
		done, err = cl.Purge(ctx, p.Handle, version)
	}
	if err != nil {
		return absent(err)
	}
	fmt.Fprintf(streams.Out, "purged %s version %d %s\n", done.Handle, done.Version, done.UUID)
	return nil
}
