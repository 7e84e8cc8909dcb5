package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/escrow"
)

const node = "kts01.example.com"

var start = time.Date(2026, 11, 21, 12, 0, 0, 123000, time.UTC)

// record returns the n-th of a series of different records.
func record(n int) escrow.Record {
	return escrow.Record{
		ID:           fmt.Sprintf("%032x", n),
		Time:         start.Add(time.Duration(n) * time.Second),
		Action:       "get deposit",
		Outcome:      escrow.OutcomeOK,
		Actor:        "client 4EDC2C62A1AC1F4C2A8B1C9D3E4F5A6B7C8D9E0F",
		Source:       "192.0.2.7:40112",
		Organization: "disaster-recov",
		Object:       "0b5fbb9c-3a1c-4f6e-9c57-0d4f2c1f7a10",
		RequestID:    "c0ffee",
	}
}

func records(from, to int) []escrow.Record {
	var list []escrow.Record
	for n := from; n < to; n++ {
		list = append(list, record(n))
	}
	return list
}

func open(t testing.TB, dir string, size int64) *audit.Log {
	t.Helper()
	l, err := audit.Open(dir, node, audit.Options{SegmentSize: size, Reserve: -1, LowWater: -1})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func add(t testing.TB, l *audit.Log, list ...escrow.Record) {
	t.Helper()
	if err := l.Append(list...); err != nil {
		t.Fatalf("Append: %v", err)
	}
}

func verify(t testing.TB, dir string) audit.Report {
	t.Helper()
	report, err := audit.Verify(dir)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return report
}

func segment(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("audit-%08d.jsonl", number))
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir, 0)
	add(t, l, record(1))
	add(t, l, record(2), record(3))
	add(t, l)
	if err := l.Sync(); err != nil {
		t.Fatalf("Sync: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := l.Append(record(9)); !errors.Is(err, audit.ErrClosed) {
		t.Errorf("Append after Close: got %v, want ErrClosed", err)
	}
	if err := l.Sync(); !errors.Is(err, audit.ErrClosed) {
		t.Errorf("Sync after Close: got %v, want ErrClosed", err)
	}

	l = open(t, dir, 0) // goes on where the chain ended
	add(t, l, record(4))

	got := verify(t, dir)
	lines := bytes.Split(bytes.TrimSpace(read(t, segment(dir, 1))), []byte("\n"))
	want := audit.Report{Node: node, Segments: 1, Records: 4, First: record(1).Time, Last: record(4).Time, HeadSeq: 5,
		Head: string(lines[4][len(lines[4])-66 : len(lines[4])-2]), From: 1, Unanchored: 5, UnanchoredSince: got.UnanchoredSince}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestReportText(t *testing.T) {
	report := audit.Report{Node: node, Segments: 2, Records: 5, Repeated: 1, First: record(1).Time, Last: record(4).Time,
		Torn: 1, TornBytes: 213, Head: "abc", HeadSeq: 8, Tail: 17}
	want := `node:     kts01.example.com
segments: 2
records:  5 (1 repeated across a crash)
time:     2026-11-21T12:00:01.000123Z to 2026-11-21T12:00:04.000123Z
torn:     1 times, 213 bytes, each noted in the chain
head:     line 8, abc
tail:     17 bytes after the head: a line being written, or torn by a crash and noted when ktsd starts
anchor:   none: no signed head was given (--checkpoint), so an end that was cut off or written anew would not show
`
	var got strings.Builder
	if err := report.Write(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

// Every record is one line, whatever its fields hold.
func TestForeignBytes(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 0)
	for _, s := range []string{"a\nb", "a\r\nb", "\u2028\u2029", `"}` + "\n" + `{"v":1`, "\x00\x1f\x7f", "\xff\xfe", "Gödel/日本", `","hash":"x`, "<&>"} {
		r := record(1)
		r.Object, r.Detail, r.Actor = s, s, s
		add(t, l, r)
	}
	if got := verify(t, dir); got.Records != 9 || got.HeadSeq != 10 {
		t.Errorf("got %d records and head %d, want 9 and 10", got.Records, got.HeadSeq)
	}
	text := read(t, segment(dir, 1))
	if got := bytes.Count(text, []byte("\n")); got != 10 {
		t.Errorf("got %d lines, want 10", got)
	}
	if bytes.ContainsAny(text, "\u2028\u2029\r\x00") {
		t.Error("a control character or line separator is in the file as it is")
	}
	if !bytes.Contains(text, []byte(`"object":"Gödel/日本"`)) || !bytes.Contains(text, []byte(`"object":"<&>"`)) {
		t.Error("readable text is escaped")
	}
}

func TestRecordTooLarge(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 0)
	large := record(2)
	large.Detail = strings.Repeat("x", 64<<10)
	if err := l.Append(record(1), large); err == nil || !strings.Contains(err.Error(), "65536 are allowed") {
		t.Errorf("got %v, want an error naming the limit", err)
	}
	large.Detail = large.Detail[:64<<10-1000]
	add(t, l, large)
	if got := verify(t, dir); got.Records != 1 || got.HeadSeq != 2 {
		t.Errorf("got %d records and head %d, want 1 and 2", got.Records, got.HeadSeq)
	}
}

func TestOtherNode(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, 0).Close()
	_, err := audit.Open(dir, "kts02.example.com", audit.Options{})
	if err == nil || !strings.Contains(err.Error(), `audit log of node "kts01.example.com", and this is node "kts02.example.com"`) {
		t.Errorf("got %v, want an error naming both nodes", err)
	}
}

