package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/postgres"
	"github.com/ktsd/ktsd/internal/seal"
	"github.com/ktsd/ktsd/internal/sqlite"
)

type dbCommand struct {
	Authenticate dbAuthenticateCommand `cmd:"" help:"Authenticate the rows of a database that an earlier build wrote."`
}

type dbAuthenticateCommand struct {
	AutoApprove bool `help:"Do not ask."`
}

// Help is shown by --help.
func (dbAuthenticateCommand) Help() string {
	return `The rows that decide over access (organizations, contacts, clients, certificates) carry a MAC under
the key-encryption key, and ktsd serves nobody by a row without one. An earlier build wrote none:
this lists the rows without a MAC, asks, and makes them authentic as they are. So look at the list
first: whoever could write to the database may have put a row of their own there.

A row with another MAC than its own is named and stays refused: it was changed, or comes from
another server. Exits 1 where there is such a row. ktsd must be stopped.

Examples:
  ktadmin db authenticate
  ktadmin db authenticate --auto-approve`
}

// Run authenticates the rows.
func (d *dbAuthenticateCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	dir, err := c.Dir()
	if err != nil {
		return err
	}
	conf, err := dir.ReadConf()
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "there is no %s", dir.Conf()).WithHint("is it the right directory? --confdir")
	} else if err != nil {
		return err
	}
	if err := dir.Check(conf); err != nil {
		return err
	}
	lock, err := dir.TakeLock()
	if errors.Is(err, confdir.ErrLocked) {
		return fault.New(fault.Conflict, "ktsd is running; nothing was changed").
			WithHint("stop it (systemctl stop ktsd), do this again, and start it")
	} else if err != nil {
		return err
	}
	defer lock.Close()
	sealer, err := readSealer(dir)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, dir, conf, lock)
	if err != nil {
		return err
	}
	err = d.authenticate(ctx, store, sealer, streams)
	return errors.Join(err, store.Close())
}

// authenticate shows the rows, asks, and authenticates.
func (d *dbAuthenticateCommand) authenticate(ctx context.Context, store escrow.Store, sealer escrow.Sealer, streams *cli.Streams) error {
	rows, err := escrow.ReadRows(ctx, store, sealer)
	if err != nil {
		return err
	}
	foreign := foreignRows(rows)
	if err := showRows(streams.Out, rows); err != nil || len(rows.Unauthenticated) == 0 {
		return errors.Join(err, foreign)
	}
	if err := d.ask(streams); err != nil {
		return err
	}
	operator := escrow.Caller{Operator: true, UID: os.Getuid(), Source: "ktadmin"}
	if err := escrow.AuthenticateRows(ctx, store, sealer, rows.Unauthenticated, operator); err != nil {
		return err
	}
	fmt.Fprintf(streams.Out, "authenticated: %s\n", escrow.Counts(rows.Unauthenticated))
	return foreign
}

// showRows prints what is not authentic.
func showRows(out io.Writer, rows escrow.Rows) error {
	if len(rows.Unauthenticated)+len(rows.Foreign) == 0 {
		_, err := fmt.Fprintf(out, "all rows are authentic: %d\n", rows.Authentic)
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, part := range []struct {
		state string
		rows  []escrow.Row
	}{{"no MAC", rows.Unauthenticated}, {"WRONG MAC", rows.Foreign}} {
		for _, r := range part.rows {
			of := "" // quoted, as all that somebody may have written by hand
			if r.Client != "" {
				of = fmt.Sprintf("of %q", r.Client)
			} else if r.Organization != "" {
				of = fmt.Sprintf("of %q", r.Organization)
			}
			fmt.Fprintf(w, "%s\t%s\t%q\t%s\t%q\t%s\n", part.state, r.Kind, r.Name, r.Created.Format(time.RFC3339), r.Grants, of)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if rows.Authentic > 0 && len(rows.Unauthenticated) > 0 {
		_, err := fmt.Fprintf(out, "\n%d other rows are authentic. An earlier build wrote no MAC at all: so a row without one may have been\nwritten by hand.\n", rows.Authentic)
		return err
	}
	return nil
}

// foreignRows is the error about rows with another MAC than their own.
func foreignRows(rows escrow.Rows) error {
	if len(rows.Foreign) == 0 {
		return nil
	}
	return fault.New(fault.Corrupt, "rows that this server did not write stay refused: %s", escrow.Counts(rows.Foreign)).
		WithHint("find out who changed them; restore them from a backup")
}

// ask lets nothing happen unasked.
func (d *dbAuthenticateCommand) ask(streams *cli.Streams) error {
	if d.AutoApprove {
		return nil
	}
	if !isTerminal(streams.In) {
		return fault.New(fault.Denied, "nobody can be asked: standard input is no terminal; nothing was changed").
			WithHint("look at the rows, then give --auto-approve")
	}
	fmt.Fprint(streams.Err, "\nIs every row without a MAC yours? Only yes is a yes: ")
	answer, err := bufio.NewReader(streams.In).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return errors.Join(errors.New("nothing was changed"), err)
	}
	return nil
}

// readSealer returns what seals with the directory's KEK ring.
func readSealer(dir confdir.Dir) (*seal.Sealer, error) {
	data, err := os.ReadFile(dir.KEKRing())
	if err != nil {
		return nil, fmt.Errorf("reading the KEK ring: %w", err)
	}
	ring, err := seal.ParseRing(data)
	clear(data)
	if err != nil {
		return nil, fmt.Errorf("reading the KEK ring %s: %w", dir.KEKRing(), err)
	}
	return seal.New(ring)
}

// openedStore is a database that is ktsd's, while that is stopped.
type openedStore interface {
	escrow.Store
	io.Closer
}

// openStore opens the database that keytrustee.conf names as ktsd does, whose lock
// is held.
func openStore(ctx context.Context, dir confdir.Dir, conf confdir.Conf, lock *os.File) (openedStore, error) {
	node, err := conf.Node()
	if err != nil {
		return nil, err
	}
	url, err := conf.ReadDatabaseURL()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir.Conf(), err)
	}
	if url == "" {
		return openSQLite(ctx, dir, node)
	}
	if err := postgres.CheckURL(url); err != nil {
		return nil, fmt.Errorf("%s: %w", dir.Conf(), err)
	}
	instance, err := confdir.Instance(lock)
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, url, postgres.Options{Node: node, Instance: instance})
}

// openSQLite opens the database file. Should this be killed, what it leaves is the
// service account's, not root's.
func openSQLite(ctx context.Context, dir confdir.Dir, node string) (openedStore, error) {
	store, err := sqlite.Open(ctx, dir.Database(), node)
	if errors.Is(err, sqlite.ErrNoDatabase) {
		return nil, fault.New(fault.NotFound, "the database %s is missing", dir.Database()).WithHint("restore it from a backup")
	} else if err != nil {
		return nil, err
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if confdir.Exists(dir.Database() + suffix) {
			err = errors.Join(err, dir.Adopt(dir.Database()+suffix))
		}
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}
