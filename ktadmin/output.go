package main

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/cli"
)

// verdict is what validate prints with --json, and plan and apply do when the
// file has errors.
type verdict struct {
	Valid       bool            `json:"valid"`
	Diagnostics hcl.Diagnostics `json:"diagnostics"`
}

// refuse prints diagnostics and gives the exit code that they mean.
func refuse(streams *cli.Streams, diags hcl.Diagnostics, asJSON bool) error {
	if asJSON {
		if err := cli.WriteJSON(streams.Out, verdict{Diagnostics: diags}); err != nil {
			return err
		}
	} else if err := diags.Write(streams.Err, colored(streams.Err)); err != nil {
		return err
	}
	return &cli.Coded{Code: cli.CodeError}
}

// colored tells whether w is a terminal whose user has not said NO_COLOR
// (no-color.org).
func colored(w any) bool {
	_, no := os.LookupEnv("NO_COLOR")
	return !no && isTerminal(w)
}

// isTerminal tells whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
