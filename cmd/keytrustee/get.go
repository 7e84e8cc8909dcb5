package main

import (
	"context"
	"os"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/safefile"
)

type getCommand struct {
	Handle  string `arg:"" help:"Name of the deposit."`
	Output  string `short:"o" placeholder:"FILE" type:"path" help:"Write to this file, mode 0600, instead of standard output (-)."`
	Version *int64 `name:"version" placeholder:"N" help:"A version other than the latest, from 1 on."`
}

// Help is shown by --help.
func (getCommand) Help() string {
	return `Prints exactly the bytes that were put. Nothing is written unless all of it was verified: this
client's signature, for this server, organization, deposit and handle. Exits 3 when there is no
such deposit.

Example:
  keytrustee get luks/sda2 | cryptsetup open /dev/sda2 data --key-file -`
}

// Run gets the deposit.
func (g *getCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	version, err := versionOf(g.Version)
	if err != nil {
		return err
	}
	if err := g.checkOutput(); err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	_, plaintext, err := cl.Get(ctx, g.Handle, version)
	if err != nil {
		return absent(err)
	}
	defer clear(plaintext)
	if g.toFile() {
		return safefile.Write(g.Output, plaintext, 0o600)
	}
	_, err = streams.Out.Write(plaintext)
	return err
}

// versionOf returns the version that a flag names, 0 where it was not given.
func versionOf(flag *int64) (int64, error) {
	if flag == nil {
		return 0, nil
	}
	if *flag < 1 {
		return 0, &cli.Coded{Code: cli.CodeUsage, Err: fault.New(fault.Invalid, "--version %d: versions begin with 1", *flag)}
	}
	return *flag, nil
}

func (g *getCommand) toFile() bool { return g.Output != "" && g.Output != "-" }

// checkOutput refuses what is no file: the new file would take the place of a
// device, such as /dev/null, or of a pipe.
func (g *getCommand) checkOutput() error {
	if !g.toFile() {
		return nil
	}
	if info, err := os.Stat(g.Output); err == nil && !info.Mode().IsRegular() {
		return fault.New(fault.Invalid, "%s is not a regular file", g.Output).WithHint("without -o, standard output is written to")
	}
	return nil
}
