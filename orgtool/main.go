// Orgtool administers organizations and their clients on the server's host; it
// is installed as keytrustee-orgtool too, the original's name. Everything it does
// goes through ktsd's admin socket; it opens no database.
package main

import (
	"os"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/cli/manual"
)

type command struct {
	cli.Server
	Add           addCommand           `cmd:"" help:"Add an organization, or contacts to one that exists."`
	List          listCommand          `cmd:"" help:"Print the organizations as one JSON object."`
	SetAuth       setAuthCommand       `cmd:"" help:"Set an organization's authorization code."`
	GetAuth       getAuthCommand       `cmd:"" help:"Print an organization's authorization code."`
	RemoveContact removeContactCommand `cmd:"" help:"Remove a contact from an organization."`
	Clients       clientsCommand       `cmd:"" help:"List the registered clients."`
	EnableClient  enableClientCommand  `cmd:"" help:"Let a pending or disabled client in."`
	DisableClient disableClientCommand `cmd:"" help:"Shut a client out from its next request on."`

	Certificates      certificatesCommand      `cmd:"" help:"List a client's certificates."`
	RevokeCertificate revokeCertificateCommand `cmd:"" help:"End a certificate, from its next request on and for good."`
	Purge             purgeCommand             `cmd:"" help:"Take the contents of a deleted deposit away for good, at once."`
}

func main() { os.Exit(run()) }

func run() int {
	return cli.Main("Organizations of a Key Trustee server, their contacts and clients.", &command{})
}

// Manual is what the manual page says beside the help.
func (*command) Manual() manual.Page {
	return manual.Page{
		Section: 1,
		Files: []manual.Entry{
			{Name: "/var/lib/keytrustee/.keytrustee", Text: "The configuration directory, unless another one is named."},
			{Name: "/run/keytrustee/admin.sock", Text: "Where ktsd is asked; for another directory it is state/run/admin.sock below that."},
		},
		SeeAlso: []string{"ktadmin(8)", "ktsd(8)", "keytrustee(1)"},
	}
}

// admin returns the way to ktsd.
func (c *command) admin() (*client.Admin, error) {
	dir, err := c.Dir()
	if err != nil {
		return nil, err
	}
	return client.NewAdmin(dir.DialSocket), nil
}
