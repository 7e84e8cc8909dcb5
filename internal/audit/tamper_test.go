package audit_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/audit"
)

// smallLog makes a log of three segments with five lines each, and returns its
// directory.
func smallLog(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	l := open(t, dir, 600)
	for n := 0; n < 12; n += 4 {
		add(t, l, records(n, n+4)...)
	}
	l.Close()
	return dir
}

// wantFault makes sure that Verify names file, line and problem.
func wantFault(t *testing.T, dir, file string, line int, problem string) {
	t.Helper()
	_, err := audit.Verify(dir)
	var fault *audit.Fault
	if !errors.As(err, &fault) {
		t.Fatalf("got %v, want a fault", err)
	}
	if fault.File != file || fault.Line != line || !strings.Contains(fault.Problem, problem) {
		t.Errorf("got %v, want %s:%d: …%s…", err, file, line, problem)
	}
}

// edit replaces the lines of a file by those that change returns.
func edit(t *testing.T, name string, change func(lines [][]byte) [][]byte) {
	t.Helper()
	lines := bytes.SplitAfter(read(t, name), []byte("\n"))
	lines = change(lines[:len(lines)-1]) // behind the last newline is nothing
	write(t, name, bytes.Join(lines, nil))
}

// rehash gives an edited line the right hash again.
func rehash(line []byte) []byte {
	body := line[:bytes.LastIndex(line, []byte(`,"hash":`))]
	return fmt.Appendf(nil, "%s,\"hash\":\"%x\"}\n", body, sha256.Sum256(body))
}

// Every byte of a log matters: changed in any of four ways, it is a fault, in
// the line it belongs to. The newline at the very end is the exception: without
// it the last line looks as if it were being written, and the report says so.
func TestEveryByte(t *testing.T) {
	dir := tornLog(t)
	for number := 1; number <= 2; number++ {
		name := segment(dir, number)
		whole := read(t, name)
		for i, b := range whole {
			for _, changed := range []byte{b ^ 1, b ^ 0x20, b ^ 0x80, '\n'} {
				if changed == b {
					continue
				}
				bad := slices.Clone(whole)
				bad[i] = changed
				write(t, name, bad)
				report, err := audit.Verify(dir)
				var fault *audit.Fault
				switch {
				case number == 2 && i == len(whole)-1:
					if err != nil || report.Tail == 0 {
						t.Fatalf("last newline: got %v and tail %d, want a tail", err, report.Tail)
					}
				case !errors.As(err, &fault) || fault.File != name:
					t.Fatalf("%s, byte %d, %q instead of %q: got %v, want a fault", name, i, changed, b, err)
				}
			}
		}
		write(t, name, whole)
	}
	verify(t, dir)
}

// tornLog makes a log of two segments; in the second a torn line is noted.
func tornLog(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	l := open(t, dir, 300)
	add(t, l, record(1))
	add(t, l, record(2))
	l.Close()
	tear(t, segment(dir, 2), []byte(`{"v":1,"seq":5,"ki`))
	l = open(t, dir, 1<<20)
	add(t, l, record(3))
	l.Close()
	if got := verify(t, dir); got.Segments != 2 || got.Torn != 1 || got.Records != 3 {
		t.Fatalf("got %+v, want two segments, a torn line and 3 records", got)
	}
	return dir
}

// tear adds to a file what a crash might leave there.
func tear(t *testing.T, name string, b []byte) {
	t.Helper()
	write(t, name, append(read(t, name), b...))
}

func TestEditedLine(t *testing.T) {
	dir := smallLog(t)
	name := segment(dir, 2)
	edit(t, name, func(lines [][]byte) [][]byte {
		lines[2] = bytes.Replace(lines[2], []byte("192.0.2.7"), []byte("192.0.2.8"), 1)
		return lines
	})
	wantFault(t, dir, name, 3, "the line was edited")

	edit(t, name, func(lines [][]byte) [][]byte { // the forger knows the format
		lines[2] = rehash(lines[2])
		return lines
	})
	wantFault(t, dir, name, 4, "its prev is not the hash of the line before")
}

// What only a head that was signed and kept elsewhere will show: a last line
// edited and hashed again, and lines cut off the end.
func TestUnanchoredEnd(t *testing.T) {
	dir := smallLog(t)
	before := verify(t, dir)
	name := segment(dir, 3)
	edit(t, name, func(lines [][]byte) [][]byte {
		lines[4] = rehash(bytes.Replace(lines[4], []byte("192.0.2.7"), []byte("192.0.2.8"), 1))
		return lines
	})
	if after := verify(t, dir); after.Head == before.Head {
		t.Error("the head is the same after an edit, so a signed one would not show it")
	}
	edit(t, name, func(lines [][]byte) [][]byte { return lines[:3] })
	if after := verify(t, dir); after.HeadSeq != before.HeadSeq-2 {
		t.Errorf("got head %d after a cut of two lines, want %d", after.HeadSeq, before.HeadSeq-2)
	}
}

