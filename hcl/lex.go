package hcl

import (
	"bytes"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxUnreadable is how many lines that cannot be split into tokens are
// reported before the rest of a file is given up.
const maxUnreadable = 20

// lexed is a file as tokens.
type lexed struct {
	readable []byte           // the text, with spaces for the lines that cannot be read
	tokens   hclsyntax.Tokens // of readable
	broken   hcllib.Diagnostics
	hidden   []span
}

// lex splits a file into tokens. Where that goes wrong, as with a quote that is
// not closed, all that follows would be misread: so the line is reported once,
// and taken out.
func lex(src []byte, filename string) lexed {
	l := lexed{readable: bytes.Clone(src)}
	for {
		tokens, diags := hclsyntax.LexConfig(l.readable, filename, hcllib.InitialPos)
		l.tokens = tokens
		if len(diags) == 0 || len(l.broken) == maxUnreadable {
			break
		}
		l.broken = append(l.broken, diags[0])
		line := lineAround(src, diags[0].Subject.Start.Byte)
		for _, secret := range secretSpans(tokens) {
			if secret.start < line.end && line.start < secret.end {
				l.hidden = append(l.hidden, secret) // to wherever the quote is closed
			}
		}
		if blank(l.readable[line.start:line.end]) {
			break
		}
	}
	l.hidden = append(l.hidden, secretSpans(l.tokens)...)
	return l
}

// blank overwrites a line with spaces, and tells whether it was blank before.
func blank(line []byte) bool {
	was := len(bytes.TrimSpace(line)) == 0
	for i := range line {
		line[i] = ' '
	}
	return was
}

// lineAround returns the line that a byte is on, without its end.
func lineAround(text []byte, at int) span {
	at = min(at, len(text))
	line := span{bytes.LastIndexByte(text[:at], '\n') + 1, len(text)}
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		line.end = at + i
	}
	line.end = line.start + len(bytes.TrimSuffix(text[line.start:line.end], []byte("\r")))
	return line
}
