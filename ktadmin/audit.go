package main

import (
	"fmt"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/fault"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Verify the hash chain of this node's audit log; ktsd may be running."`
}

type auditVerifyCommand struct{}

// Help is shown by --help.
func (auditVerifyCommand) Help() string {
	return `Reads every segment of the audit log and checks that no line was edited, removed,
moved or put in. Exits 1 at the first fault, and names its file and line.

Example:
  ktadmin audit verify`
}

// Run verifies and prints a report.
func (auditVerifyCommand) Run(c *command, streams *cli.Streams) error {
	dir, err := c.Dir()
	if err != nil {
		return err
	}
	report, err := audit.Verify(dir.Audit())
	if err != nil {
		return fault.New(fault.Corrupt, "the audit log does not hold: %v", err).
			WithHint("keep a copy of %s as it is before anything else, and find out who could write there", dir.Audit())
	}
	if err := report.Write(streams.Out); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
