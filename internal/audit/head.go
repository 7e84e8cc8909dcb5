package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/ktsd/ktsd/internal/proof"
)

// Head names the last line of a chain at a time. Signed, and kept where those who
// can write to the log cannot, it vouches for that line and all before it.
//
// As text it is one line of JSON:
//
//	{"v":1,"node":"kts01.example.com","segment":3,"seq":812,"hash":"<64 hex>",
//	 "time":"2026-11-21T12:00:00Z","signature":"<base64>"}
//
//	signature  a detached OpenPGP signature of proof.AuditHead, by the server's key
type Head struct {
	Version   int       `json:"v"`
	Node      string    `json:"node"`
	Segment   int       `json:"segment"`
	Seq       uint64    `json:"seq"`
	Hash      string    `json:"hash"`
	Time      time.Time `json:"time"` // of the signature, seconds
	Signature []byte    `json:"signature"`
}

// Text is what the signature is over.
func (h Head) Text() []byte { return proof.AuditHead(h.Node, h.Segment, h.Seq, h.Hash, h.Time) }

// Line returns the head as one line, without a newline.
func (h Head) Line() string {
	line, err := json.Marshal(h)
	if err != nil {
		panic(err) // none of its types can fail, but for a year over 9999
	}
	return string(line)
}

// Head returns the end of the chain, unsigned, once it is on disk.
func (l *Log) Head() (Head, error) {
	if err := l.Sync(); err != nil {
		return Head{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return Head{
		Version: version, Node: l.node, Segment: l.synced.segment, Seq: l.synced.seq, Hash: l.synced.hash.String(),
		Time: time.Now().UTC().Truncate(time.Second),
	}, nil
}

// Lines returns the number of the last line, whether or not it is on disk. It waits for
// nothing.
func (l *Log) Lines() uint64 { return l.lines.Load() }

// ParseHead reads a head from its line. It does not look at the signature.
func ParseHead(line []byte) (Head, error) {
	var h Head
	if err := json.Unmarshal(line, &h); err != nil {
		return Head{}, errors.New("it is cut or damaged")
	}
	_, offset := h.Time.Zone()
	switch {
	case h.Version != version:
		return Head{}, fmt.Errorf("it has format version %d; this build reads version %d", h.Version, version)
	case h.Node == "" || len(h.Node) > 255 || strings.ContainsFunc(h.Node, notPrintable):
		return Head{}, errors.New("its node is no name of a host")
	case h.Seq == 0 || h.Segment <= 0:
		return Head{}, errors.New("it names no line")
	case len(h.Hash) != len(digest{}) || strings.Trim(h.Hash, "0123456789abcdef") != "":
		return Head{}, errors.New("its hash is none")
	case h.Time.Nanosecond() != 0 || offset != 0 || h.Time.Year() < 2000:
		return Head{}, errors.New("its time is none that ktsd writes")
	case len(h.Signature) == 0:
		return Head{}, errors.New("it is not signed")
	}
	return h, nil
}

func notPrintable(r rune) bool { return !unicode.IsPrint(r) }
