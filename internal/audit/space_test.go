package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/ktest/powerfs"
)

// openWith opens a log with a reserve and a mark.
func openWith(t *testing.T, dir string, options audit.Options) *audit.Log {
	t.Helper()
	l, err := audit.Open(dir, node, options)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// reserve returns the reserve's size, and what of it takes space on the disk.
func reserve(t *testing.T, dir string) (size, taken int64) {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, "reserve"))
	if err != nil {
		return 0, 0
	}
	return info.Size(), info.Sys().(*syscall.Stat_t).Blocks * 512
}

// untilSpace waits until a log tells of its space what is wanted.
func untilSpace(t *testing.T, l *audit.Log, what string, is func(escrow.Space) bool) escrow.Space {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		s := l.Space()
		if is(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %+v, want it %s", s, what)
		}
	}
}

func TestReserveIsMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := openWith(t, dir, audit.Options{})
	size, taken := reserve(t, dir)
	if size != audit.DefaultReserve || taken < size {
		t.Errorf("got a reserve of %d bytes, %d of them on the disk, want %d", size, taken, int64(audit.DefaultReserve))
	}
	if info, err := os.Stat(filepath.Join(dir, "reserve")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
	if s := l.Space(); s.Reserve != audit.DefaultReserve || s.Mark != audit.DefaultLowWater || s.Low || s.Free <= 0 {
		t.Errorf("got %+v, want the defaults, and room", s)
	}
	l.Close()
	for _, want := range []int64{1 << 20, 10_000_001, 0} { // shorter, longer, none
		option := want
		if want == 0 {
			option = -1
		}
		openWith(t, dir, audit.Options{Reserve: option}).Close()
		if size, taken := reserve(t, dir); size != want || taken < want {
			t.Errorf("got a reserve of %d bytes, %d of them on the disk, want %d", size, taken, want)
		}
	}
	verify(t, dir)
}

// TestReserveOfZeros: a file system that cannot be told to take space.
func TestReserveOfZeros(t *testing.T) {
	dir := t.TempDir()
	powerfs.Mount(t, dir)
	openWith(t, dir, audit.Options{Reserve: 9 << 20}).Close()
	if size, taken := reserve(t, dir); size != 9<<20 || taken < size {
		t.Errorf("got a reserve of %d bytes, %d of them on the disk, want %d", size, taken, 9<<20)
	}
}

// TestReserveHolds100000Reads, of clients with a long name of a deposit.
func TestReserveHolds100000Reads(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 0)
	r := record(1)
	r.Action, r.Source, r.RequestID = "deposit.get", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", strings.Repeat("f", 32)
	r.Organization, r.Detail = "a-quite-long-organization-name", strings.Repeat("handle/", 10)
	add(t, l, r)
	l.Close()
	all := bytes.SplitAfter(read(t, segment(dir, 1)), []byte("\n"))
	line := len(all[1]) + len("1000000") // seq
	if line*100_000 > audit.DefaultReserve {
		t.Errorf("a line has %d bytes; 100,000 of them are more than %d", line, audit.DefaultReserve)
	}
	t.Logf("%d bytes a line, %d lines", line, audit.DefaultReserve/line)
}

