package main

import (
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/plan"
)

type showCommand struct {
	Plan string `arg:"" name:"planfile" help:"A plan that 'ktadmin plan --out' saved."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Help is shown by --help.
func (showCommand) Help() string {
	return `Shows a saved plan as plan did when it was made, whatever the host is like by now.

Example:
  ktadmin show site.plan`
}

// Run shows the plan.
func (s *showCommand) Run(streams *cli.Streams) error {
	saved, err := readPlan(s.Plan)
	if err != nil {
		return err
	}
	if s.JSON {
		return cli.WriteJSON(streams.Out, saved.Plan)
	}
	return saved.Render(streams.Out, plan.Options{Color: colored(streams.Out)})
}
