package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ktsd/ktsd/internal/cli"
)

type statusCommand struct{}

// Help is shown by --help.
func (statusCommand) Help() string {
	return `The first line is the client's fingerprint, which needs no server; the others are the server's answer.

Examples:
  keytrustee status
  keytrustee status | head -n 1`
}

// Run prints the own fingerprint first, for scripts, and then the server's answer.
func (statusCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	fmt.Fprintln(streams.Out, cl.Fingerprint())
	s, err := cl.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(streams.Out, "state:        %s\norganization: %s\nname:         %s\nregistered:   %s\nserver:       %s\n",
		s.State, s.Organization, s.Name, s.Registered.Format(time.RFC3339), s.Server)
	if s.Waiting > 0 {
		fmt.Fprintf(streams.Out, "waiting:      %d unconfirmed; the next put sends them again\n", s.Waiting)
	}
	if s.Rotating {
		fmt.Fprintf(streams.Out, "rotation:     interrupted; keytrustee rotate-certificate goes on with it\n")
	}
	for _, key := range s.Retiring {
		fmt.Fprintf(streams.Out, "to retire:    %s; keytrustee rotate-certificate does it\n", key)
	}
	return nil
}
