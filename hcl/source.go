package hcl

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	hcllib "github.com/hashicorp/hcl/v2"
)

// source is a file's text, with the parts that are never shown.
type source struct {
	name   string // for the diagnostics
	text   []byte
	hidden []span // in order, apart from each other
}

// sources are the files of a site, in the order in which they were given.
type sources []*source

// of returns the file that a place is in; nil if it is none of them.
func (ss sources) of(place hcllib.Range) *source {
	for _, s := range ss {
		if s.name == place.Filename {
			return s
		}
	}
	return nil
}

// hides tells whether some of a place is hidden.
func (ss sources) hides(place hcllib.Range) bool {
	s := ss.of(place)
	return s != nil && s.hides(place)
}

// locate sets the place and the snippet of a diagnostic.
func (ss sources) locate(d *Diagnostic, place hcllib.Range) {
	if s := ss.of(place); s != nil {
		s.locate(d, place)
	}
}

// order sorts diagnostics: those without a place first, then by file and place.
func (ss sources) order(ds Diagnostics) {
	number := map[string]int{}
	for i, s := range ss {
		number[s.name] = i + 1
	}
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		var at, to Place
		if a.Place != nil {
			at = *a.Place
		}
		if b.Place != nil {
			to = *b.Place
		}
		return cmp.Or(
			cmp.Compare(number[at.File], number[to.File]), cmp.Compare(at.Line, to.Line), cmp.Compare(at.Column, to.Column),
			strings.Compare(a.Summary, b.Summary),
		)
	})
}

// span is a part of the text, in bytes; the end is the first one after it.
type span struct{ start, end int }

// notShown stands for a hidden part.
const notShown = "(not shown)"

// A longer line is cut, in runes: so many are shown, so many of them before
// the place.
const (
	maxLine = 160
	maxLead = 60
)

// hideOne adds a part that is not shown.
func (s *source) hideOne(next span) {
	i, _ := slices.BinarySearchFunc(s.hidden, next.start, func(h span, start int) int { return h.start - start })
	if i > 0 && s.hidden[i-1].end >= next.start {
		i--
		next = span{s.hidden[i].start, max(s.hidden[i].end, next.end)}
	}
	after := i
	for after < len(s.hidden) && s.hidden[after].start <= next.end {
		next.end = max(next.end, s.hidden[after].end)
		after++
	}
	s.hidden = slices.Replace(s.hidden, i, after, next)
}

// hide adds parts that are not shown.
func (s *source) hide(spans []span) {
	all := append(s.hidden, spans...)
	slices.SortFunc(all, func(a, b span) int { return a.start - b.start })
	s.hidden = nil
	for _, next := range all {
		if last := len(s.hidden) - 1; last >= 0 && next.start <= s.hidden[last].end {
			s.hidden[last].end = max(s.hidden[last].end, next.end)
			continue
		}
		s.hidden = append(s.hidden, next)
	}
}

// hideAll hides the whole file.
func (s *source) hideAll() { s.hide([]span{{0, len(s.text)}}) }

// hides tells whether some of a place is hidden.
func (s *source) hides(r hcllib.Range) bool {
	return slices.ContainsFunc(s.hidden, func(h span) bool {
		return h.start < r.End.Byte && r.Start.Byte < h.end || h.start <= r.Start.Byte && r.Start.Byte < h.end
	})
}

// locate sets the place and the snippet of a diagnostic.
func (s *source) locate(d *Diagnostic, r hcllib.Range) {
	d.Place = &Place{r.Filename, r.Start.Line, r.Start.Column, r.End.Line, r.End.Column}
	d.Snippet = s.snippet(span{min(r.Start.Byte, len(s.text)), min(r.End.Byte, len(s.text))})
}

// snippet returns the line on which a place begins.
func (s *source) snippet(place span) *Snippet {
	bounds := lineAround(s.text, place.start)
	var line []rune
	start, end := -1, -1
	for at := bounds.start; at < bounds.end; {
		r, size := utf8.DecodeRune(s.text[at:])
		shown, next := []rune{printableRune(r)}, at+size
		if h, ok := s.hiddenAt(at); ok {
			shown, next = []rune(notShown), min(h.end, bounds.end)
		}
		if start < 0 && place.start < next {
			start = len(line)
		}
		line = append(line, shown...)
		if end < 0 && place.end <= next {
			end = len(line)
		}
		at = next
	}
	if start < 0 {
		start = len(line)
	}
	if end < 0 {
		end = len(line)
	}
	return cut(line, start, max(start, end))
}

// cut shortens a long line around the place.
func cut(line []rune, start, end int) *Snippet {
	if len(line) > maxLine {
		from := max(0, min(start-maxLead, len(line)-maxLine))
		to := from + maxLine
		tail := to < len(line)
		line, start, end = slices.Clone(line[from:to]), start-from, min(end, to)-from
		if from > 0 {
			line[0] = '…'
		}
		if tail {
			line = append(line, '…')
		}
	}
	return &Snippet{string(line), start, end}
}

func (s *source) hiddenAt(at int) (span, bool) {
	for _, h := range s.hidden {
		if h.start <= at && at < h.end {
			return h, true
		}
	}
	return span{}, false
}

// printableRune replaces what could move a terminal's cursor or hide text.
func printableRune(r rune) rune {
	if r != '\t' && !unicode.IsPrint(r) {
		return utf8.RuneError
	}
	return r
}
