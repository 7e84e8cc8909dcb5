package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
)

type initCommand struct {
	Hostname      string `help:"This host's name, for certificate and keys (default: what 'hostname -f' says)." placeholder:"NAME"`
	EmptyDatabase bool   `help:"Begin with an empty database: on a directory copied from another node, or on PostgreSQL, where keytrustee.conf names it."`
}

// Help is shown by --help.
func (initCommand) Help() string {
	return `Makes what is missing, keeps what is there, and ends with the fingerprint. Run again it
changes nothing. An interrupted init is completed by the next one.

On a passive server, whose directory was copied from the active one without .ssl, it keeps
the keys and makes .ssl alone.

A new directory has SQLite. Where keytrustee.conf names a PostgreSQL database, as 'ktadmin apply'
has it do, init leaves that alone; with --empty-database it makes the tables, if there are none.

Examples:
  ktadmin init
  ktadmin init --hostname kts01.example.com
  ktadmin init --confdir /srv/keytrustee --hostname localhost`
}

// Run makes the directory.
func (i *initCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	dir, err := c.Dir()
	if err != nil {
		return err
	}
	d := &initializer{dir: dir, hostname: strings.ToLower(i.Hostname), emptyDatabase: i.EmptyDatabase}
	key, err := d.run(ctx)
	for _, made := range d.made {
		fmt.Fprintf(streams.Out, "made %s\n", made)
	}
	if err != nil {
		return err
	}
	if len(d.made) == 0 {
		fmt.Fprintf(streams.Out, "%s was initialized before; nothing was changed\n", dir)
	}
	if len(d.made) > 0 && d.conf.Certificate != "" {
		fmt.Fprintf(streams.Out, "keytrustee.conf names the certificate %s, which takes precedence over .ssl\n", d.conf.Certificate)
	}
	if !d.conf.UsesPostgres() && !confdir.Exists(dir.Database()) {
		fmt.Fprintf(streams.Out, "no database was made: this directory was copied from another node (ktadmin init --empty-database makes one)\n")
	}
	fmt.Fprintf(streams.Out, "Initialized directory for %s\n", key)
	return nil
}
