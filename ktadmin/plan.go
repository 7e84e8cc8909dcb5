package main

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/plan"
)

type planCommand struct{ siteFlags }

// Help is shown by --help.
func (planCommand) Help() string {
	return `Compares the file with what is live on this host: keytrustee.conf, and what ktsd says. Each host
of a site looks at its own server block. Exits 0 if they match, 2 if they differ, 1 at an error.

Examples:
  ktadmin plan -f site.hcl
  ktadmin plan -f site.hcl --json`
}

// Run shows the plan.
func (p *planCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	made, running, err := p.make(ctx, h, streams)
	if err != nil {
		return err
	}
	if err := p.show(streams, made); err != nil {
		return err
	}
	if !running && len(made.Unknown) == 0 {
		fmt.Fprintln(streams.Err, "ktsd is not running")
	}
	if !made.InSync() {
		return &cli.Coded{Code: cli.CodeDifferences}
	}
	return nil
}

// make compares the file with the host, and tells whether ktsd runs there. Errors
// of the file are printed.
func (s *siteFlags) make(ctx context.Context, h *host, streams *cli.Streams) (made plan.Plan, running bool, err error) {
	conf, err := h.conf()
	if err != nil {
		return made, false, err
	}
	desired, diags, err := s.desired(h.dir, conf)
	if err != nil {
		return made, false, err
	}
	if diags.HasErrors() {
		return made, false, refuse(streams, diags, s.JSON)
	}
	live, err := h.live(ctx, conf)
	if err != nil {
		return made, false, err
	}
	return plan.Diff(desired, live), live.Running != nil, nil
}

// show prints a plan.
func (s *siteFlags) show(streams *cli.Streams, p plan.Plan) error {
	if s.JSON {
		return cli.WriteJSON(streams.Out, p)
	}
	return plan.Render(streams.Out, p, plan.Options{Color: colored(streams.Out)})
}