func TestMovedLines(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(lines [][]byte) [][]byte
		line    int
		problem string
	}{
		{"deleted", func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) }, 3, "seq 9 comes after seq 7: lines are missing here"},
		{"swapped", func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l }, 3, "seq 9 comes after seq 7: lines are missing here, or were moved"},
		{"repeated", func(l [][]byte) [][]byte { return slices.Insert(l, 3, l[2]) }, 4, "seq 8 comes after seq 8: lines were moved or repeated"},
		{"without header", func(l [][]byte) [][]byte { return l[1:] }, 1, "one header"},
		{"two headers", func(l [][]byte) [][]byte { return slices.Insert(l, 1, l[0]) }, 2, "one header"},
		{"emptied", func([][]byte) [][]byte { return nil }, 1, "header is missing"},
		{"cut within a line", func(l [][]byte) [][]byte { l[4] = l[4][:20]; return l }, 5, "ends within a line"},
		{"garbage inside", func(l [][]byte) [][]byte { return slices.Insert(l, 2, []byte("x\n")) }, 3, "not a whole line"},
		{"garbage longer than a line", func(l [][]byte) [][]byte {
			return slices.Insert(l, 2, append(bytes.Repeat([]byte("x"), 200_000), '\n'))
		}, 3, "not a whole line"},
		{"empty line", func(l [][]byte) [][]byte { return slices.Insert(l, 2, []byte("\n")) }, 3, "not a whole line"},
		{"garbage at the end", func(l [][]byte) [][]byte { return append(l, []byte("x\n")) }, 6, "not a whole line"},
		{"another version", func(l [][]byte) [][]byte {
			l[2] = rehash(bytes.Replace(l[2], []byte(`"v":1`), []byte(`"v":2`), 1))
			return l
		}, 3, "format version 2"},
		{"another kind", func(l [][]byte) [][]byte {
			l[2] = rehash(bytes.Replace(l[2], []byte(`"event"`), []byte(`"oops"`), 1))
			return l
		}, 3, `unknown kind of line "oops"`},
		{"note without a torn line", func(l [][]byte) [][]byte {
			l[2] = rehash(bytes.Replace(l[2], []byte(`"event"`), []byte(`"torn"`), 1))
			return l
		}, 3, "tells of a torn line before it, and there is none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := smallLog(t)
			edit(t, segment(dir, 2), c.change)
			wantFault(t, dir, segment(dir, 2), c.line, c.problem)
		})
	}
}

func TestSegmentCutAtItsEnd(t *testing.T) {
	dir := smallLog(t)
	edit(t, segment(dir, 1), func(lines [][]byte) [][]byte { return lines[:3] })
	wantFault(t, dir, segment(dir, 2), 1, "the segment before was cut at its end")
}

func TestSwappedSegments(t *testing.T) {
	dir := smallLog(t)
	one, two := read(t, segment(dir, 1)), read(t, segment(dir, 2))
	write(t, segment(dir, 1), two)
	write(t, segment(dir, 2), one)
	wantFault(t, dir, segment(dir, 1), 1, "this is segment 2: files were swapped")
}

func TestMissingSegment(t *testing.T) {
	dir := smallLog(t)
	kept := read(t, segment(dir, 2))
	os.Remove(segment(dir, 2))
	wantFault(t, dir, segment(dir, 2), 0, "missing")
	write(t, segment(dir, 2), kept)
	os.Remove(segment(dir, 1))
	wantFault(t, dir, segment(dir, 1), 0, "missing")
}

func TestSegmentOfOtherNode(t *testing.T) {
	dir := smallLog(t)
	edit(t, segment(dir, 2), func(lines [][]byte) [][]byte {
		lines[0] = rehash(bytes.Replace(lines[0], []byte("kts01"), []byte("kts02"), 1))
		return lines
	})
	wantFault(t, dir, segment(dir, 2), 1, `node "kts02.example.com"`)
}

func TestOtherFilesAreIgnored(t *testing.T) {
	dir := smallLog(t)
	for _, name := range []string{"audit-1.jsonl", "audit-00000004.jsonl.new", "audit-x.jsonl", "reserve", "audit-00000000.jsonl"} {
		write(t, filepath.Join(dir, name), []byte("x"))
	}
	verify(t, dir)
	l := open(t, dir, 100)
	add(t, l, record(20))
	if got := verify(t, dir); got.Segments != 4 {
		t.Errorf("got %d segments, want 4", got.Segments)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(lines [][]byte) [][]byte
		want   string
	}{
		{"an edited header", func(l [][]byte) [][]byte { l[0][20] ^= 1; return l }, "line 1 should be the segment's header"},
		{"no header", func(l [][]byte) [][]byte { return l[1:] }, "line 1 is not the header of segment 3"},
		{"an empty segment", func([][]byte) [][]byte { return nil }, "line 1 should be the segment's header"},
		{"a newer version", func(l [][]byte) [][]byte {
			l[4] = rehash(bytes.Replace(l[4], []byte(`"v":1`), []byte(`"v":2`), 1))
			return l
		}, "format version 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := smallLog(t)
			edit(t, segment(dir, 3), c.change)
			before := read(t, segment(dir, 3))
			_, err := audit.Open(dir, node, audit.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if !bytes.Equal(before, read(t, segment(dir, 3))) {
				t.Error("the refused segment was changed")
			}
		})
	}
}
