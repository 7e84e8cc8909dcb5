package plan

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Options are the reader's wishes for Render.
type Options struct {
	Color bool // ANSI escape sequences, for a terminal
}

// The escape sequences in use (ECMA-48, SGR).
const (
	ansiBold   = "\x1b[1m"
	ansiRed    = "\x1b[31m"
	ansiGreen  = "\x1b[32m"
	ansiYellow = "\x1b[33m"
	ansiReset  = "\x1b[0m"
)

// Render writes the plan for people to read: grouped by block, with "+", "~"
// and "-" before what would be added, changed and removed, and the numbers of
// these marks in the last line. The same plan gives the same bytes.
func Render(w io.Writer, p Plan, opts Options) error { return render(w, p.view(), opts) }

func render(w io.Writer, v planView, opts Options) error {
	t := text{Writer: bufio.NewWriter(w), color: opts.Color}
	for _, block := range v.Blocks {
		t.block(block)
	}
	t.unmanaged(v)
	t.tenants(v)
	for _, u := range v.Unknown {
		t.printf("%s %s\n", t.paint(ansiYellow, "unknown:"), u.Reason)
		for _, name := range u.Names {
			t.printf("    %s %s\n", u.Block, strconv.Quote(name))
		}
		t.printf("\n")
	}
	for _, w := range v.Warnings {
		t.printf("%s %s\n", t.paint(ansiYellow, "!"), w)
	}
	if len(v.Warnings) > 0 {
		t.printf("\n")
	}
	if v.Stop != "" {
		t.printf("%s %s\n\n", t.paint(ansiYellow, "stop ktsd first:"), v.Stop)
	}
	t.summary(v)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// text writes lines. An error sticks to the writer until Flush returns it.
type text struct {
	*bufio.Writer
	color bool
}

func (t text) printf(format string, args ...any) { _, _ = fmt.Fprintf(t, format, args...) }

func (t text) paint(sequence, s string) string {
	if !t.color || s == "" {
		return s
	}
	return sequence + s + ansiReset
}

// mark returns the sign of an action, or a space for none.
func (t text) mark(a action) string {
	switch a {
	case actionAdd:
		return t.paint(ansiGreen, "+")
	case actionChange:
		return t.paint(ansiYellow, "~")
	case actionRemove:
		return t.paint(ansiRed, "-")
	}
	return " "
}

// block marks the header of a new block and of one that goes, and the lines of one
// that exists.
func (t text) block(block blockView) {
	header := block.Action
	if header == actionChange {
		header = ""
	}
	t.printf("%s %s\n", t.mark(header), t.paint(ansiBold, titleOf(block.Block, block.Name)))
	width := 0
	for _, line := range block.Lines {
		width = max(width, utf8.RuneCountInString(line.Name))
	}
	for _, line := range block.Lines {
		padding := strings.Repeat(" ", width-utf8.RuneCountInString(line.Name))
		t.printf("    %s %s:%s %s\n", t.mark(line.Action), line.Name, padding, line.values())
	}
	t.printf("\n")
}

// titleOf returns what stands before the brace: limits, or server "kts01".
func titleOf(block, name string) string {
	if name == "" {
		return block
	}
	return block + " " + strconv.Quote(name)
}

func (c changeView) title() string { return titleOf(c.block, c.name) }

// String words a warning, with what it is about.
func (w warningView) String() string {
	words := titleOf(w.Block, w.Name) + ": "
	if w.Attribute != "" {
		words += w.Attribute + ": "
	}
	return words + w.Text
}

// values returns "old → new", or the one of them that there is.
func (l lineView) values() string {
	switch {
	case l.Old == nil && l.New == nil:
		return ""
	case l.Old == nil:
		return l.New.String()
	case l.New == nil:
		return l.Old.String()
	default:
		return l.Old.String() + " → " + l.New.String()
	}
}

func (t text) unmanaged(v planView) {
	if len(v.Unmanaged) == 0 {
		return
	}
	t.printf("Unmanaged: not declared in %s, and left as they are\n", v.File)
	for _, u := range v.Unmanaged {
		state := ""
		if u.State != "" && u.State != StateActive {
			state = " (" + u.State + ")"
		}
		t.printf("    %s %s%s\n", u.Block, strconv.Quote(u.Name), state)
	}
	t.printf("\n")
}

func (t text) tenants(v planView) {
	if len(v.Tenants) == 0 {
		return
	}
	t.printf("Managed by their tenants: no longer as %s gave them, and left as they are\n", v.File)
	for _, tenant := range v.Tenants {
		t.printf("    %s\n", titleOf(tenant.Block, tenant.Name))
		for _, contact := range tenant.Added {
			t.printf("        contact added:   %s\n", strconv.Quote(contact))
		}
		for _, contact := range tenant.Removed {
			t.printf("        contact removed: %s\n", strconv.Quote(contact))
		}
		if tenant.Code {
			t.printf("        auth code changed\n")
		}
	}
	t.printf("\n")
}

func (t text) summary(v planView) {
	s := v.Summary
	line := fmt.Sprintf("Plan: %d to add, %d to change, %d to remove", s.Add, s.Change, s.Remove)
	switch {
	case v.InSync:
		line = fmt.Sprintf("No changes. %s matches %s", v.Host, v.File)
	case s.Unknown > 0:
		line += fmt.Sprintf(", %d unknown", s.Unknown)
	}
	t.printf("%s\n", t.paint(ansiBold, line+"."))
}
