package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/ktsd/ktsd/internal/cli/completion"
	"github.com/ktsd/ktsd/internal/cli/manual"
	"github.com/ktsd/ktsd/internal/fault"
)

// Documented is a grammar that has more to say of its program. Its exit codes are
// those beside 0, 1 and 64, which all programs have.
type Documented interface{ Manual() manual.Page }

// aboutOf returns what there is to say of a program, with all its exit codes.
func aboutOf(grammar any) manual.Page {
	page := manual.Page{Section: 1}
	if d, ok := grammar.(Documented); ok {
		page = d.Manual()
	}
	page.Exits = append([]manual.Exit{{Code: 0, Meaning: "done"}, {Code: CodeError, Meaning: "an error"}}, page.Exits...)
	page.Exits = append(page.Exits, manual.Exit{Code: CodeUsage, Meaning: "wrong usage"})
	return page
}

// ending is what the help of every program ends its description with.
func ending(name string, page manual.Page) string {
	codes := make([]string, len(page.Exits))
	for i, e := range page.Exits {
		codes[i] = fmt.Sprintf("%d %s", e.Code, e.Meaning)
	}
	return fmt.Sprintf("\n\nExit codes: %s.\n\n'%[2]s --version' prints the version, '%[2]s --man' the manual page, and "+
		"'%[2]s --completion %[3]s' what makes a shell complete its arguments.", strings.Join(codes, ", "), name, strings.Join(completion.Shells(), "|"))
}

// document prints what --man and --completion ask for. They are no kong flags, as
// --version is none, and stand alone. It tells whether one of them was given.
func document(w io.Writer, name, description string, page manual.Page, model *kong.Application, args []string) (printed bool, err error) {
	switch {
	case slices.Equal(args, []string{"--man"}):
		date, err := sourceDate()
		if err != nil {
			return true, err
		}
		return true, manual.Write(w, manual.Program{
			Name: name, Description: description, Version: Version, Date: date, Model: model, Page: page,
		})
	case len(args) == 2 && args[0] == "--completion":
		return true, complete(w, args[1], name, model)
	case len(args) == 1 && strings.HasPrefix(args[0], "--completion="):
		return true, complete(w, strings.TrimPrefix(args[0], "--completion="), name, model)
	}
	return false, nil
}

func complete(w io.Writer, shell, name string, model *kong.Application) error {
	if !slices.Contains(completion.Shells(), shell) {
		return &Coded{Code: CodeUsage, Err: fault.New(fault.Invalid, "--completion: there is none for %q", shell).
			WithHint("there is for %s", strings.Join(completion.Shells(), ", "))}
	}
	return completion.Write(w, shell, name, model)
}

// sourceDate is the time of SOURCE_DATE_EPOCH, by which builds that can be repeated
// date what they make (https://reproducible-builds.org/specs/source-date-epoch/);
// zero without it.
func sourceDate() (time.Time, error) {
	value := os.Getenv("SOURCE_DATE_EPOCH")
	if value == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "SOURCE_DATE_EPOCH is %q, not a number of seconds", value)
	}
	return time.Unix(seconds, 0), nil
}
