package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
)

type listCommand struct {
	Prefix string `placeholder:"P" help:"Only handles that begin so."`
	All    bool   `help:"Every version, deleted and purged ones too, instead of the latest of each handle."`
	JSON   bool   `name:"json" help:"Print a JSON array."`
}

// Help is shown by --help.
func (listCommand) Help() string {
	return `A line each: since when, version, UUID, state (until when it is served, deleted or purged), handle.

Examples:
  keytrustee list --prefix luks/
  keytrustee list --all --json`
}

// Run lists the deposits. Handles hold no control characters, so a line is one
// deposit; the handle comes last, since it may hold spaces.
func (l *listCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	deposits, err := cl.List(ctx, l.Prefix, l.All)
	if err != nil {
		return err
	}
	if l.JSON {
		if deposits == nil {
			deposits = []client.Deposit{}
		}
		return cli.WriteJSON(streams.Out, deposits)
	}
	w := tabwriter.NewWriter(streams.Out, 0, 0, 2, ' ', 0)
	for _, d := range deposits {
		state := ""
		if d.Purged != nil {
			state = "purged"
		} else if d.Deleted != nil {
			state = "deleted"
		} else if d.NotAfter != nil {
			state = "until " + d.NotAfter.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", d.Created.Format(time.RFC3339), d.Version, d.UUID, state, d.Handle)
	}
	return w.Flush()
}
