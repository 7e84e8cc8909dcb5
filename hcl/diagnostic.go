package hcl

import (
	"unicode"
	"unicode/utf8"
)

// Severity tells what a diagnostic prevents.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // it keeps a file from being applied
	SeverityWarning Severity = "warning" // it does not, and wants to be known
)

// Diagnostic is one thing to say about a file. Its JSON form is for programs.
type Diagnostic struct {
	Severity   Severity `json:"severity"`
	Summary    string   `json:"summary"`              // the fact, in a few words
	Detail     string   `json:"detail,omitempty"`     // the rule, in sentences
	Suggestion string   `json:"suggestion,omitempty"` // what to do
	Block      string   `json:"block,omitempty"`      // the block it is about: `server "kts01"`
	Place      *Place   `json:"place,omitempty"`      // nil = it is about no place in a file
	Snippet    *Snippet `json:"snippet,omitempty"`    // nil as Place is
}

// Place is a part of a file. Lines and columns count from 1; a column is a
// character, as people count them. The end is the first column after the part.
type Place struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"end_line"`
	EndColumn int    `json:"end_column"`
}

// Snippet is the line on which a place begins, fit for a terminal: what may be
// secret, and what does not print, has been replaced.
type Snippet struct {
	Text  string `json:"text"`
	Start int    `json:"start"` // the place in Text, in runes from 0
	End   int    `json:"end"`   // the first rune after it
}

// Diagnostics are in the order of the files. As an error they print like Write
// does.
type Diagnostics []Diagnostic

// HasErrors tells whether something keeps the file from being applied.
func (ds Diagnostics) HasErrors() bool {
	for _, d := range ds {
		if d.Severity == SeverityError {
			return true
		}
	}
	return false
}

// sentence makes a sentence of an error's text.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:] + "."
}

func lowerFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + s[size:]
}
