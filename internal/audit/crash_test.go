package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/ktest"
)

// A crash may cut the last line anywhere. Whatever is left is kept and noted,
// and the chain goes on from the last whole line.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 0)
	add(t, l, record(1), record(2))
	l.Close()
	name := segment(dir, 1)
	whole := read(t, name)
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1

	for cut := last; cut <= len(whole); cut++ {
		write(t, name, whole[:cut])
		if got := verify(t, dir).Tail; got != int64(cut-last) && cut < len(whole) {
			t.Fatalf("cut at %d, before Open: got tail %d, want %d", cut, got, cut-last)
		}
		l := open(t, dir, 0)
		add(t, l, record(3))
		l.Close()

		records, torn := 2, 1
		switch cut {
		case last:
			torn = 0
		case len(whole) - 1, len(whole): // whole, with or without its newline
			records, torn = 3, 0
		}
		got := verify(t, dir)
		if got.Records != records || got.Torn != torn || got.Tail != 0 {
			t.Fatalf("cut at %d: got %+v, want %d records, %d torn, no tail", cut, got, records, torn)
		}
		if !bytes.HasPrefix(read(t, name), whole[:cut]) {
			t.Fatalf("cut at %d: what the crash left was not kept", cut)
		}
	}
}

// A second crash may cut the note of the first.
func TestTornTwice(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, 0).Close()
	name := segment(dir, 1)
	tear(t, name, []byte(`{"v":1,"seq":2,"kind":"event","id":"00`))
	first := len(read(t, name))
	open(t, dir, 0).Close()
	noted := read(t, name)

	for cut := first; cut < len(noted)-1; cut++ {
		write(t, name, noted[:cut])
		l := open(t, dir, 0)
		add(t, l, record(1))
		l.Close()
		if got := verify(t, dir); got.Torn != 1 || got.Records != 1 || got.Tail != 0 {
			t.Fatalf("cut at %d: got %+v, want one torn part and one record", cut, got)
		}
	}
}

// What a power cut leaves can be long, and zeros.
func TestTornZeros(t *testing.T) {
	for _, size := range []int{1, 65535, 65536, 65537, 131072, 1 << 20} {
		dir := t.TempDir()
		l := open(t, dir, 0)
		add(t, l, record(1))
		l.Close()
		tear(t, segment(dir, 1), make([]byte, size))
		if got := verify(t, dir).Tail; got != int64(size) {
			t.Errorf("%d zeros, before Open: got tail %d", size, got)
		}
		l = open(t, dir, 0)
		add(t, l, record(2))
		l.Close()
		got := verify(t, dir)
		if got.Torn != 1 || got.TornBytes != int64(size)+1 || got.Records != 2 {
			t.Errorf("%d zeros: got %+v, want them noted with their newline, and two records", size, got)
		}
	}
}

// A torn line is a fault until it is noted, and when its note is gone.
func TestTornWithoutNote(t *testing.T) {
	dir := tornLog(t)
	edit(t, segment(dir, 2), func(lines [][]byte) [][]byte {
		return append(lines[:3:3], lines[4:]...) // header, event, torn, without note, event
	})
	wantFault(t, dir, segment(dir, 2), 3, "not a whole line")
	edit(t, segment(dir, 2), func(lines [][]byte) [][]byte { return lines[:3] })
	wantFault(t, dir, segment(dir, 2), 3, "not a whole line")
}

// Each crash has its note, and each note its own crash.
func TestTornOverAndOver(t *testing.T) {
	dir := t.TempDir()
	for n := range 3 {
		l := open(t, dir, 0)
		add(t, l, record(n))
		l.Close()
		tear(t, segment(dir, 1), fmt.Appendf(nil, "torn %0*d", n+1, n))
	}
	open(t, dir, 0).Close()
	if got := verify(t, dir); got.Torn != 3 || got.TornBytes != 7+8+9 || got.Records != 3 {
		t.Errorf("got %+v, want 3 torn parts of 24 bytes and 3 records", got)
	}

	edit(t, segment(dir, 1), func(lines [][]byte) [][]byte {
		last := len(lines) - 1
		lines[last] = rehash(bytes.Replace(lines[last], []byte(`"bytes":9`), []byte(`"bytes":8`), 1))
		return lines
	})
	wantFault(t, dir, segment(dir, 1), 9, "not a whole line")
}

// On a full disk Append fails, keeps what is there whole, and goes on when there
// is space.
func TestFullDisk(t *testing.T) {
	for _, c := range []struct {
		name string
		size int64 // of a segment
		want string
	}{
		{"within a line", 1 << 20, "writing the audit log"},
		{"at a rotation", 13_000, "starting audit segment"}, // each takes 4 pages
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			mountSmall(t, dir)
			ballast := dir + "/ballast"
			write(t, ballast, make([]byte, 16<<10))
			l := open(t, dir, c.size)

			kept := fill(t, l, c.want)
			if again := fill(t, l, c.want); again != 0 {
				t.Errorf("%d records went onto the full disk", again)
			}
			if got := verify(t, dir); got.Records != kept || got.Tail != 0 {
				t.Errorf("full: got %d records, tail %d; want %d and none", got.Records, got.Tail, kept)
			}
			os.Remove(ballast)
			more := fill(t, l, c.want)
			if more == 0 {
				t.Error("nothing was appended after space came back")
			}
			if err := l.Sync(); err != nil {
				t.Errorf("Sync: %v", err)
			}
			if got := verify(t, dir); got.Records != kept+more || got.Torn != 0 {
				t.Errorf("full again: got %d records, %d torn; want %d and none", got.Records, got.Torn, kept+more)
			}
			if left, _ := filepath.Glob(dir + "/*.new"); left != nil {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// mountSmall puts a file system of 68 KiB on dir: the mark takes one page.
func mountSmall(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=68k,mode=0700"); err != nil {
		ktest.Missing(t, "the right to mount a tmpfs (root)")
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
}

// fill appends until the disk is full, which the error has to tell, and returns
// how many records were accepted.
func fill(t *testing.T, l *audit.Log, want string) int {
	t.Helper()
	for n := 0; n < 3000; n += 3 {
		err := l.Append(records(n, n+3)...)
		if errors.Is(err, syscall.ENOSPC) && strings.Contains(err.Error(), want) {
			return n
		}
		if err != nil {
			t.Fatalf("got %v, want %q and ENOSPC", err, want)
		}
	}
	t.Fatal("the disk does not fill")
	return 0
}

// After a failed fsync nothing may be appended: the kernel may have dropped
// pages, and a later fsync would not tell.
func TestSyncErrorIsFinal(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 0)
	r, w, err := os.Pipe() // takes writes, and fsync fails on it
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l.SetFile(w)
	add(t, l, record(1))
	for _, call := range []func() error{l.Sync, l.Sync, func() error { return l.Append(record(2)) }, l.Close} {
		if err := call(); !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), "restart") {
			t.Errorf("got %v, want the error of the fsync and what to do", err)
		}
	}
	if _, err := audit.Verify(dir); err != nil {
		t.Errorf("Verify: %v", err)
	}
}
