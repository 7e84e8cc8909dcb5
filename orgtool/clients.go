package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/ktsd/ktsd/internal/cli"
)

type clientsCommand struct {
	Name string `short:"n" placeholder:"NAME" help:"Only of this organization."`
}

// Help is shown by --help.
func (clientsCommand) Help() string {
	return `A line each: fingerprint, state (pending, active or disabled), organization, since when, name.

Examples:
  orgtool clients
  orgtool clients -n disaster-recov | grep pending`
}

// Run lists the clients, a line each.
func (l *clientsCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	clients, err := admin.Clients(ctx, l.Name)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(streams.Out, 0, 0, 2, ' ', 0)
	for _, k := range clients {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.Fingerprint, k.State, k.Organization, k.Created.Format(time.RFC3339), k.Name)
	}
	return w.Flush()
}

type enableClientCommand struct {
	Fingerprint string `required:"" placeholder:"FP" help:"The client's OpenPGP fingerprint, 40 hex digits."`
}

// Help is shown by --help.
func (enableClientCommand) Help() string {
	return `Its certificates are in force again, but for those that were revoked or retired.

Example:
  orgtool enable-client --fingerprint 4EDC46882386C827E20DEEA2D850ACA33BEDB0D1`
}

// Run enables the client.
func (e *enableClientCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	client, err := admin.EnableClient(ctx, e.Fingerprint)
	if err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "client %s of organization %s is %s\n", client.Fingerprint, client.Organization, client.State)
	return nil
}

type disableClientCommand struct {
	Fingerprint string `required:"" placeholder:"FP" help:"The client's OpenPGP fingerprint, 40 hex digits."`
}

// Help is shown by --help.
func (disableClientCommand) Help() string {
	return `Its deposits are kept, and it can be enabled again. Also while the database cannot be written: then
this node refuses the client at once, and tells the database once it can.

Example:
  orgtool disable-client --fingerprint 4EDC46882386C827E20DEEA2D850ACA33BEDB0D1`
}

// Run disables the client.
func (d *disableClientCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	client, err := admin.DisableClient(ctx, d.Fingerprint)
	if err != nil {
		return err
	}
	if client.Organization == "" { // the database, which knows, could not be asked
		fmt.Fprintf(streams.Err, "client %s is %s\n", client.Fingerprint, client.State)
	} else {
		fmt.Fprintf(streams.Err, "client %s of organization %s is %s\n", client.Fingerprint, client.Organization, client.State)
	}
	tellReach(streams, client.InForce)
	return nil
}
