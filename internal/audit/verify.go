package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
)

// Verify is Verification{}.Run: it reads the whole log from its first segment on.
func Verify(dir string) (Report, error) { return Verification{}.Run(dir) }

// Verification says how a log is verified.
type Verification struct {
	// Checkpoint has heads that were kept elsewhere; nil without any.
	Checkpoint *Checkpoint

	// From is the number of the segment to begin with, where those before it are not
	// there or are not to be read; 0 means the first.
	From int
}

// Run reads a node's log and checks every hash, link, sequence number, header and
// node name, and that the chain goes through every head. It streams: its memory
// does not grow with the log. It changes nothing and takes no lock.
//
// The error is a *Fault for the first thing that is wrong with the log, or says
// why the log could not be read; the report then covers what came before. A log
// whose first segments are not there is verified from where it begins, and is at
// fault unless From says so or a head vouches for that place: a head of any later
// line does, and of the line before it.
//
// Run may read while ktsd appends. It reads the segments that are there when
// it starts, and of the last one what is there when it gets to its end. A write
// makes a file longer from its beginning on, so a reader that comes in the
// middle of one sees the first part of a line, without its newline. Such an end
// is counted in Report.Tail and is no fault: it is what a crash leaves too,
// until ktsd starts again and notes it. (A line that ktsd takes back because the
// disk is full in the middle of it can mislead a reader; a second run tells.)
func (c Verification) Run(dir string) (Report, error) {
	numbers, err := segmentNumbers(dir)
	if err != nil {
		return Report{}, fmt.Errorf("verifying the audit log: %w", err)
	}
	if len(numbers) == 0 {
		return Report{}, fmt.Errorf("verifying the audit log: no segment in %s", dir)
	}
	if c.From > 0 {
		at, ok := slices.BinarySearch(numbers, c.From)
		if !ok {
			return Report{}, fmt.Errorf("verifying the audit log: there is no segment %d; there are %d to %d", c.From, numbers[0], numbers[len(numbers)-1])
		}
		numbers = numbers[at:]
	}
	v := verifier{begins: numbers[0], head: head{hash: noDigest()}}
	if c.Checkpoint != nil {
		v.heads.left = c.Checkpoint.heads
	}
	for i, number := range numbers {
		if number != numbers[0]+i {
			return v.report, &Fault{File: segmentPath(dir, numbers[0]+i), Problem: "this segment is missing"}
		}
		if err := v.segment(dir, number, i == len(numbers)-1); err != nil {
			return v.report, err
		}
	}
	if fault := v.heads.end(&v.report); fault != nil {
		fault.File = segmentPath(dir, numbers[len(numbers)-1])
		return v.report, fault
	}
	if v.report.Missing > 0 && c.From == 0 && v.report.Heads == 0 {
		return v.report, v.report.noBeginning(dir)
	}
	return v.report, nil
}

// verifier walks along the chain.
type verifier struct {
	report Report
	begins int // the number of its first segment
	head   head
	heads  heads
	ids    recentIDs

	// in the segment being read:
	number int
	line   int  // counted from 1
	opened bool // its header was seen
	torn   torn
	read   int64 // its bytes
	good   int64 // of these, up to the end of the last line that follows
}

// torn is what was read since the last line that was whole, and before the note
// that tells of it. Whole lines may stand in it: of what was not fsynced a power
// cut can lose any part.
type torn struct {
	line  int // where it begins
	bytes int64
	hash  hash.Hash // SHA-256
	err   error     // what is wrong with the line
}

// noted says whether a line tells of just what is torn before it.
func (t *torn) noted(line parsedLine) bool {
	return line.Kind == kindTorn && line.Bytes == t.bytes && line.SHA256 == hex.EncodeToString(t.hash.Sum(nil))
}

// segment checks one file. The last one may end within a line.
func (v *verifier) segment(dir string, number int, last bool) error {
	name := segmentPath(dir, number)
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("verifying the audit log: %w", err)
	}
	defer f.Close()

	v.number, v.line, v.opened, v.torn, v.read, v.good = number, 1, false, torn{hash: sha256.New()}, 0, 0
	rest, err := v.lines(f)
	if err == nil {
		err = v.end(rest, last)
	}
	var fault *Fault
	if errors.As(err, &fault) {
		fault.File = name
		return fault
	}
	if err != nil {
		return fmt.Errorf("verifying the audit log: %w", err)
	}
	v.report.Segments++
	return nil
}

