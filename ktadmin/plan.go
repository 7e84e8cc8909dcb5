package main

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/internal/cli"
)

type planCommand struct {
	siteFlags
	Out string `placeholder:"FILE" help:"Save the plan, for 'ktadmin apply FILE' to do just this, or nothing."`
}

// Help is shown by --help.
func (planCommand) Help() string {
	return `Compares the file with what is live on this host: keytrustee.conf, and what ktsd says. Each host
of a site looks at its own server block. Exits 0 if they match, 2 if they differ, 1 at an error.

In a plan, + is added, ~ changed, - removed, and ! is worth a look before it is applied.

A saved plan is a secret (mode 0600) and belongs to this host. It holds no authorization code.

Examples:
  ktadmin plan -f site.hcl
  ktadmin plan -f site.hcl --json
  ktadmin plan -f site.hcl --out site.plan`
}

// Validate is called by kong.
func (p *planCommand) Validate() error { return p.needsFile() }

// Run shows the plan.
func (p *planCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	made, err := h.compare(ctx, &p.siteFlags, streams, p.JSON)
	if err != nil {
		return err
	}
	if p.Out != "" {
		if err := h.savePlan(p.Out, made); err != nil {
			return fmt.Errorf("saving the plan: %w", err)
		}
	}
	if err := show(streams, made.Plan, p.JSON); err != nil {
		return err
	}
	if !made.running && len(made.Unknown) == 0 {
		fmt.Fprintln(streams.Err, "ktsd is not running")
	}
	if !made.InSync() {
		return &cli.Coded{Code: cli.CodeDifferences}
	}
	return nil
}
