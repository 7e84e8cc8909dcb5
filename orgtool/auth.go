package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/fault"
)

type setAuthCommand struct {
	Name       string  `short:"n" required:"" placeholder:"NAME" help:"The organization."`
	Secret     *string `short:"s" xor:"secret" placeholder:"SECRET" help:"The new code; - to read it from standard input; empty to let clients in without one. Others on this host can see it while the command runs: prefer -."`
	SecretFile string  `xor:"secret" placeholder:"FILE" help:"File that holds the new code."`
}

// Help is shown by --help.
func (setAuthCommand) Help() string {
	return `Clients that are registered stay so. An empty code (-s "") lets in anybody who can reach the
server; the original does the same, and recommends against it.

Examples:
  orgtool set-auth -n disaster-recov -s -  < code
  orgtool set-auth -n disaster-recov --secret-file code`
}

// Run sets the code.
func (s *setAuthCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	if s.Secret != nil && *s.Secret == "" {
		if err := admin.SetAdmission(ctx, s.Name, "automatic", ""); err != nil {
			return err
		}
		fmt.Fprintf(streams.Err, "warning: organization %s now lets in anybody who can reach the server, without a code\n", s.Name)
		warnOwned(ctx, streams, admin, s.Name)
		return nil
	}
	code, err := s.read(ctx, streams)
	if err != nil {
		return err
	}
	if err := s.check(ctx, admin); err != nil {
		return err
	}
	if err := admin.SetAdmission(ctx, s.Name, "auth_code", code); err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "organization %s has a new authorization code\n", s.Name)
	warnOwned(ctx, streams, admin, s.Name)
	return nil
}

// check keeps a code from taking the place of the contacts' approval unnoticed.
func (s *setAuthCommand) check(ctx context.Context, admin *client.Admin) error {
	orgs, err := admin.Organizations(ctx)
	if err != nil {
		return err
	}
	for _, o := range orgs {
		if o.Name == s.Name && o.Approval == "contacts" {
			return fault.New(client.ErrConflict, "clients of organization %s are let in by its contacts, and a code would let them in without", s.Name).
				WithHint("if that is meant, set approval = \"auth_code\" in the site's file and apply it")
		}
	}
	return nil
}

// read returns the code from where it was said to be. One that is empty there is
// an accident, not a wish.
func (s *setAuthCommand) read(ctx context.Context, streams *cli.Streams) (code string, err error) {
	switch {
	case s.Secret == nil && s.SecretFile == "":
		return "", &cli.Coded{Code: cli.CodeUsage, Err: fault.New(fault.Invalid, "no code is given").WithHint("give -s -, or --secret-file FILE")}
	case s.Secret == nil:
		code, err = cli.ReadSecret(ctx, streams, s.SecretFile)
	case *s.Secret == "-":
		code, err = cli.ReadSecret(ctx, streams, "-")
	default:
		return *s.Secret, nil
	}
	if err == nil && code == "" {
		err = errors.New("the code that was read is empty")
	}
	return code, err
}

type getAuthCommand struct {
	Name string `short:"n" required:"" placeholder:"NAME" help:"The organization."`
}

// Help is shown by --help.
func (getAuthCommand) Help() string {
	return `Standard output is the code alone. Exits 1 where the organization has none.

Example:
  orgtool get-auth -n disaster-recov >code`
}

// Run prints the code alone.
func (g *getAuthCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	orgs, err := admin.Organizations(ctx)
	if err != nil {
		return err
	}
	for _, o := range orgs {
		if o.Name != g.Name {
			continue
		}
		if o.AuthCode == "" {
			return fault.New(client.ErrNotFound, "organization %s lets clients in by %q and has no authorization code", o.Name, o.Approval)
		}
		fmt.Fprintln(streams.Out, o.AuthCode)
		return nil
	}
	return fault.New(client.ErrNotFound, "no organization %s", g.Name).WithHint("orgtool list shows those that exist")
}
