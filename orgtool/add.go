package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
)

type addCommand struct {
	Name     string   `short:"n" required:"" placeholder:"NAME" help:"The organization: letters, digits, hyphens, underscores."`
	Contacts []string `short:"c" required:"" placeholder:"A@X,B@Y" help:"Its contacts' mail addresses, with commas and no spaces between."`
}

// Help is shown by --help.
func (addCommand) Help() string {
	return `A new organization lets clients in by an authorization code, which is generated.

Example:
  orgtool add -n disaster-recov -c finn@example.com,jake@example.com`
}

// Run adds the organization, or only the contacts where it exists.
func (a *addCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	err = admin.CreateOrganization(ctx, client.NewOrganization{Name: a.Name, Contacts: a.Contacts})
	if err == nil {
		fmt.Fprintf(streams.Err, "organization %s added; get-auth -n %s prints its authorization code\n", a.Name, a.Name)
		return nil
	}
	if !errors.Is(err, client.ErrConflict) {
		return err
	}
	if err := admin.AddContacts(ctx, a.Name, a.Contacts); err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "organization %s exists; contacts added: %d\n", a.Name, len(a.Contacts))
	warnOwned(ctx, streams, admin, a.Name)
	return nil
}

type removeContactCommand struct {
	Name    string `short:"n" required:"" placeholder:"NAME" help:"The organization."`
	Contact string `short:"c" required:"" placeholder:"A@X" help:"The contact."`
}

// Help is shown by --help.
func (removeContactCommand) Help() string {
	return `One that is not there is no error. Also while the database cannot be written: then this node takes
the contact for none at once, and tells the database once it can.

Example:
  orgtool remove-contact -n disaster-recov -c finn@example.com`
}

// Run removes the contact.
func (r *removeContactCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	reach, err := admin.RemoveContact(ctx, r.Name, r.Contact)
	if err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "organization %s is without contact %s\n", r.Name, r.Contact)
	tellReach(streams, &reach)
	warnOwned(ctx, streams, admin, r.Name)
	return nil
}
