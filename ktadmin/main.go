// Ktadmin is the operator's command: it makes a server's directory, compares a
// declared site with the live one, and brings the one to the other. It changes
// files of this host itself and everything else through ktsd's admin socket; it
// opens ktsd's database only to create it, and, while ktsd is stopped, to
// authenticate what an earlier build wrote there.
package main

import (
	"os"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/cli/manual"
)

type command struct {
	cli.Server
	Init     initCommand     `cmd:"" help:"Make a server's configuration directory, keys, certificate and database."`
	Fmt      fmtCommand      `cmd:"" help:"Format a site's files."`
	Validate validateCommand `cmd:"" help:"Check a site's files, wherever they are."`
	Plan     planCommand     `cmd:"" help:"Show what apply would change, and change nothing."`
	Apply    applyCommand    `cmd:"" help:"Make this host what the site's file declares."`
	Show     showCommand     `cmd:"" help:"Show a plan that was saved."`
	Export   exportCommand   `cmd:"" help:"Write what is live on this host as a site's file."`
	Status   statusCommand   `cmd:"" help:"Show how this host's server does, and what is wrong."`
	Cert     certCommand     `cmd:"" help:"Request, make, install and show the TLS certificate."`
	Audit    auditCommand    `cmd:"" help:"Look into the audit log."`
	DB       dbCommand       `cmd:"" name:"db" help:"Work on the database while ktsd is stopped."`
}

func main() { os.Exit(run()) }

func run() int {
	return cli.Main("The operator's command of a Key Trustee server.", &command{})
}

// Manual is what the manual page says beside the help.
func (*command) Manual() manual.Page {
	return manual.Page{
		Section:     8,
		Exits:       []manual.Exit{{Code: cli.CodeDifferences, Meaning: "differences (plan), warnings (status)"}},
		Environment: []manual.Entry{{Name: "NO_COLOR", Text: "Set to anything, it keeps colors out of what is shown on a terminal."}},
		Files: []manual.Entry{
			{Name: "/var/lib/keytrustee/.keytrustee", Text: "The configuration directory, unless another one is named."},
			{Name: "keytrustee.conf", Text: "Below it: what ktsd works with, JSON, written by ktadmin alone."},
			{Name: "/run/keytrustee/admin.sock", Text: "Where ktsd is asked; for another directory it is state/run/admin.sock below that."},
		},
		SeeAlso: []string{"ktsd(8)", "orgtool(1)", "keytrustee(1)"},
	}
}
