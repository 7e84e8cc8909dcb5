package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ktsd/ktsd/internal/safefile"
)

const (
	segmentPrefix = "audit-"
	segmentSuffix = ".jsonl"
)

// segmentName returns the name of a segment's file: audit-00000001.jsonl.
func segmentName(number int) string {
	return fmt.Sprintf("%s%08d%s", segmentPrefix, number, segmentSuffix)
}

func segmentPath(dir string, number int) string {
	return filepath.Join(dir, segmentName(number))
}

// segmentNumbers lists the segments in dir in order. Other files are none of
// its business.
func segmentNumbers(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, entry := range entries {
		digits := strings.TrimSuffix(strings.TrimPrefix(entry.Name(), segmentPrefix), segmentSuffix)
		number, err := strconv.Atoi(digits)
		if err == nil && number > 0 && entry.Name() == segmentName(number) {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// rotate ends the last segment and opens the next. The caller holds mu.
func (l *Log) rotate() error {
	if err := l.dropPartial(); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return l.fail(fmt.Errorf("syncing the audit log to disk: %w", err))
	}
	old := l.file
	err := l.startSegment(l.number + 1)
	if l.file != old {
		old.Close()
	}
	return err
}

// startSegment makes a segment that holds only its header, chained to the head,
// and makes it the last one. The file gets its name when it is on disk, so a
// segment has a whole header or does not exist.
func (l *Log) startSegment(number int) error {
	if number == 1 {
		l.head = head{hash: noDigest()}
	}
	l.encoder.start(l.head)
	began := now()
	if err := l.encoder.segment(l.node, number, began); err != nil {
		return err
	}
	name := segmentPath(l.dir, number)
	var f *os.File
	err := l.withReserve(func() (err error) {
		f, err = createSegment(l.dir, name+".new", l.encoder.bytes())
		return err
	})
	if err != nil {
		return fmt.Errorf("starting audit segment %s: %w", name, err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		f.Close()
		return fmt.Errorf("starting audit segment: %w", err)
	}
	l.file, l.number, l.size, l.head = f, number, int64(l.encoder.buffer.Len()), l.encoder.head
	l.first, l.began = l.head.seq, began
	l.lines.Store(l.head.seq)
	if err := safefile.SyncDir(l.dir); err != nil {
		return l.fail(fmt.Errorf("syncing the audit log's directory: %w", err))
	}
	l.synced = place{l.head, l.number}
	l.mark.set(l.number, l.size)
	l.mark.sync() // once a segment, so that after a power cut it is about this one
	return nil
}

// createSegment makes a file with the given beginning, on disk, mode 0600, in
// the hands of the directory's owner. An error leaves no file, so it may be
// tried again, even after a failed fsync.
func createSegment(dir, name string, header []byte) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	err = safefile.Adopt(name, dir)
	if err == nil {
		_, err = f.Write(header)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		f.Close()
		os.Remove(name)
		return nil, err
	}
	return f, nil
}

// Node returns the name of the node whose log is in dir, as its first segment that
// is there tells it.
func Node(dir string) (string, error) {
	numbers, err := segmentNumbers(dir)
	if err != nil {
		return "", err
	}
	if len(numbers) == 0 {
		return "", fmt.Errorf("no segment in %s", dir)
	}
	name := segmentPath(dir, numbers[0])
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	header, _, err := firstLine(f)
	if err != nil || header.Kind != kindSegment {
		return "", &Fault{File: name, Line: 1, Problem: "the segment's header is missing or damaged"}
	}
	return header.Node, nil
}
