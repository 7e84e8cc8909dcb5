package hcl

import (
	"fmt"
	"io"
	"strings"
)

// The escape sequences in use (ECMA-48, SGR).
const (
	ansiBold   = "\x1b[1m"
	ansiRed    = "\x1b[1;31m"
	ansiYellow = "\x1b[1;33m"
	ansiReset  = "\x1b[0m"
)

// Error returns what Write writes, without colour.
func (ds Diagnostics) Error() string {
	var b strings.Builder
	_ = ds.Write(&b, false) // a Builder takes everything
	return strings.TrimSuffix(b.String(), "\n")
}

// Write writes the diagnostics for people to read, with ANSI escape sequences
// if color is set:
//
//	Error: unknown attribute "lisen"
//	  site.hcl:2:3, in server "kts01.example.com"
//
//	    2 |   lisen = ":11371"
//	      |   ^^^^^
//
//	  The attributes of server are listen, hostname; inside it stands the block tls.
//	  Did you mean "listen"?
func (ds Diagnostics) Write(w io.Writer, color bool) error {
	var b strings.Builder
	for i, d := range ds {
		if i > 0 {
			b.WriteByte('\n')
		}
		d.write(&b, color)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the diagnostics: %w", err)
	}
	return nil
}

func (d Diagnostic) write(b *strings.Builder, color bool) {
	paint := func(sequence, s string) string {
		if !color {
			return s
		}
		return sequence + s + ansiReset
	}
	word, hue := "Error:", ansiRed
	if d.Severity == SeverityWarning {
		word, hue = "Warning:", ansiYellow
	}
	fmt.Fprintf(b, "%s %s\n", paint(hue, word), paint(ansiBold, printable(d.Summary)))
	if d.Place != nil {
		in := ""
		if d.Block != "" {
			in = ", in " + d.Block
		}
		fmt.Fprintf(b, "  %s:%d:%d%s\n", printable(d.Place.File), d.Place.Line, d.Place.Column, in)
	}
	if d.Snippet != nil {
		b.WriteByte('\n')
		d.Snippet.write(b, d.Place.Line, func(s string) string { return paint(hue, s) })
		b.WriteByte('\n')
	}
	for _, sentence := range []string{d.Detail, d.Suggestion} {
		if sentence != "" {
			fmt.Fprintf(b, "  %s\n", printable(sentence))
		}
	}
}

// write writes the line with its number, and below it the underline.
func (s *Snippet) write(b *strings.Builder, number int, paint func(string) string) {
	margin := fmt.Sprintf("    %d | ", number)
	fmt.Fprintf(b, "%s%s\n", margin, s.Text)
	b.WriteString(strings.Repeat(" ", len(margin)-2) + "| ")
	for i, r := range []rune(s.Text) {
		if i == s.Start {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r) // a tab stays one, and is as wide as above
	}
	b.WriteString(paint(strings.Repeat("^", max(s.End-s.Start, 1))) + "\n")
}

// printable replaces what could move a terminal's cursor or hide text.
func printable(s string) string { return strings.Map(printableRune, s) }
