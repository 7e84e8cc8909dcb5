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
