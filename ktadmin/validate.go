package main

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/cli"
)

type validateCommand struct {
	sourceFlags
	JSON bool `name:"json" help:"Print the verdict as JSON."`
}

// Help is shown by --help.
func (validateCommand) Help() string {
	return `Looks at the files alone: no server, no certificate, no other host is needed. All errors are
shown at once, each with its place. Exits 0 or 1.

Examples:
  ktadmin validate -f site.hcl
  ktadmin validate -f /etc/keytrustee/site -f test.hcl --var domain=example.com --var-file test.vars`
}

// Validate is called by kong.
func (v *validateCommand) Validate() error { return v.needsFile() }

// Run validates the files.
func (v *validateCommand) Run(ctx context.Context, streams *cli.Streams) error {
	config, diags, err := v.load(ctx)
	if err != nil {
		return err
	}
	for _, server := range config.Site().Servers {
		warnings, wrong := checkCiphers(config, server)
		diags = append(diags, wrong...)
		for _, w := range warnings {
			diags = append(diags, config.WarningAt(w.Block, w.Name, w.Attribute, w.Text, ""))
		}
	}
	config.Sort(diags)
	if diags.HasErrors() {
		return refuse(streams, diags, v.JSON)
	}
	if v.JSON {
		return cli.WriteJSON(streams.Out, verdict{Valid: true, Diagnostics: append(hcl.Diagnostics{}, diags...)})
	}
	if err := diags.Write(streams.Err, colored(streams.Err)); err != nil {
		return err
	}
	is := "is"
	if len(v.File) > 1 {
		is = "are"
	}
	_, err = fmt.Fprintf(streams.Out, "%s %s valid.\n", v.name(), is)
	return err
}
