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
	header, _, err := firstLine(l.file)
	switch {
	case err != nil:
		return fmt.Errorf("line 1 should be the segment's header: %w; restore the file, or move the whole directory away to begin a new chain", err)
	case header.Kind != kindSegment || header.Segment != l.number:
		return fmt.Errorf("line 1 is not the header of segment %d; give the file its own name back", l.number)
	case header.Node != l.node:
		return fmt.Errorf("this is the audit log of node %q, and this is node %q: a node's log is not carried to another; move the directory away to begin this node's own chain",
			header.Node, l.node)
	}
	l.first, l.began = header.Seq, header.Time
	return nil
}

// repairTail sets head and size to the end of the last segment. What a crash
// left behind the last line that follows is kept: it gets a newline and a line that
// names its length and hash.
//
// What is not known to be on disk is written anew before anything is chained to it:
// after an fsync that failed the kernel shows it and counts it as written, so no
// later fsync would bring it there.
func (l *Log) repairTail() error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	l.size = info.Size()
	from, err := l.onDisk()
	if err != nil {
		return err
	}
	end, err := l.follow(from)
	if err != nil {
		return err
	}
	l.encoder.start(l.head)
	switch {
	case end == l.size+1: // whole, but for its newline
		l.encoder.buffer.WriteByte('\n')
	case end < l.size:
		err = l.noteTorn(end, l.size)
	}
	if err == nil && from < l.size {
		err = l.rewrite(from, l.size)
	}
	if err == nil && l.encoder.buffer.Len() > 0 {
		err = l.write()
	}
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return err
	}
	l.synced = place{l.head, l.number}
	l.mark.set(l.number, l.size)
	return nil
}

// onDisk returns up to where the last segment is known to be on disk, and sets the
// head to the line that ends there. Where nothing is known that is the last whole
// line.
func (l *Log) onDisk() (int64, error) {
	number, size, ok := l.mark.get()
	var line parsedLine
	var end int64
	var err error
	switch {
	case ok && number < l.number: // the segment was begun at a rotation that broke off
		line, end, err = firstLine(l.file)
	case ok && number == l.number && size <= l.size:
		line, end, err = lastLine(l.file, size)
		ok = err == nil && end == size
	default:
		ok = false
	}
	if !ok {
		line, end, err = lastLine(l.file, l.size)
	}
	if err != nil {
		return 0, err
	}
	l.head = head{seq: line.Seq, hash: line.hash}
	return end, nil
}

// follow moves the head along the lines from an offset on, as far as they follow
// each other, and returns the offset behind the last one. Lines that are whole but
// in a wrong place are no crash's work: these are left for Verify to find, and the
// head is the last of them.
func (l *Log) follow(from int64) (int64, error) {
	if from >= l.size {
		return from, nil
	}
	v := verifier{head: l.head, number: l.number, line: 1, opened: true, torn: torn{hash: sha256.New()}}
	rest, err := v.lines(io.NewSectionReader(l.file, from, l.size-from))
	if err == nil && v.torn.bytes == 0 && rest > 0 { // whole, but for its newline?
		err = v.lastOf(l.file, l.size-rest, rest)
	}
	if _, wrong := errors.AsType[*Fault](err); wrong {
		line, end, err := lastLine(l.file, l.size)
		l.head = head{seq: line.Seq, hash: line.hash}
		return end, err
	}
	l.head = v.head
	return from + v.good, err
}

// lastOf takes up what follows the last newline, if it is a line that lacks only
// its own.
func (v *verifier) lastOf(f *os.File, at, size int64) error {
	if size >= maxLine {
		return nil
	}
	data := make([]byte, size)
	if _, err := f.ReadAt(data, at); err != nil {
		return err
	}
	line, err := parseLine(data)
	if err != nil {
		return nil
	}
	v.good += size + 1
	return v.follow(line)
}

// rewrite writes a part of the last segment once more, as it is.
func (l *Log) rewrite(from, to int64) error {
	f, err := os.OpenFile(l.file.Name(), os.O_RDWR, 0) // not at its end, as l.file does
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.NewOffsetWriter(f, from), io.NewSectionReader(l.file, from, to-from))
	return err
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

// firstLine returns a segment's header and the offset behind its newline.
func firstLine(f *os.File) (parsedLine, int64, error) {
	buffer := make([]byte, maxLine)
	n, err := f.ReadAt(buffer, 0)
	if err != nil && err != io.EOF {
		return parsedLine{}, 0, err
	}
	first, _, _ := bytes.Cut(buffer[:n], []byte("\n"))
	line, err := parseLine(first)
	return line, int64(len(first)) + 1, err
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
