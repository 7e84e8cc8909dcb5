package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Checkpoint is what heads that were kept elsewhere say of one node's chain. It
// takes some hundred bytes a head, whatever the log's size is.
type Checkpoint struct {
	heads  []anchor // by seq
	Others int      // heads of other nodes that were passed over
	Lines  int      // other lines
}

// anchor is a head whose signature holds.
type anchor struct {
	seq  uint64
	hash digest
	time time.Time
}

// Heads counts what the checkpoint has to say.
func (c *Checkpoint) Heads() int { return len(c.heads) }

// HeadFault is what is wrong with a line that claims to be a head.
type HeadFault struct {
	Line    int
	Problem string
}

// Error returns line N: PROBLEM.
func (f *HeadFault) Error() string { return fmt.Sprintf("line %d: %s", f.Line, f.Problem) }

// ReadCheckpoint reads heads, one a line: as ktsd sends them, as the journal shows
// them ("journalctl -o cat" or "-o json"), in any order and among other lines,
// which are passed over. So are heads of other nodes.
//
// Every head of the node has to carry a signature that check finds good; the first
// one that does not is the error, a *HeadFault.
func ReadCheckpoint(r io.Reader, node string, check func(Head) error) (*Checkpoint, error) {
	c := &Checkpoint{}
	in := bufio.NewReaderSize(r, maxLine)
	for number := 1; ; number++ {
		line, err := readLine(in)
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("reading heads: %w", err)
		}
		text := findHead(line)
		if text == nil {
			c.Lines++
			continue
		}
		h, err := ParseHead(text)
		if err != nil {
			return nil, &HeadFault{number, fmt.Sprintf("this head cannot be used: %v", err)}
		}
		if h.Node != node {
			c.Others++
			continue
		}
		if err := check(h); err != nil {
			return nil, &HeadFault{number, fmt.Sprintf("this head of %s is not signed by this server: %v", h.Time.Format(time.RFC3339), err)}
		}
		c.heads = append(c.heads, anchor{h.Seq, digest([]byte(h.Hash)), h.Time})
	}
	slices.SortStableFunc(c.heads, func(a, b anchor) int {
		switch {
		case a.seq < b.seq:
			return -1
		case a.seq > b.seq:
			return 1
		}
		return a.time.Compare(b.time)
	})
	return c, nil
}

// readLine returns a line without its newline, and of one that is longer than a
// head can be its beginning. The bytes are valid until the next call.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line = slices.Clone(line)
		for err == bufio.ErrBufferFull {
			_, err = in.ReadSlice('\n')
		}
	}
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	return bytes.TrimRight(line, "\r\n"), err
}

// headMark is in every head and, one hopes, in no other line.
const headMark = `{"v":1,"node":"`

// findHead returns the head in a line, or nil if the line has none.
func findHead(line []byte) []byte {
	line = bytes.TrimSpace(line)
	if bytes.HasPrefix(line, []byte("{")) && !bytes.HasPrefix(line, []byte(headMark)) {
		return headInEntry(line)
	}
	at := bytes.Index(line, []byte(headMark))
	if at < 0 {
		return nil
	}
	return line[at:]
}

// headInEntry looks into an entry of a journal, or of another collector of logs, in
// JSON.
func headInEntry(line []byte) []byte {
	var entry struct {
		Head    any    `json:"KTSD_AUDIT_HEAD"`
		Message any    `json:"MESSAGE"`
		Log     any    `json:"log"`
		Version int    `json:"v"`
		Seq     uint64 `json:"seq"`
		Hash    string `json:"hash"`
		Node    string `json:"node"`
	}
	if err := json.Unmarshal(line, &entry); err != nil {
		return nil
	}
	for _, field := range []any{entry.Head, entry.Message, entry.Log} {
		text, ok := field.(string)
		if at := strings.Index(text, headMark); ok && at >= 0 {
			return bytes.TrimSpace([]byte(text[at:]))
		}
	}
	if entry.Version != 0 && entry.Seq != 0 && entry.Hash != "" && entry.Node != "" {
		return line // a head with its fields in another order
	}
	return nil
}
