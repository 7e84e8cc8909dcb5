// Bench measures what ktsd costs: beside the least that a server of deposits has
// to do, the floor, and beside a peer that somebody else runs, in one run and on
// one machine. It is no part of what is installed.
package main

import (
	"os"

	"github.com/ktsd/ktsd/internal/cli"
)

type command struct {
	Compare   compareCommand   `cmd:"" default:"withargs" help:"Gets and puts of ktsd, the floor and a peer, side by side, and the bars (the default)."`
	Scale     scaleCommand     `cmd:"" help:"What gets and puts cost as deposits, clients, organizations and contents grow."`
	Footprint footprintCommand `cmd:"" help:"Cold start, memory, handshakes, and what a keytrustee get takes."`
	Site      siteCommand      `cmd:"" help:"What a plan and an apply of a large site take."`
	Soak      soakCommand      `cmd:"" help:"ktsd's memory over a long time of load."`
	Floor     floorCommand     `cmd:"" hidden:"" help:"Serve the floor."`
}

func main() { os.Exit(run()) }

func run() int {
	return cli.Main("Measures ktsd. Figures go to standard output, progress to standard error.", &command{})
}
