// Ktsd is the key-escrow server: it keeps the deposits of registered clients and
// hands each back to the client that put it. This package is its command line,
// the wiring of the parts, signals and reload; what is allowed it leaves to
// package escrow, and it knows no HSM, no HCL and no cluster manager.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/cli/manual"
)

type command struct {
	cli.Server
	LogLevel string `help:"Least level of log lines: debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
}

// ballast is memory that is never touched, so it takes none of the machine's. It
// counts for the garbage collector, which would otherwise run at every few
// megabytes that requests leave behind; a higher GOGC would do the same for those
// and let ten thousand connections grow to twice their size.
var ballast = make([]byte, 16<<20)

func main() {
	code := run()
	runtime.KeepAlive(ballast)
	os.Exit(code)
}

func run() int {
	return cli.Main("The Key Trustee server. It reads keytrustee.conf in the configuration directory, which "+
		"'ktadmin init' makes and 'ktadmin apply' writes.\n\nSignals: TERM and INT stop it after the requests under way; "+
		"HUP has it read the configuration and the certificate again.", &command{})
}

// Manual is what the manual page says beside the help.
func (*command) Manual() manual.Page {
	return manual.Page{
		Section: 8,
		Files: []manual.Entry{
			{Name: "/var/lib/keytrustee/.keytrustee", Text: "The configuration directory, unless another one is named. Another one has the database, the audit log and the socket in its folder state."},
			{Name: "keytrustee.conf", Text: "Below it: the configuration, JSON, written by ktadmin alone."},
			{Name: "/var/lib/keytrustee/db, audit, run", Text: "The database, unless it is on PostgreSQL; the audit log; the lock and the deny list."},
			{Name: "/run/keytrustee/admin.sock", Text: "Where the operator's commands ask."},
		},
		SeeAlso: []string{"ktadmin(8)", "orgtool(1)", "keytrustee(1)"},
	}
}

// Run serves until ctx ends.
func (c *command) Run(ctx context.Context, streams *cli.Streams) error {
	dir, err := c.Dir()
	if err != nil {
		return err
	}
	log, err := newLog(streams.Err, c.LogLevel)
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // before the start, which it must not end
	k, err := start(ctx, dir, log, streams.Err)
	if err != nil {
		return err
	}
	return k.serve(ctx, hup)
}
