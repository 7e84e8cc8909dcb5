package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/safefile"
)

type fmtCommand struct {
	Check bool     `help:"Change nothing; exit 2 if something would be."`
	Paths []string `arg:"" name:"path" help:"A file, a directory with files (*.hcl), or - for the standard input."`
}

// Help is shown by --help.
func (fmtCommand) Help() string {
	return `Sets the spaces of files in the form that all files have, and prints the names of those it changed.
A file keeps its mode and its owner, and is replaced at once or not at all. One with a wrong syntax
is reported, and left as it is. Of the standard input, the formatted text is printed.
Exits 0, at a wrong syntax 1, and with --check 2 if something would be changed.

Examples:
  ktadmin fmt site.hcl
  ktadmin fmt --check /etc/keytrustee/site
  ktadmin fmt - <site.hcl`
}

// Run formats the files.
func (f *fmtCommand) Run(streams *cli.Streams) error {
	var diags hcl.Diagnostics
	changed := false
	for _, path := range f.Paths {
		if path == "-" {
			differs, wrong, err := f.input(streams)
			if err != nil {
				return err
			}
			changed, diags = changed || differs, append(diags, wrong...)
			continue
		}
		files, wrong := hcl.Files(path)
		diags = append(diags, wrong...)
		for _, file := range files {
			differs, wrong, err := f.file(streams, file)
			if err != nil {
				return err
			}
			changed, diags = changed || differs, append(diags, wrong...)
		}
	}
	switch {
	case diags.HasErrors():
		return refuse(streams, diags, false)
	case changed && f.Check:
		return &cli.Coded{Code: cli.CodeDifferences}
	}
	return nil
}

// file formats one file, and tells whether its text changes by that.
func (f *fmtCommand) file(streams *cli.Streams, file string) (changed bool, diags hcl.Diagnostics, err error) {
	text, diags := hcl.ReadFile(file)
	if diags != nil {
		return false, diags, nil
	}
	formatted, diags := hcl.Format(text, file)
	if diags.HasErrors() || bytes.Equal(text, formatted) {
		return false, diags, nil
	}
	if !f.Check {
		if err := safefile.Replace(file, formatted); err != nil {
			return false, nil, err
		}
	}
	_, err = fmt.Fprintln(streams.Out, file)
	return true, nil, err
}

// input formats the standard input.
func (f *fmtCommand) input(streams *cli.Streams) (changed bool, diags hcl.Diagnostics, err error) {
	text, err := io.ReadAll(io.LimitReader(streams.In, hcl.MaxFileSize+1))
	if err != nil {
		return false, nil, fmt.Errorf("reading the standard input: %w", err)
	}
	formatted, diags := hcl.Format(text, "standard input")
	if diags.HasErrors() {
		return false, diags, nil
	}
	if !f.Check {
		_, err = streams.Out.Write(formatted)
	}
	return !bytes.Equal(text, formatted), nil, err
}
