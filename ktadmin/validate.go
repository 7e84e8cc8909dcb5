package main

import (
	"fmt"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/cli"
)

type validateCommand struct {
	File string `short:"f" required:"" placeholder:"FILE" help:"The site's file."`
	JSON bool   `name:"json" help:"Print the verdict as JSON."`
}

// Help is shown by --help.
func (validateCommand) Help() string {
	return `Looks at the file alone: no server, no certificate, no other host is needed. All errors are
shown at once, each with its place. Exits 0 or 1.

Example:
  ktadmin validate -f site.hcl`
}

// Run validates the file.
func (v *validateCommand) Run(streams *cli.Streams) error {
	if _, diags := hcl.Load(v.File); diags.HasErrors() {
		return refuse(streams, diags, v.JSON)
	}
	if v.JSON {
		return cli.WriteJSON(streams.Out, verdict{Valid: true, Diagnostics: hcl.Diagnostics{}})
	}
	_, err := fmt.Fprintf(streams.Out, "%s is valid.\n", v.File)
	return err
}