func TestRotation(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 1500)
	for n := range 20 {
		add(t, l, record(n))
		if n%3 == 0 {
			if err := l.Sync(); err != nil {
				t.Fatalf("Sync: %v", err)
			}
		}
	}
	l.Close()
	l = open(t, dir, 1500)
	add(t, l, records(20, 30)...)
	add(t, l, records(30, 40)...) // in the next segment

	got := verify(t, dir)
	if got.Records != 40 || got.Segments < 5 || int(got.HeadSeq) != got.Records+got.Segments {
		t.Errorf("got %d records in %d segments, head %d; want 40 in several, and their sum", got.Records, got.Segments, got.HeadSeq)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != got.Segments+1 { // and the mark
		t.Errorf("got %d files (%v), want %d", len(entries), err, got.Segments+1)
	}
	if bytes.Count(read(t, segment(dir, got.Segments-1)), []byte("\n")) < 11 {
		t.Error("records of one Append are split over segments")
	}
}

func TestModesAndOwner(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	parent := t.TempDir()
	if os.Geteuid() == 0 {
		if err := os.Chown(parent, 12345, 12346); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(parent, "audit")
	l := open(t, dir, 400)
	add(t, l, records(0, 2)...)
	add(t, l, record(3)) // rotates
	for _, c := range []struct {
		name string
		mode os.FileMode
	}{{dir, 0o700}, {segment(dir, 1), 0o600}, {segment(dir, 2), 0o600}} {
		info, err := os.Stat(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != c.mode {
			t.Errorf("%s: got mode %o, want %o", c.name, got, c.mode)
		}
		owner := info.Sys().(*syscall.Stat_t)
		if os.Geteuid() == 0 && (owner.Uid != 12345 || owner.Gid != 12346) {
			t.Errorf("%s: got owner %d:%d, want that of the directory above", c.name, owner.Uid, owner.Gid)
		}
	}
}

func TestConcurrentAppends(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 20_000)
	const writers, each = 8, 100
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				if err := l.Append(record(1000*w+n), record(1000*w+500+n)); err != nil {
					t.Errorf("Append: %v", err)
				}
				if n%10 == 0 {
					if err := l.Sync(); err != nil {
						t.Errorf("Sync: %v", err)
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	runs := 0
	for running := true; running; runs++ { // Verify works beside them
		select {
		case <-done:
			running = false
		default:
		}
		if _, err := audit.Verify(dir); err != nil {
			t.Fatalf("Verify while appending: %v", err)
		}
	}
	if got := verify(t, dir); got.Records != 2*writers*each || got.Repeated != 0 || got.Tail != 0 {
		t.Errorf("got %+v, want %d records, none repeated, no tail", got, 2*writers*each)
	}
	t.Logf("verified %d times", runs)
}

func TestRepeatedID(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 0)
	add(t, l, records(0, 5)...)
	l.Close()
	l = open(t, dir, 0)
	add(t, l, records(3, 8)...) // what the store had not removed yet
	if got := verify(t, dir); got.Records != 10 || got.Repeated != 2 {
		t.Errorf("got %d records, %d repeated; want 10 and 2", got.Records, got.Repeated)
	}
}

func TestVerifyNothing(t *testing.T) {
	if _, err := audit.Verify(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no segment in") {
		t.Errorf("empty directory: got %v, want an error", err)
	}
	if _, err := audit.Verify(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: got %v, want ErrNotExist", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	l := open(b, b.TempDir(), 0)
	r := record(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Append(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	dir := b.TempDir()
	l := open(b, dir, 0)
	add(b, l, records(0, 10_000)...)
	b.ReportAllocs()
	for b.Loop() {
		verify(b, dir)
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	l := open(b, dir, 0)
	add(b, l, records(0, 100_000)...)
	l.Close()
	for b.Loop() {
		l, err := audit.Open(dir, node, audit.Options{})
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}
