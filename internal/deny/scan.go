package deny

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// scanned is what a file holds.
type scanned struct {
	denials  []escrow.Denial
	denied   map[escrow.Subject]bool
	lines    int
	lastLine []byte // newline included
	end      int64  // of the last line
}

// otherNode is the error for the list of another node.
type otherNode struct{ node, here string }

func (o *otherNode) Error() string { return fmt.Sprintf("it is node %q's", o.node) }

// scan reads the lines of a file. One at the end that a crash cut short is left out.
func scan(data []byte, node string) (scanned, error) {
	s := scanned{denied: map[escrow.Subject]bool{}}
	for rest := trim(data); len(rest) > 0; {
		raw, after, _ := bytes.Cut(rest, []byte("\n"))
		l, err := parse(raw)
		if err == errNotWhole && s.lines > 0 && isTorn(rest) {
			return s, nil
		}
		if err == nil {
			err = s.take(l, node)
		}
		if err != nil {
			return s, fmt.Errorf("line %d: %w", s.lines+1, err)
		}
		s.lines++
		s.lastLine = append(slices.Clone(raw), '\n')
		s.end += int64(len(s.lastLine))
		rest = after
	}
	if s.lines == 0 {
		return s, errors.New("it has no lines: the first should tell whose list this is")
	}
	return s, nil
}

// trim returns b without the zeros at its end.
func trim(b []byte) []byte {
	zeros := make([]byte, maxLine)
	for bytes.HasSuffix(b, zeros) {
		b = b[:len(b)-len(zeros)]
	}
	return bytes.TrimRight(b, "\x00")
}

// take does what a line says. ktsd writes none that could not be done.
func (s *scanned) take(l line, node string) error {
	switch {
	case l.Seq != s.lines+1:
		return fmt.Errorf("it is numbered %d: lines were dropped, added or moved", l.Seq)
	case (l.Node != "") != (s.lines == 0) || (l.Node != "") == (l.Deny != nil || l.Lift != nil) || l.Deny != nil && l.Lift != nil:
		return errors.New("the first line tells whose list this is, and each of the others denies or lifts")
	case l.Node != "":
		if l.Node != node {
			return &otherNode{l.Node, node}
		}
	case l.Deny != nil:
		subject := l.Deny.Subject
		if !isKnown(subject.Kind) || s.denied[subject] {
			return fmt.Errorf("it denies a %.20q that is denied already, or that this build does not know", subject.Kind)
		}
		s.denials = append(s.denials, *l.Deny)
		s.denied[subject] = true
	default:
		if !s.denied[*l.Lift] {
			return fmt.Errorf("it lifts the denial of a %.20q that is not denied", l.Lift.Kind)
		}
		s.denials = slices.DeleteFunc(s.denials, func(d escrow.Denial) bool { return d.Subject == *l.Lift })
		delete(s.denied, *l.Lift)
	}
	return nil
}

// isTorn tells whether b, what follows the last whole line, may be what a crash left
// of one line more: no longer than that, no newline but at its end, and the end or
// something else missing. A whole line behind what is missing is no crash's work, nor
// is a line of which nothing is missing. A line of which zeros took a part, while the
// disk was at rest, looks the same if it is the last.
func isTorn(b []byte) bool {
	newline, hole := bytes.IndexByte(b, '\n'), bytes.LastIndexByte(b, 0)
	if len(b) > maxLine || newline >= 0 && (newline < len(b)-1 || hole < 0) {
		return false
	}
	_, behind := parse(bytes.TrimSuffix(b[hole+1:], []byte("\n")))
	_, before := parse(b[:len(b)-1]) // its newline became something else
	return behind == errNotWhole && before == errNotWhole
}

// describe makes an error of scan one for the operator.
func describe(path string, err error) error {
	if o, ok := errors.AsType[*otherNode](err); ok {
		return fault.New(fault.Conflict, "%s is the deny list of node %q, and this is node %q", path, o.node, o.here).
			WithHint("a node's list is not carried to another: move it away, and this node begins its own")
	}
	if errors.Is(err, errVersion) {
		return fault.New(fault.Conflict, "the deny list %s was written by a later version of ktsd", path).
			WithHint("install that version again, or move the file away; then disable, revoke or remove once more who must be out").Because(err)
	}
	return fault.New(fault.Corrupt, "the deny list %s is damaged, and a denial may be lost with it", path).
		WithHint("move it away and start again with an empty one; then disable, revoke or remove once more who must be out: its other lines, and the audit log, name them").Because(err)
}
