// Package cli is what the command lines have in common: parsing with kong,
// signals, the form of errors, exit codes, --version, --man and --completion. It
// knows no command.
//
// Exit codes: 0 done (for plan: in sync); 1 an error; 2 differences (plan), or a
// certificate that ends soon (cert show); 3 no such thing (keytrustee); 64 the
// command line was wrong (EX_USAGE of sysexits.h).
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/safefile"
)

// Version is set when a release is built (-ldflags -X).
var Version = "devel"

// Exit codes.
const (
	CodeError       = 1
	CodeDifferences = 2
	CodeNotFound    = 3
	CodeUsage       = 64
)

// Streams are where a command reads and writes. Results go to Out, all else to
// Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Coded is an error that ends the program with a code of its own. With a nil Err
// nothing more is printed.
type Coded struct {
	Code int
	Err  error
}

func (c *Coded) Error() string {
	if c.Err == nil {
		return fmt.Sprintf("exit code %d", c.Code)
	}
	return c.Err.Error()
}

// Unwrap returns the error itself.
func (c *Coded) Unwrap() error { return c.Err }

// Main parses the command line into grammar, runs the command that it names, and
// returns the exit code. A command is a kong node with a method Run, which may
// take a context.Context, which ends at SIGINT and SIGTERM, and a *Streams. A grammar
// that is Documented says more for its manual page.
func Main(description string, grammar any, options ...kong.Option) int {
	name := filepath.Base(os.Args[0])
	streams := &Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	if len(os.Args) == 2 && os.Args[1] == "--version" { // no kong flag: a command may have one of that name
		fmt.Fprintf(streams.Out, "%s %s (%s, %s/%s)\n", name, Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return 0
	}
	about := aboutOf(grammar)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	parser, err := kong.New(grammar, append([]kong.Option{
		kong.Name(name), kong.Description(description + ending(name, about)), kong.Bind(streams),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	}, options...)...)
	if err != nil {
		return report(streams.Err, name, err)
	}
	if printed, err := document(streams.Out, name, description, about, parser.Model, os.Args[1:]); printed {
		return report(streams.Err, name, err)
	}
	parsed, err := parser.Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(streams.Err, "%s: error: %v\n%s: hint: see '%s --help'\n", name, err, name, helpFor(name, err))
		return CodeUsage
	}
	return report(streams.Err, name, parsed.Run())
}

// helpFor returns the command, as far as it was understood, whose help to read.
func helpFor(name string, err error) string {
	parse, ok := errors.AsType[*kong.ParseError](err)
	if !ok || parse.Context == nil || parse.Context.Command() == "" {
		return name
	}
	command, _, _ := strings.Cut(parse.Context.Command(), " <")
	return name + " " + command
}

// report prints err in the form of all our programs and returns the exit code.
func report(w io.Writer, name string, err error) int {
	if err == nil {
		return 0
	}
	code := CodeError
	if coded, ok := errors.AsType[*Coded](err); ok {
		code = coded.Code
		if coded.Err == nil {
			return code
		}
	}
	fmt.Fprintf(w, "%s: error: %v\n", name, err)
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "%s: hint: %s\n", name, hint)
	}
	return code
}

func hintOf(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Hint
	}
	return ""
}

// ReadSecret returns the secret in a file, or on standard input for "-", without
// the line break that ends it. It reads at most 4096 bytes. It may wait for somebody who
// writes, until ctx ends.
func ReadSecret(ctx context.Context, streams *Streams, file string) (string, error) {
	type result struct {
		secret string
		err    error
	}
	done := make(chan result, 1)
	go func() {
		secret, err := readSecret(streams, file)
		done <- result{secret, err}
	}()
	select {
	case r := <-done:
		return r.secret, r.err
	case <-ctx.Done():
		return "", errors.New("interrupted while reading a secret")
	}
}

func readSecret(streams *Streams, file string) (string, error) {
	r := streams.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		r = f
	}
	return safefile.ReadSecretFrom(r)
}
