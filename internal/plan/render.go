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
func Render(w io.Writer, p Plan, opts Options) error {
	t := text{Writer: bufio.NewWriter(w), color: opts.Color}
	v := p.view()
	for _, block := range v.Blocks {
		t.block(block)
	}
	t.unmanaged(v)
	for _, u := range v.Unknown {
		t.printf("%s %s\n", t.paint(ansiYellow, "unknown:"), u.Reason)
		for _, name := range u.Names {
			t.printf("    %s %s\n", u.Block, strconv.Quote(name))
		}
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

// block marks the header of a new block, and the lines of one that exists.
func (t text) block(block blockView) {
	header := action("")
	if block.Action == actionAdd {
		header = actionAdd
	}
	t.printf("%s %s\n", t.mark(header), t.paint(ansiBold, block.title()))
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

// title returns what stands before the brace: limits, or server "kts01".
func (b blockView) title() string {
	if b.Name == "" {
		return b.Block
	}
	return b.Block + " " + strconv.Quote(b.Name)
}

// values returns "old → new", or the one of them that there is.
func (l lineView) values() string {
	switch {
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
