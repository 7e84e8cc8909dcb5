package audit

import (
	"fmt"
	"io"
	"time"
)

// Report is what Verify found in a log.
type Report struct {
	Node      string
	Segments  int
	Records   int       // audited events, repeated ones included
	Repeated  int       // records with the ID of one of the 65,536 before: written again after a crash
	First     time.Time // the earliest record's, zero without one
	Last      time.Time // the latest record's
	Torn      int       // times a crash left a torn line
	TornBytes int64     // their length, with the newline that ktsd ended each with
	Head      string    // hash of the last line, 64 hex digits
	HeadSeq   uint64    // its sequence number
	Tail      int64     // bytes after the last whole line: being written, or torn and not yet noted

	From    int    // number of the first segment that was read
	Missing uint64 // lines before it

	Heads           int       // heads that the chain goes through
	HeadsBefore     int       // heads of lines that are not there
	AnchorSeq       uint64    // the line of the newest of Heads
	AnchorTime      time.Time // when that was signed
	Unanchored      int       // lines after it, or all
	UnanchoredSince time.Time // the first of these
}

// Fault is the first thing found wrong with a log.
type Fault struct {
	File    string
	Line    int // 0 when the whole file is meant
	Problem string
	Missing bool // only the beginning is not there, and nothing vouches for the place
}

// Error returns FILE:LINE: PROBLEM.
func (f *Fault) Error() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", f.File, f.Problem)
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Problem)
}

// Write prints the report for a person to read, one fact a line.
func (r Report) Write(w io.Writer) error {
	var err error
	fact := func(name, format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, "%-9s %s\n", name+":", fmt.Sprintf(format, args...))
		}
	}
	fact("node", "%s", r.Node)
	fact("segments", "%d", r.Segments)
	fact("records", "%d (%d repeated across a crash)", r.Records, r.Repeated)
	if r.Records > 0 {
		fact("time", "%s to %s", r.First.Format(time.RFC3339Nano), r.Last.Format(time.RFC3339Nano))
	}
	if r.Torn > 0 {
		fact("torn", "%d times, %d bytes, each noted in the chain", r.Torn, r.TornBytes)
	}
	fact("head", "line %d, %s", r.HeadSeq, r.Head)
	if r.Tail > 0 {
		fact("tail", "%d bytes after the head: a line being written, or torn by a crash and noted when ktsd starts", r.Tail)
	}
	if r.Missing > 0 {
		fact("begins", "with segment %d: the %d lines before it are not here, nor are they looked at (%d heads)", r.From, r.Missing, r.HeadsBefore)
	}
	r.writeAnchor(fact)
	return err
}

// writeAnchor tells how far heads vouch for the log.
func (r Report) writeAnchor(fact func(name, format string, args ...any)) {
	switch {
	case r.Heads == 0:
		fact("anchor", "none: no signed head was given (--checkpoint), so an end that was cut off or written anew would not show")
		return
	case r.Unanchored == 0:
		fact("anchor", "%d heads hold; the newest, of %s, is of the last line", r.Heads, r.AnchorTime.Format(time.RFC3339))
	default:
		fact("anchor", "%d heads hold; the newest, of %s, is of line %d", r.Heads, r.AnchorTime.Format(time.RFC3339), r.AnchorSeq)
		fact("open", "the last %d lines, since %s, have no head yet", r.Unanchored, r.UnanchoredSince.Format(time.RFC3339))
	}
}

// count adds an event to the report.
func (r *Report) count(event parsedLine, repeated bool) {
	r.Records++
	if repeated {
		r.Repeated++
	}
	if r.First.IsZero() || event.Time.Before(r.First) {
		r.First = event.Time
	}
	if event.Time.After(r.Last) {
		r.Last = event.Time
	}
}

// recentIDs remembers record IDs to tell an event that was chained twice: what a
// crash kept from being removed from the store in time is chained again at the
// next start. It holds the last 65,536 at least, twice as many at most; records
// wait in the store for a second.
type recentIDs struct {
	young, old map[string]struct{}
}

const rememberedIDs = 1 << 16

// add remembers an ID and reports whether it was remembered already.
func (r *recentIDs) add(id string) bool {
	_, young := r.young[id]
	_, old := r.old[id]
	if r.young == nil || len(r.young) == rememberedIDs {
		r.young, r.old = make(map[string]struct{}), r.young
	}
	r.young[id] = struct{}{}
	return young || old
}
