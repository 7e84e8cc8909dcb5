package main

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/internal/cli"
)

type deleteCommand struct {
	Handle  string `arg:"" help:"Name of the deposit."`
	Version *int64 `name:"version" placeholder:"N" help:"A version other than the latest, from 1 on."`
}

// Help is shown by --help.
func (deleteCommand) Help() string {
	return `What is deleted is still kept, and counts, until it is purged. An older version does not take its
place: it is served to those who name it. Exits 3 when there is no such deposit.

Examples:
  keytrustee delete luks/sda2
  keytrustee delete luks/sda2 --version 1`
}

// Run deletes the version.
func (d *deleteCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	version, err := versionOf(d.Version)
	if err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	done, err := cl.DeleteVersion(ctx, d.Handle, version)
	if err != nil {
		return absent(err)
	}
	fmt.Fprintf(streams.Out, "deleted %s version %d %s\n", done.Handle, done.Version, done.UUID)
	return nil
}

type undeleteCommand struct {
	Handle  string `arg:"" help:"Name of the deposit."`
	Version *int64 `name:"version" placeholder:"N" help:"A version other than the latest, from 1 on."`
}

// Help is shown by --help.
func (undeleteCommand) Help() string {
	return `What was purged cannot be brought back. Exits 3 when there is no such deposit.

Example:
  keytrustee undelete luks/sda2`
}

// Run brings the version back.
func (u *undeleteCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	version, err := versionOf(u.Version)
	if err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	done, err := cl.UndeleteVersion(ctx, u.Handle, version)
	if err != nil {
		return absent(err)
	}
	fmt.Fprintf(streams.Out, "undeleted %s version %d %s\n", done.Handle, done.Version, done.UUID)
	return nil
}
