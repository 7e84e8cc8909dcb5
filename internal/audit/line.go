package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// The format of a line, version 1. All lines are JSON objects, end with a
// newline, and share a beginning and an end:
//
//	{"v":1,"seq":7,"kind":K, … ,"prev":"<64 hex>","hash":"<64 hex>"}
//
//	v      version of this format
//	seq    1, 2, 3 … over all lines of all segments
//	prev   the hash of the line before; 64 zeros in the very first line
//	hash   SHA-256, lower-case hex, over the line's bytes before ,"hash":
//
// and have between them, by kind:
//
//	segment  the first line of each segment file, and no other
//	         "time", "node":"kts01.example.com", "segment":1
//	event    one audited event: the fields of escrow.Record
//	torn     what a crash left of a line stands before this one
//	         "time", "bytes":213, "sha256":"<64 hex>": of everything between
//	         the last whole line and this one, closing newline included
const (
	version = 1

	kindSegment = "segment"
	kindEvent   = "event"
	kindTorn    = "torn"
)

// maxLine bounds a line, newline included, in bytes. The largest record that
// ktsd makes is far below it; Verify needs a bound to run in constant memory.
const maxLine = 64 << 10

// digest is a SHA-256 in lower-case hex digits.
type digest [2 * sha256.Size]byte

func (d digest) String() string { return string(d[:]) }

// digestOf returns the hash of b.
func digestOf(b []byte) (d digest) {
	sum := sha256.Sum256(b)
	hex.Encode(d[:], sum[:])
	return d
}

// noDigest is what the first line of a chain has for its predecessor's hash.
func noDigest() digest {
	return digest([]byte(strings.Repeat("0", len(digest{}))))
}

// The parts around the two hashes at the end of a line.
const (
	prevMark = `,"prev":"`
	hashMark = `","hash":"`
	endMark  = `"}`

	hashPart  = len(hashMark) - 1 + len(digest{}) + len(endMark) // ,"hash":"…"}
	trailPart = len(prevMark) + len(digest{}) + 1 + hashPart     // ,"prev":"…","hash":"…"}
)

// preamble is what every line begins with.
type preamble struct {
	Version int    `json:"v"`
	Seq     uint64 `json:"seq"`
	Kind    string `json:"kind"`
}

type eventLine struct {
	preamble
	*escrow.Record
}

type segmentLine struct {
	preamble
	Time    time.Time `json:"time"`
	Node    string    `json:"node"`
	Segment int       `json:"segment"`
}

type tornLine struct {
	preamble
	Time   time.Time `json:"time"`
	Bytes  int64     `json:"bytes"`
	SHA256 string    `json:"sha256"`
}

// lineEncoder makes chained lines in a buffer of its own.
type lineEncoder struct {
	head   head // the last line made
	buffer bytes.Buffer
	json   *json.Encoder
}

// start empties the buffer; the first line then follows h.
func (e *lineEncoder) start(h head) {
	e.head = h
	e.buffer.Reset()
	if e.json == nil {
		e.json = json.NewEncoder(&e.buffer) // escapes newlines, U+2028 and bytes that are not UTF-8
		e.json.SetEscapeHTML(false)
	}
}

// bytes returns the lines made since start. They are valid until the next start.
func (e *lineEncoder) bytes() []byte { return e.buffer.Bytes() }

func (e *lineEncoder) event(r *escrow.Record) error {
	return e.add(eventLine{preamble: e.preamble(kindEvent), Record: r})
}

func (e *lineEncoder) segment(node string, number int, at time.Time) error {
	return e.add(segmentLine{preamble: e.preamble(kindSegment), Time: at, Node: node, Segment: number})
}

func (e *lineEncoder) torn(size int64, sum string) error {
	return e.add(tornLine{preamble: e.preamble(kindTorn), Time: now(), Bytes: size, SHA256: sum})
}

func (e *lineEncoder) preamble(kind string) preamble {
	return preamble{Version: version, Seq: e.head.seq + 1, Kind: kind}
}

// add encodes a line and chains it to the one before.
func (e *lineEncoder) add(line any) error {
	start := e.buffer.Len()
	if err := e.json.Encode(line); err != nil {
		return err
	}
	e.buffer.Truncate(e.buffer.Len() - len("}\n"))
	e.buffer.WriteString(prevMark)
	e.buffer.Write(e.head.hash[:])
	e.buffer.WriteByte('"')
	sum := digestOf(e.buffer.Bytes()[start:])
	e.buffer.WriteString(hashMark[1:])
	e.buffer.Write(sum[:])
	e.buffer.WriteString(endMark + "\n")
	if size := e.buffer.Len() - start; size > maxLine {
		return fmt.Errorf("its line has %d bytes, %d are allowed", size, maxLine)
	}
	e.head = head{seq: e.head.seq + 1, hash: sum}
	return nil
}

// parsedLine is a whole line, as far as the chain needs it.
type parsedLine struct {
	preamble
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	Node    string    `json:"node"`
	Segment int       `json:"segment"`
	Bytes   int64     `json:"bytes"`
	SHA256  string    `json:"sha256"`

	prev, hash digest
}

// What parseLine finds wrong with a line.
var (
	errNotWhole = errors.New("not a whole line: it was cut, or torn by a crash and not noted")
	errEdited   = errors.New("its hash is not that of its bytes: the line was edited")
)

// parseLine reads a line without its newline and checks it against its own
// hash; whether it follows its predecessor is for the caller to see. The error
// is errNotWhole, errEdited, or says what is wrong with a line that has the
// right hash: then ktsd, or a forger, wrote just that.
func parseLine(b []byte) (parsedLine, error) {
	var l parsedLine
	if len(b) < trailPart || len(b) >= maxLine {
		return l, errNotWhole
	}
	prev, ok := bytes.CutPrefix(b[len(b)-trailPart:], []byte(prevMark))
	if !ok {
		return l, errNotWhole
	}
	copy(l.prev[:], prev)
	sum, ok := bytes.CutPrefix(prev[len(l.prev):], []byte(hashMark))
	if !ok || string(sum[len(l.hash):]) != endMark {
		return l, errNotWhole
	}
	copy(l.hash[:], sum)
	if digestOf(b[:len(b)-hashPart]) != l.hash {
		return l, errEdited
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return l, fmt.Errorf("no JSON object as ktsd writes it: %w", err)
	}
	if l.Version != version {
		return l, fmt.Errorf("format version %d; this build reads version %d", l.Version, version)
	}
	return l, nil
}
