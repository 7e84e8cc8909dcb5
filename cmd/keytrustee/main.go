// Keytrustee is the client's command: it registers a host or program with a Key
// Trustee server, and puts deposits there and gets them back. All it does is in
// package client; here are its flags and what it prints.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/cli/manual"
)

type command struct {
	Confdir string `help:"The client's directory (${env}; default: ~/.keytrustee)." env:"KEYTRUSTEE_CLIENT_CONFDIR" placeholder:"DIR"`

	Register registerCommand `cmd:"" help:"Make this client's keys and register it with an organization."`
	Status   statusCommand   `cmd:"" help:"Show who this client is and what the server says of it."`
	Put      putCommand      `cmd:"" help:"Encrypt a secret and deposit it under a handle."`
	Get      getCommand      `cmd:"" help:"Fetch a deposit, verify it and decrypt it."`
	List     listCommand     `cmd:"" help:"List deposits."`
	Delete   deleteCommand   `cmd:"" help:"Delete a version under a handle; undelete brings it back."`
	Undelete undeleteCommand `cmd:"" help:"Bring a deleted deposit back."`
	Purge    purgeCommand    `cmd:"" help:"Take the contents of a deleted deposit away for good."`

	Certificates      certificatesCommand      `cmd:"" help:"List this client's certificates."`
	RotateCertificate rotateCertificateCommand `cmd:"" help:"Put another TLS key and certificate in the place of this client's."`
	RetireCertificate retireCertificateCommand `cmd:"" help:"End one of this client's certificates for good."`
}

func main() { os.Exit(run()) }

func run() int {
	return cli.Main("The client of a Key Trustee server.", &command{})
}

// Manual is what the manual page says beside the help.
func (*command) Manual() manual.Page {
	return manual.Page{
		Section: 1,
		Exits:   []manual.Exit{{Code: cli.CodeNotFound, Meaning: "no such deposit"}},
		Files: []manual.Entry{
			{Name: "~/.keytrustee", Text: "The client's directory, unless another one is named: its keys and certificate, all of mode 0600. Without it every deposit is lost."},
		},
		SeeAlso: []string{"orgtool(1)", "ktadmin(8)", "ktsd(8)"},
	}
}

// directory returns the client's directory.
func (c *command) directory() (string, error) {
	if c.Confdir != "" {
		return filepath.Abs(c.Confdir)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the client's directory: %w (give --confdir)", err)
	}
	return filepath.Join(home, ".keytrustee"), nil
}

// open returns the registered client.
func (c *command) open() (*client.Client, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	return client.Open(dir)
}

// absent gives an error that says that there is no such deposit its exit code.
func absent(err error) error {
	if errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrGone) {
		return &cli.Coded{Code: cli.CodeNotFound, Err: err}
	}
	return err
}
