package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// checkHeader makes sure that the last segment begins with its header, and that
// the header names this node and this segment.
func (l *Log) checkHeader() error {
	buffer := make([]byte, maxLine)
	n, err := l.file.ReadAt(buffer, 0)
	if err != nil && err != io.EOF {
		return err
	}
	first, _, _ := bytes.Cut(buffer[:n], []byte("\n"))
	header, err := parseLine(first)
	switch {
	case err != nil:
		return fmt.Errorf("line 1 should be the segment's header: %w; restore the file, or move the whole directory away to begin a new chain", err)
	case header.Kind != kindSegment || header.Segment != l.number:
		return fmt.Errorf("line 1 is not the header of segment %d; give the file its own name back", l.number)
	case header.Node != l.node:
		return fmt.Errorf("this is the audit log of node %q, and this is node %q: a node's log is not carried to another; move the directory away to begin this node's own chain",
			header.Node, l.node)
	}
	return nil
}

// repairTail sets head and size to the end of the last segment. What a crash
// left of a line behind the last whole one is kept: it gets a newline and a line
// that names its length and hash.
func (l *Log) repairTail() error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	last, end, err := lastLine(l.file, info.Size())
	if err != nil {
		return err
	}
	l.head = head{seq: last.Seq, hash: last.hash}
	l.size = info.Size()
	l.encoder.start(l.head)
	switch {
	case end == info.Size()+1: // whole, but for its newline
		l.encoder.buffer.WriteByte('\n')
	case end < info.Size():
		err = l.noteTorn(end, info.Size())
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return l.write()
}

// noteTorn puts into the encoder the newline that ends a torn tail, and the line
// that tells of it.
func (l *Log) noteTorn(from, to int64) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(l.file, from, to-from)); err != nil {
		return err
	}
	sum.Write([]byte("\n"))
	var e lineEncoder
	e.start(l.head)
	if err := e.torn(to-from+1, hex.EncodeToString(sum.Sum(nil))); err != nil {
		return err
	}
	l.encoder.buffer.WriteByte('\n')
	l.encoder.buffer.Write(e.bytes())
	l.encoder.head = e.head
	return nil
}

// lastLine finds the last whole line of a segment and the offset behind its
// newline, which is one past the file's end when only the newline is missing.
// It reads from the end backwards, no farther than it has to.
func lastLine(f *os.File, size int64) (parsedLine, int64, error) {
	for window := int64(2 * maxLine); ; window *= 2 {
		from := max(0, size-window)
		buffer := make([]byte, size-from)
		if _, err := f.ReadAt(buffer, from); err != nil && err != io.EOF {
			return parsedLine{}, 0, err
		}
		for end := len(buffer); end >= 0; {
			start := bytes.LastIndexByte(buffer[:end], '\n') + 1
			if start > 0 || from == 0 { // else the line begins before the window
				line, err := parseLine(buffer[start:end])
				if err != errNotWhole && err != errEdited {
					return line, from + int64(end) + 1, err
				}
			}
			end = start - 1
		}
		if from == 0 {
			return parsedLine{}, 0, errors.New("no whole line in the last segment: restore the file, or move the whole directory away to begin a new chain")
		}
	}
}
