package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/ktsd/ktsd/hcl"
)

// sourceFlags are the flags of the commands that read a site.
type sourceFlags struct {
	File    []string `short:"f" sep:"none" placeholder:"PATH" help:"The site's file, or a directory with its files (*.hcl). May be given several times."`
	Var     []string `sep:"none" placeholder:"NAME=VALUE" help:"Set a variable of the site. Every process sees the command line, so this is for none that is sensitive."`
	VarFile []string `sep:"none" placeholder:"FILE" help:"Set variables from a file with lines NAME = VALUE, or from a JSON object (FILE.json)."`

	read *readSite // once it was
}

// readSite is what a site's files say.
type readSite struct {
	config *hcl.Config
	diags  hcl.Diagnostics
}

// load reads the site, once: what is asked for later is what was read first, however the
// files have changed, or come to their end, if they are pipes. One to which nobody
// writes is waited for, and whoever waits can interrupt it.
func (s *sourceFlags) load(ctx context.Context) (*hcl.Config, hcl.Diagnostics, error) {
	if s.read != nil {
		return s.read.config, slices.Clone(s.read.diags), nil
	}
	done := make(chan *readSite, 1)
	go func() {
		config, diags := hcl.Loader{Paths: s.File, Vars: s.Var, VarFiles: s.VarFile, Env: os.LookupEnv}.Load()
		done <- &readSite{config, diags}
	}()
	select {
	case s.read = <-done:
		return s.read.config, slices.Clone(s.read.diags), nil
	case <-ctx.Done():
		return nil, nil, errors.New("interrupted while reading the site; nothing was changed")
	}
}

// needsFile refuses a command line that names no file.
func (s *sourceFlags) needsFile() error {
	if len(s.File) == 0 {
		return errors.New("missing flags: -f, --file=PATH")
	}
	return nil
}

// name is what the site's files are called in what is printed.
func (s *sourceFlags) name() string { return strings.Join(s.File, ", ") }
