// Package manual writes a program's manual page, in the macros of man(7), from the
// model that kong has of its command line: the same that --help is printed from, so
// the two cannot differ. It knows no program, and it reads neither the clock nor the
// environment: the same program and date give the same bytes.
package manual

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Page is what a manual page says beside the model.
type Page struct {
	Section     int     // 1 for users' commands, 8 for those of the system's administrator
	Exits       []Exit  // in their order
	Environment []Entry // variables beside those that stand for a flag
	Files       []Entry
	SeeAlso     []string // like ktsd(8)
}

// Exit is an exit code, and what it means in a few words, such as "an error".
type Exit struct {
	Code    int
	Meaning string
}

// Entry is a thing, and what is to be said of it.
type Entry struct{ Name, Text string }

// Program is the program that a page is about.
type Program struct {
	Name        string
	Description string // its first sentence is that of NAME
	Version     string
	Date        time.Time // of the page; zero: none is told
	Model       *kong.Application
	Page        Page
}

// Write writes the page.
func Write(w io.Writer, p Program) error {
	r := &roff{}
	p.title(r)
	p.synopsis(r)
	r.section("DESCRIPTION")
	r.doc(p.Description)
	r.doc(p.Model.Detail)
	p.options(r)
	p.commands(r)
	p.environment(r)
	if len(p.Page.Exits) > 0 {
		r.section("EXIT STATUS")
		for _, e := range p.Page.Exits {
			r.entry(bold(fmt.Sprint(e.Code)), e.Meaning)
		}
	}
	if len(p.Page.Files) > 0 {
		r.section("FILES")
		for _, f := range p.Page.Files {
			r.entry(italic(f.Name), f.Text)
		}
	}
	p.seeAlso(r)
	_, err := io.WriteString(w, r.String())
	return err
}

func (p Program) title(r *roff) {
	date := ""
	if !p.Date.IsZero() {
		date = p.Date.UTC().Format(time.DateOnly)
	}
	r.line(fmt.Sprintf(`.TH "%s" "%d" "%s" "%s" "Key Trustee server"`, escape(strings.ToUpper(p.Name)), p.Page.Section, date, escape("ktsd "+p.Version)))
	r.section("NAME")
	first, _, _ := strings.Cut(p.Description, ". ")
	first = strings.TrimSuffix(strings.TrimSpace(first), ".")
	r.fill(p.Name + " - " + strings.ToLower(first[:1]) + first[1:])
}

func (p Program) synopsis(r *roff) {
	r.section("SYNOPSIS")
	usage := bold(p.Name) + " [" + italic("flags") + "]"
	if len(p.Model.Children) > 0 {
		usage = bold(p.Name) + " " + italic("command") + " [" + italic("flags") + "]"
	}
	for i, line := range []string{
		usage, bold(p.Name) + " " + bold("--version") + " | " + bold("--man"),
		bold(p.Name) + " " + bold("--completion") + " " + bold("bash") + " | " + bold("zsh") + " | " + bold("fish"),
	} {
		if i > 0 {
			r.macro("br")
		}
		r.line(line)
	}
}

// options tells the flags that all commands have.
func (p Program) options(r *roff) {
	r.section("OPTIONS")
	r.flags(p.Model.Flags)
	r.entry(bold("--version"), "Print the version. No other argument may be given.")
	r.entry(bold("--man"), "Print this page, for man -l -. No other argument may be given.")
	r.entry(bold("--completion")+" "+italic("SHELL"), "Print what makes a shell complete this command's arguments: bash, zsh or fish. No other argument may be given.")
}

func (p Program) commands(r *roff) {
	leaves := p.Model.Leaves(true)
	if len(leaves) == 0 {
		return
	}
	r.section("COMMANDS")
	for _, command := range leaves {
		r.subsection(p.Name + " " + command.Summary())
		r.doc(command.Help)
		r.doc(command.Detail)
		for _, a := range command.Positional {
			r.entry(italic(a.Name), kong.DefaultHelpValueFormatter(a))
		}
		for n := command; n.Type != kong.ApplicationNode; n = n.Parent {
			r.flags(n.Flags)
		}
	}
}

// environment tells the variables that stand for flags, and the program's others.
func (p Program) environment(r *roff) {
	var entries []Entry
	known := map[string]bool{}
	_ = kong.Visit(p.Model, func(node kong.Visitable, next kong.Next) error { // next's errors are ours: none
		if flag, ok := node.(*kong.Flag); ok && !flag.Hidden {
			for _, name := range flag.Envs {
				if !known[name] {
					entries = append(entries, Entry{name, "Stands for --" + flag.Name + " where that is not given."})
				}
				known[name] = true
			}
		}
		return next(nil)
	})
	if entries = append(entries, p.Page.Environment...); len(entries) == 0 {
		return
	}
	r.section("ENVIRONMENT")
	for _, e := range entries {
		r.entry(bold(e.Name), e.Text)
	}
}

func (p Program) seeAlso(r *roff) {
	if len(p.Page.SeeAlso) == 0 {
		return
	}
	r.section("SEE ALSO")
	for i, page := range p.Page.SeeAlso {
		name, section, _ := strings.Cut(page, "(")
		after := ","
		if i == len(p.Page.SeeAlso)-1 {
			after = ""
		}
		r.macro("BR", name, "("+section+after)
	}
}
