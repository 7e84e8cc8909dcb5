package audit

import (
	"fmt"
	"time"
)

// heads are what a chain has to go through, while a verifier walks along it.
type heads struct {
	left []anchor // not come to yet
	last uint64   // the line of the last one that holds
}

// begin is called where the lines before a place are not there. Heads of earlier
// lines cannot be looked at.
func (h *heads) begin(at head, report *Report) (problem string) {
	for len(h.left) > 0 && h.left[0].seq < at.seq {
		h.left = h.left[1:]
		report.HeadsBefore++
	}
	return h.reach(at, report)
}

// pass is called with each line that follows.
func (h *heads) pass(line parsedLine, report *Report) (problem string) {
	if problem := h.reach(head{seq: line.Seq, hash: line.hash}, report); problem != "" {
		return problem
	}
	if h.last < line.Seq {
		if report.Unanchored == 0 {
			report.UnanchoredSince = line.Time
		}
		report.Unanchored++
	}
	return ""
}

// reach compares the heads of a line with it.
func (h *heads) reach(at head, report *Report) (problem string) {
	for len(h.left) > 0 && h.left[0].seq == at.seq {
		a := h.left[0]
		if a.hash != at.hash {
			return fmt.Sprintf("seq %d is not the line that a head of %s was signed for: the chain was computed anew from some line after seq %d on",
				at.seq, a.time.Format(time.RFC3339), h.last)
		}
		h.left = h.left[1:]
		h.last = at.seq
		report.Heads++
		report.AnchorSeq, report.AnchorTime = at.seq, a.time
		report.Unanchored, report.UnanchoredSince = 0, time.Time{}
	}
	return ""
}

// end is called behind the last line: a head that was not reached tells of lines
// that were there.
func (h *heads) end(report *Report) *Fault {
	if len(h.left) == 0 {
		return nil
	}
	newest := h.left[len(h.left)-1]
	return &Fault{Problem: fmt.Sprintf("the log ends at seq %d, but a head of %s was signed for seq %d: its end was cut off",
		report.HeadSeq, newest.time.Format(time.RFC3339), newest.seq)}
}

// noBeginning is the fault of a log whose first segments are not there, for whose
// beginning nothing vouches.
func (r *Report) noBeginning(dir string) *Fault {
	return &Fault{File: segmentPath(dir, 1), Missing: true, Problem: fmt.Sprintf(
		"this segment is missing: the log begins with segment %d, seq %d, and holds from there on, but no head vouches for that place", r.From, r.Missing+1)}
}