// TestFullDiskWithReserve: below the mark Space says so; then lines are written into what is
// left, and into the reserve, though something else takes every free byte; then no
// more. With room again all is as before, the reserve too.
func TestFullDiskWithReserve(t *testing.T) {
	disk := ktest.SmallDisk(t, "size=8m")
	dir := filepath.Join(disk, "audit")
	l := openWith(t, dir, audit.Options{Reserve: 1 << 20, LowWater: 2 << 20, SegmentSize: 300_000})
	if s := l.Space(); s.Low || s.Reserve != 1<<20 || s.Mark != 2<<20 {
		t.Fatalf("got %+v, want room", s)
	}
	filler := filepath.Join(disk, "filler")
	fillUp := func() {
		f, err := os.OpenFile(filler, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
	}
	fillUp()
	if s := untilSpace(t, l, "low", func(s escrow.Space) bool { return s.Low }); s.Free != 0 {
		t.Errorf("got %+v, want none free", s)
	}
	n := 0
	var err error
	for ; err == nil && n < 10_000; n++ {
		if err = l.Append(record(n)); err == nil && n%100 == 0 {
			fillUp()
			if err := l.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	n--
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want ENOSPC in the end", err)
	}
	bytesWritten := int64(n) * int64(len(bytes.SplitAfter(read(t, segment(dir, 1)), []byte("\n"))[1]))
	if bytesWritten < 700_000 {
		size, _ := reserve(t, dir)
		t.Errorf("got %d lines, %d bytes, into a reserve of %d, want nearly all of it; %d are left: %v", n, bytesWritten, 1<<20, size, err)
	}
	if got := verify(t, dir); got.Records != n || got.Segments < 3 {
		t.Errorf("got %d records in %d segments, want %d in several", got.Records, got.Segments, n)
	}
	if s := untilSpace(t, l, "without a reserve", func(s escrow.Space) bool { return s.Reserve == 0 }); !s.Low || s.Mark != 3<<20 {
		t.Errorf("got %+v, want it low, the mark raised by what the reserve lacks", s)
	}
	os.Remove(filler)
	add(t, l, record(n))
	untilSpace(t, l, "as before", func(s escrow.Space) bool { return !s.Low && s.Reserve == 1<<20 && s.Mark == 2<<20 })
	if got := verify(t, dir); got.Records != n+1 || got.Torn != 0 {
		t.Errorf("got %d records, %d torn, want %d and none", got.Records, got.Torn, n+1)
	}
}

// TestOpenOnFullDisk: a start that finds the disk full takes the tail up with the
// reserve's help, and makes no reserve.
func TestOpenOnFullDisk(t *testing.T) {
	disk := ktest.SmallDisk(t, "size=8m")
	dir := filepath.Join(disk, "audit")
	options := audit.Options{Reserve: 1 << 20, LowWater: 2 << 20}
	l := openWith(t, dir, options)
	add(t, l, record(1))
	l.Close()
	tear(t, segment(dir, 1), bytes.Repeat([]byte("x"), 4096-len(read(t, segment(dir, 1))))) // a page
	ktest.FillDisk(t, filepath.Join(disk, "filler"))
	l = openWith(t, dir, options)
	add(t, l, record(2))
	if got := verify(t, dir); got.Torn != 1 || got.Records != 2 {
		t.Errorf("got %+v, want the torn line noted, and two records", got)
	}
	if size, _ := reserve(t, dir); size == 0 || size == 1<<20 {
		t.Errorf("got a reserve of %d bytes, want what is left of it", size)
	}
}

// TestSmallDiskDefaults: on a disk that is smaller than the default mark there is
// room all the same.
func TestSmallDiskDefaults(t *testing.T) {
	l := openWith(t, filepath.Join(ktest.SmallDisk(t, "size=16m"), "audit"), audit.Options{})
	if s := l.Space(); s.Low || s.Mark != 4<<20 || s.Reserve != 1<<20 {
		t.Errorf("got %+v, want a quarter as the mark and a 16th as the reserve", s)
	}
}

// TestSegmentAge: an old segment ends with the next line, unless it is empty.
func TestSegmentAge(t *testing.T) {
	dir := t.TempDir()
	options := audit.Options{SegmentAge: 300 * time.Millisecond, Reserve: -1, LowWater: -1}
	l := openWith(t, dir, options)
	time.Sleep(350 * time.Millisecond)
	add(t, l, record(1)) // the segment was empty
	if got := verify(t, dir); got.Segments != 1 {
		t.Errorf("got %d segments, want 1", got.Segments)
	}
	add(t, l, record(2))
	add(t, l, record(3))
	if got := verify(t, dir); got.Segments != 2 {
		t.Errorf("got %d segments, want 2", got.Segments)
	}
	time.Sleep(350 * time.Millisecond)
	if got := verify(t, dir); got.Segments != 2 {
		t.Errorf("at rest: got %d segments, want 2", got.Segments)
	}
	l.Close()
	l = openWith(t, dir, options) // the age counts on from before
	add(t, l, record(4))
	if got := verify(t, dir); got.Segments != 3 || got.Records != 4 {
		t.Errorf("got %d segments, %d records, want 3 and 4", got.Segments, got.Records)
	}
	var header struct {
		Kind string
		Prev string
	}
	if err := json.Unmarshal(bytes.SplitAfter(read(t, segment(dir, 3)), []byte("\n"))[0], &header); err != nil || header.Kind != "segment" {
		t.Fatalf("got %+v, %v", header, err)
	}
	if last := bytes.TrimSpace(read(t, segment(dir, 2))); !bytes.HasSuffix(last, fmt.Appendf(nil, `"hash":"%s"}`, header.Prev)) {
		t.Error("the header's prev is not the hash of the line before")
	}
}
