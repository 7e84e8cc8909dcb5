package main

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/internal/cli"
)

type deleteCommand struct {
	Handle string `arg:"" help:"Name of the deposit."`
}

// Run deletes the latest version.
func (d *deleteCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	done, err := cl.Delete(ctx, d.Handle)
	if err != nil {
		return absent(err)
	}
	fmt.Fprintf(streams.Out, "deleted %s version %d %s\n", done.Handle, done.Version, done.UUID)
	return nil
}

type undeleteCommand struct {
	Handle string `arg:"" help:"Name of the deposit."`
}

// Run brings the latest version back.
func (u *undeleteCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	done, err := cl.Undelete(ctx, u.Handle)
	if err != nil {
		return absent(err)
	}
	fmt.Fprintf(streams.Out, "undeleted %s version %d %s\n", done.Handle, done.Version, done.UUID)
	return nil
}
