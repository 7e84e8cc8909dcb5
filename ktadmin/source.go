package main

import (
	"errors"
	"os"
	"strings"

	"github.com/ktsd/ktsd/hcl"
)

// sourceFlags are the flags of the commands that read a site.
type sourceFlags struct {
	File    []string `short:"f" sep:"none" placeholder:"PATH" help:"The site's file, or a directory with its files (*.hcl). May be given several times."`
	Var     []string `sep:"none" placeholder:"NAME=VALUE" help:"Set a variable of the site. Every process sees the command line, so this is for none that is sensitive."`
	VarFile []string `sep:"none" placeholder:"FILE" help:"Set variables from a file with lines NAME = VALUE, or from a JSON object (FILE.json)."`
}

// load reads the site.
func (s *sourceFlags) load() (*hcl.Config, hcl.Diagnostics) {
	return hcl.Loader{Paths: s.File, Vars: s.Var, VarFiles: s.VarFile, Env: os.LookupEnv}.Load()
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