// lines checks the lines of a file, and returns how many bytes follow the last
// newline. What is longer than a line can be is read in pieces that parseLine
// refuses.
func (v *verifier) lines(f io.Reader) (rest int64, err error) {
	r := bufio.NewReaderSize(f, maxLine)
	for {
		piece, err := r.ReadSlice('\n')
		if err == io.EOF {
			return rest + int64(len(piece)), nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return 0, err
		}
		v.read += int64(len(piece))
		line, problem := parseLine(bytes.TrimSuffix(piece, []byte("\n")))
		switch {
		case problem == nil && (v.torn.bytes == 0 || v.torn.noted(line)):
			if err := v.follow(line); err != nil {
				return 0, err
			}
			v.good = v.read
		case problem == nil || problem == errNotWhole || problem == errEdited: // torn, should a line that says so come
			if v.torn.bytes == 0 {
				v.torn.line, v.torn.err = v.line, problem
			}
			v.torn.bytes += int64(len(piece))
			v.torn.hash.Write(piece)
		default:
			return 0, v.fault("%v", problem)
		}
		if err == nil {
			v.line++
			rest = 0
		} else {
			rest += int64(len(piece))
		}
	}
}

// follow checks that a whole line continues the chain, and counts it.
func (v *verifier) follow(line parsedLine) error {
	if (line.Kind == kindSegment) == v.opened {
		return v.fault("a segment has one header, and it is its first line")
	}
	if line.Kind == kindSegment {
		if err := v.header(line); err != nil {
			return err
		}
	}
	if err := v.link(line); err != nil {
		return err
	}
	if problem := v.heads.pass(line, &v.report); problem != "" {
		return v.fault("%s", problem)
	}
	switch line.Kind {
	case kindSegment:
		v.opened = true
	case kindEvent:
		v.report.count(line, v.ids.add(line.ID))
	case kindTorn:
		if v.torn.bytes == 0 {
			return v.fault("it tells of a torn line before it, and there is none")
		}
		v.report.Torn++
		v.report.TornBytes += v.torn.bytes
		v.torn.bytes = 0
		v.torn.hash.Reset()
	default:
		return v.fault("unknown kind of line %q", line.Kind)
	}
	v.head = head{seq: line.Seq, hash: line.hash}
	v.report.Head, v.report.HeadSeq = line.hash.String(), line.Seq
	return nil
}

// header checks what a segment's first line says of it.
func (v *verifier) header(line parsedLine) error {
	if line.Segment != v.number {
		return v.fault("this is segment %d: files were swapped or renamed", line.Segment)
	}
	if v.number == v.begins {
		v.report.Node, v.report.From = line.Node, v.begins
	}
	if v.number == v.begins && v.begins > 1 {
		v.head = head{seq: line.Seq - 1, hash: line.prev}
		v.report.Missing = line.Seq - 1
		if problem := v.heads.begin(v.head, &v.report); problem != "" {
			return v.fault("%s", problem)
		}
	}
	if line.Node != v.report.Node {
		return v.fault("this is the log of node %q, and the segments before it are of node %q", line.Node, v.report.Node)
	}
	return nil
}

// link checks that a line comes directly after the head.
func (v *verifier) link(line parsedLine) error {
	next := v.head.seq + 1
	switch {
	case line.Seq > next && line.Kind == kindSegment:
		return v.fault("seq %d comes after seq %d: the segment before was cut at its end", line.Seq, v.head.seq)
	case line.Seq > next:
		return v.fault("seq %d comes after seq %d: lines are missing here, or were moved", line.Seq, v.head.seq)
	case line.Seq < next:
		return v.fault("seq %d comes after seq %d: lines were moved or repeated", line.Seq, v.head.seq)
	case line.prev != v.head.hash:
		return v.fault("its prev is not the hash of the line before: one of the two was replaced")
	}
	return nil
}

// end checks how a segment ends; rest counts the bytes after its last newline.
func (v *verifier) end(rest int64, last bool) error {
	switch {
	case v.torn.bytes > 0 && v.torn.line < v.line:
		return v.tornFault()
	case !v.opened:
		return v.fault("the segment's header is missing")
	case rest > 0 && !last:
		return v.fault("the segment ends within a line: it was cut")
	}
	v.report.Tail = rest
	return nil
}

// fault names the current line, or what was torn before it: the first thing
// wrong is the one to tell. segment adds the file.
func (v *verifier) fault(format string, args ...any) error {
	if v.torn.bytes > 0 {
		return v.tornFault()
	}
	return &Fault{Line: v.line, Problem: fmt.Sprintf(format, args...)}
}

// tornFault names a torn line that no note follows.
func (v *verifier) tornFault() error {
	return &Fault{Line: v.torn.line, Problem: v.torn.err.Error()}
}
