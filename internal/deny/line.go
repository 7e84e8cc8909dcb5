package deny

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// line is a line of the file, version 1 of its format: a JSON object and a newline.
//
//	{"v":1,"seq":1,"node":"kts01.example.com","crc32c":"5f0a3b91"}
//	{"v":1,"seq":2,"deny":{"subject":{"kind":"client","name":"4EDC…"},"record":{ … }},"crc32c":"…"}
//	{"v":1,"seq":3,"lift":{"kind":"client","name":"4EDC…"},"crc32c":"…"}
//
//	v       version of this format
//	seq     1, 2, 3 …: the line's number
//	node    the first line, and no other: whose list this is
//	deny    a denial, of a subject that is not denied already
//	lift    the end of the denial of a subject
//	crc32c  CRC-32C (RFC 3720, 12.1) over the line's bytes before ,"crc32c": in 8
//	        lower-case hex digits; it finds damage, not forgery
//
// Behind the last line are zeros up to the end of the file. A line is written over
// them and fsynced before the next is begun, so a crash leaves at most one that is
// not whole, as the last: some of its bytes, and zeros for the others.
type line struct {
	Version int             `json:"v"`
	Seq     int             `json:"seq"`
	Node    string          `json:"node,omitempty"`
	Deny    *escrow.Denial  `json:"deny,omitempty"`
	Lift    *escrow.Subject `json:"lift,omitempty"`
}

const version = 1

// maxLine bounds a line, newline included, in bytes. Those that ktsd writes have
// some 400.
const maxLine = 4096

// The end of a line: ,"crc32c":"5f0a3b91"}
const (
	sumMark = `,"crc32c":"`
	endMark = `"}`
	sumPart = len(sumMark) + 8 + len(endMark)
)

// sumOf is the checksum of a line.
func sumOf(b []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// encode returns the line's bytes, newline included.
func encode(l line) ([]byte, error) {
	l.Version = version
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(l); err != nil {
		return nil, fault.New(fault.Invalid, "the denial cannot be written down").Because(err)
	}
	b.Truncate(b.Len() - len("}\n"))
	sum := sumOf(b.Bytes())
	b.WriteString(sumMark + sum + endMark + "\n")
	if b.Len() > maxLine {
		return nil, fault.New(fault.TooLarge, "the denial takes %d bytes on the deny list; %d are allowed", b.Len(), maxLine)
	}
	return b.Bytes(), nil
}

// What parse finds wrong with a line.
var (
	errNotWhole = errors.New("it is not as it was written: its checksum does not fit")
	errVersion  = errors.New("it is of another version of the format than this build reads")
)

// parse reads a line without its newline. An error other than errNotWhole is about a
// line that was written just like this.
func parse(b []byte) (line, error) {
	var l line
	if len(b) < sumPart || len(b) >= maxLine {
		return l, errNotWhole
	}
	body, tail := b[:len(b)-sumPart], b[len(b)-sumPart:]
	if string(tail) != sumMark+sumOf(body)+endMark {
		return l, errNotWhole
	}
	err := json.Unmarshal(b, &l)
	if l.Version > 0 && l.Version != version { // whatever else it is then
		return l, errVersion
	}
	if err == nil && l.Version != version {
		err = errors.New("it has no version")
	}
	return l, err
}
