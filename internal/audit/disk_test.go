package audit_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/ktest/powerfs"
)

// rounds is how often a power cut is tried in each way.
func rounds() int {
	if os.Getenv("KTSD_SOAK") == "1" {
		return 200
	}
	return 30
}

// addLong appends n records, each alone, of lengths that take their lines across
// the sectors of a disk.
func addLong(t *testing.T, l *audit.Log, from, n int) {
	t.Helper()
	for i := range n {
		r := record(from + i)
		r.Detail = strings.Repeat("x", rand.IntN(700))
		add(t, l, r)
	}
}

// wantKept fails the test unless the chain holds and has the records given.
func wantKept(t *testing.T, dir string, want []int) {
	t.Helper()
	verify(t, dir)
	segments, err := filepath.Glob(filepath.Join(dir, "audit-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range segments {
		all.Write(read(t, name))
	}
	for _, n := range want {
		if !strings.Contains(all.String(), `"id":"`+record(n).ID+`"`) {
			t.Fatalf("record %d is missing", n)
		}
	}
}

// TestPowerCuts: whatever a power cut leaves of what was not synced, the chain
// holds once Open has looked at it, and has all that was synced before. Now and
// then a segment is full.
func TestPowerCuts(t *testing.T) {
	for name, keep := range map[string]powerfs.Keep{"nothing": powerfs.Nothing, "a beginning": powerfs.Beginning, "some sectors": powerfs.Some} {
		t.Run("keeping "+name, func(t *testing.T) {
			dir := t.TempDir()
			fs := powerfs.Mount(t, dir)
			var synced []int
			for next := 0; next < 40*rounds(); next += 40 {
				l := open(t, dir, 30_000)
				wantKept(t, dir, synced)
				addLong(t, l, next, 1+rand.IntN(20))
				if rand.IntN(3) > 0 {
					if err := l.Sync(); err != nil {
						t.Fatal(err)
					}
					synced = append(synced, next)
				}
				addLong(t, l, next+20, 1+rand.IntN(20))
				l.Abandon()
				fs.PowerCut(t, keep)
			}
		})
	}
}

// TestFailedFsync: after an fsync that failed, once or for some time, and a start
// without a power cut, the records that it should have brought to disk are there
// after a power cut that comes later. The kernel alone would not see to that.
func TestFailedFsync(t *testing.T) {
	for _, times := range []int{1, 3} {
		dir := t.TempDir()
		fs := powerfs.Mount(t, dir)
		l := open(t, dir, 0)
		addLong(t, l, 0, 30)
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		addLong(t, l, 30, 30)
		fs.FailFsync("audit-*", times)
		if err := l.Sync(); !errors.Is(err, syscall.EIO) {
			t.Fatalf("Sync: got %v, want EIO", err)
		}
		l.Abandon()
		for range times - 1 { // for as long as the disk fails, nothing is chained to what it does not hold
			if _, err := audit.Open(dir, node, audit.Options{}); !errors.Is(err, syscall.EIO) {
				t.Fatalf("Open: got %v, want EIO", err)
			}
		}
		l = open(t, dir, 0)
		addLong(t, l, 60, 30)
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		l.Abandon()
		fs.PowerCut(t, powerfs.Nothing)
		open(t, dir, 0).Abandon()
		wantKept(t, dir, []int{0, 29, 30, 45, 59, 60, 89})
		if got := verify(t, dir); got.Records != 90 || got.Torn != 0 {
			t.Errorf("got %d records and %d torn, want 90 and none", got.Records, got.Torn)
		}
	}
}

// TestMarkIsNotNeeded: a mark that is gone, foreign, ahead or nonsense hinders
// nothing.
func TestMarkIsNotNeeded(t *testing.T) {
	for name, text := range map[string]string{
		"gone": "", "nonsense": "segment one", "ahead": "segment        1 up to byte              1000000\n",
		"within a line": "segment        1 up to byte                  700\n", "of a later segment": "segment        9 up to byte                  100\n",
		"zeros": strings.Repeat("\x00", 44),
	} {
		dir := t.TempDir()
		l := open(t, dir, 0)
		add(t, l, records(0, 5)...)
		l.Close()
		tear(t, segment(dir, 1), []byte(`{"v":1,"seq":7`))
		write(t, filepath.Join(dir, "synced"), []byte(text))
		if text == "" {
			os.Remove(filepath.Join(dir, "synced"))
		}
		l = open(t, dir, 0)
		add(t, l, records(5, 10)...)
		l.Close()
		if got := verify(t, dir); got.Records != 10 || got.Torn != 1 {
			t.Errorf("a mark that is %s: got %d records and %d torn, want 10 and 1", name, got.Records, got.Torn)
		}
	}
}

// TestHoles: whole lines behind a hole are kept, noted, and not chained to; an
// edit of what the mark vouches for is left for Verify.
func TestHoles(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 0)
	add(t, l, records(0, 5)...)
	l.Close()
	name := segment(dir, 1)
	whole := read(t, name)
	l = open(t, dir, 0)
	add(t, l, records(5, 10)...)
	l.Abandon()
	data := read(t, name)
	clear(data[len(whole)+100 : len(whole)+200])
	write(t, name, data)
	l = open(t, dir, 0)
	add(t, l, records(10, 12)...)
	l.Close()
	if got := verify(t, dir); got.Records != 7 || got.Torn != 1 || got.TornBytes != int64(len(data)-len(whole))+1 {
		t.Errorf("got %+v, want 7 records and one torn part from the hole on", got)
	}

	edit(t, name, func(lines [][]byte) [][]byte {
		lines[2][40] ^= 1
		return lines
	})
	open(t, dir, 0).Close()
	wantFault(t, dir, name, 3, "edited")
}
