package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Filter says which records are searched for: those that match all that is set.
//
// A pattern is the whole text, with * for anything, also for nothing. Patterns of
// Actor, Object and Source that have no * match a part too; letters match in either
// case.
type Filter struct {
	Since, Until time.Time // zero: open; Until is not included

	Action, Organization, Outcome, RequestID string // patterns
	Actor, Object, Source                    string // patterns; Object matches a record's detail too, which names the handle
}

// Found is a record that matched.
type Found struct {
	escrow.Record
	Line []byte // as it stands in the log, without its newline; valid until the next
}

// ErrStop, returned by the function that Search calls, ends the search; Search then
// returns nil.
var ErrStop = errors.New("stop")

// clockSlack is how much the clock may have been wrong, or set back, without a
// segment being passed over that has a record of the time searched for.
const clockSlack = 24 * time.Hour

// Search calls found for each record that matches, in the order of the log. It
// streams, passes over segments that are too old or too new, takes no lock, and may
// run while ktsd appends. It does not verify the chain, but passes over lines that
// are damaged or edited, and counts them.
func Search(dir string, filter Filter, found func(Found) error) (damaged int, err error) {
	numbers, err := segmentNumbers(dir)
	if err != nil {
		return 0, fmt.Errorf("searching the audit log: %w", err)
	}
	if len(numbers) == 0 {
		return 0, fmt.Errorf("searching the audit log: no segment in %s", dir)
	}
	m := newMatcher(filter)
	for i, number := range numbers {
		if i+1 < len(numbers) && !filter.Since.IsZero() {
			if next := begin(dir, numbers[i+1]); !next.IsZero() && next.Before(filter.Since.Add(-clockSlack)) {
				continue
			}
		}
		n, err := searchSegment(segmentPath(dir, number), m, found)
		damaged += n
		if err == ErrStop {
			return damaged, nil
		}
		if err != nil {
			return damaged, fmt.Errorf("searching the audit log: %w", err)
		}
	}
	return damaged, nil
}

// begin returns when a segment began; zero if it does not tell.
func begin(dir string, number int) time.Time {
	f, err := os.Open(segmentPath(dir, number))
	if err != nil {
		return time.Time{}
	}
	defer f.Close()
	header, _, err := firstLine(f)
	if err != nil {
		return time.Time{}
	}
	return header.Time
}

func searchSegment(name string, m *matcher, found func(Found) error) (damaged int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, maxLine)
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case err == io.EOF: // what has no newline is being written
			return damaged, nil
		case err == bufio.ErrBufferFull:
			damaged++
			for err == bufio.ErrBufferFull {
				_, err = r.ReadSlice('\n')
			}
			continue
		case err != nil:
			return damaged, err
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		parsed, err := parseLine(line)
		if err != nil {
			damaged++
			continue
		}
		if parsed.Kind != kindEvent || !m.time(parsed.Time) {
			continue
		}
		hit := Found{Line: line}
		if err := json.Unmarshal(line, &hit.Record); err != nil {
			damaged++
			continue
		}
		if m.match(&hit.Record) {
			if err := found(hit); err != nil {
				return damaged, err
			}
		}
	}
}

// matcher is a Filter, made ready.
type matcher struct {
	since, until                             time.Time
	action, organization, outcome, requestID pattern
	actor, object, source                    pattern
}

func newMatcher(f Filter) *matcher {
	return &matcher{
		since: f.Since, until: f.Until,
		action: exact(f.Action), organization: exact(f.Organization), outcome: exact(f.Outcome), requestID: exact(f.RequestID),
		actor: part(f.Actor), object: part(f.Object), source: part(f.Source),
	}
}

func (m *matcher) time(t time.Time) bool {
	return !t.Before(m.since) && (m.until.IsZero() || t.Before(m.until))
}

func (m *matcher) match(r *escrow.Record) bool {
	return m.action.match(r.Action) && m.organization.match(string(r.Organization)) && m.outcome.match(string(r.Outcome)) &&
		m.requestID.match(r.RequestID) && m.actor.match(r.Actor) && m.source.match(r.Source) &&
		(m.object.match(r.Object) || m.object.match(r.Detail))
}

// pattern is the text between the stars, in lower case; nil matches everything.
type pattern []string

func exact(text string) pattern {
	if text == "" {
		return nil
	}
	return strings.Split(strings.ToLower(text), "*")
}

func part(text string) pattern {
	if text == "" || strings.Contains(text, "*") {
		return exact(text)
	}
	return exact("*" + text + "*")
}

func (p pattern) match(text string) bool {
	if p == nil {
		return true
	}
	text = strings.ToLower(text)
	if len(p) == 1 {
		return text == p[0]
	}
	text, ok := strings.CutPrefix(text, p[0])
	if !ok {
		return false
	}
	last := p[len(p)-1]
	for _, middle := range p[1 : len(p)-1] {
		_, after, ok := strings.Cut(text, middle)
		if !ok {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, last)
}
