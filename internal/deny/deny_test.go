package deny_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/deny"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

const node = "kts01.example.com"

// denial returns the n-th of a series, of subjects of each kind.
func denial(n int) escrow.Denial {
	s := escrow.Subject{Kind: escrow.SubjectClient, Name: fmt.Sprintf("%040X", n)}
	switch n % 3 {
	case 1:
		s = escrow.Subject{Kind: escrow.SubjectCertificate, Name: fmt.Sprintf("%064x", n)}
	case 2:
		s = escrow.Subject{Kind: escrow.SubjectContact, Name: fmt.Sprintf("c%d@example.com", n), Organization: "acme"}
	}
	return escrow.Denial{Subject: s, Record: escrow.Record{
		ID: fmt.Sprintf("%032x", n), Time: time.Date(2026, 11, 25, 12, 0, n, 123000, time.UTC),
		Action: "disable client", Outcome: escrow.OutcomeOK, Actor: "operator uid 0", Source: "socket",
		Organization: "acme", Object: s.Name, Detail: "<left & gone>", RequestID: "c0ffee",
	}}
}

// long returns one whose line is as long as a line may be, more or less.
func long(n int) escrow.Denial {
	d := denial(n)
	d.Record.Detail = strings.Repeat("x", 3000)
	return d
}

func list(from, to int) (all []escrow.Denial) {
	for n := from; n < to; n++ {
		all = append(all, denial(n))
	}
	return all
}

func open(t testing.TB, path string) *deny.List {
	t.Helper()
	l, err := deny.Open(path, node)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func add(t testing.TB, l *deny.List, all ...escrow.Denial) {
	t.Helper()
	for _, d := range all {
		if err := l.Deny(d); err != nil {
			t.Fatalf("Deny: %v", err)
		}
	}
}

func lift(t testing.TB, l *deny.List, all ...escrow.Denial) {
	t.Helper()
	for _, d := range all {
		if err := l.Lift(d.Subject); err != nil {
			t.Fatalf("Lift: %v", err)
		}
	}
}

// wantDenials fails the test unless just these are in force.
func wantDenials(t testing.TB, l *deny.List, want []escrow.Denial) {
	t.Helper()
	if diff := cmp.Diff(l.Denials(), want); diff != "" {
		t.Fatalf("denials: -got +want:\n%s", diff)
	}
}

// wantFault fails the test unless err is of a kind, and has a hint.
func wantFault(t testing.TB, err error, kind fault.Kind) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != kind || f.Hint == "" {
		t.Fatalf("got %v, want a fault of kind %q with a hint", err, kind)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// inMemory returns a new directory, in memory where there is one: thousands of fsyncs
// take their time on a disk.
func inMemory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ktsd-deny-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// lines returns the file's lines without the zeros behind them.
func lines(t testing.TB, path string) [][]byte {
	t.Helper()
	return bytes.SplitAfter(bytes.TrimRight(read(t, path), "\x00"), []byte("\n"))
}

// summed gives a line its checksum: it ends before it.
func summed(body string) []byte {
	sum := crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli))
	return fmt.Appendf(nil, "%s,\"crc32c\":\"%08x\"}\n", body, sum)
}

// padded returns what a file holds that has these lines.
func padded(lines ...[]byte) []byte {
	data := bytes.Join(lines, nil)
	return append(data, make([]byte, deny.Space)...)
}

func TestDenyAndLift(t *testing.T) {
	path := filepath.Join(t.TempDir(), "denied")
	l := open(t, path)
	wantDenials(t, l, nil)
	add(t, l, list(0, 6)...)
	wantDenials(t, l, list(0, 6))

	before := read(t, path)
	again := denial(2)
	again.Record.Actor = "somebody else"
	add(t, l, again, denial(5))
	lift(t, l, denial(77))
	if !bytes.Equal(read(t, path), before) {
		t.Error("a denial that was there, or none to lift, changed the file")
	}

	lift(t, l, denial(0), denial(4))
	want := []escrow.Denial{denial(1), denial(2), denial(3), denial(5)}
	wantDenials(t, l, want)
	l.Denials()[0].Subject.Name = "changed"
	wantDenials(t, l, want)
	l.Close()
	l = open(t, path)
	wantDenials(t, l, want)
	add(t, l, denial(0)) // anew, so at the end
	l.Close()
	wantDenials(t, open(t, path), append(want, denial(0)))
}

// TestFile: the format is what its comment draws, and its space is there from the
// start, in the hands of the directory's owner alone.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "denied")
	l := open(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	if info.Mode() != 0o600 || info.Size() < deny.Space || stat.Blocks*512 < info.Size() {
		t.Errorf("got mode %v, %d bytes in %d blocks; want mode 0600 and at least %d bytes, all allocated", info.Mode(), info.Size(), stat.Blocks, deny.Space)
	}
	if os.Geteuid() == 0 && (stat.Uid != 65534 || stat.Gid != 65534) {
		t.Errorf("the file belongs to %d:%d, want the directory's owner", stat.Uid, stat.Gid)
	}
	d := denial(2)
	d.Record = escrow.Record{ID: "00", Time: d.Record.Time, Action: "remove contact", Outcome: escrow.OutcomeOK, Actor: "operator uid 0"}
	add(t, l, d)
	lift(t, l, d)
	want := padded(
		summed(`{"v":1,"seq":1,"node":"kts01.example.com"`),
		summed(`{"v":1,"seq":2,"deny":{"subject":{"kind":"contact","name":"c2@example.com","organization":"acme"},`+
			`"record":{"id":"00","time":"2026-11-25T12:00:02.000123Z","action":"remove contact","outcome":"ok","actor":"operator uid 0"}}`),
		summed(`{"v":1,"seq":3,"lift":{"kind":"contact","name":"c2@example.com","organization":"acme"}`))
	if got := read(t, path); !bytes.Equal(bytes.TrimRight(got, "\x00"), bytes.TrimRight(want, "\x00")) || int64(len(got)) != info.Size() {
		t.Errorf("got %q in %d bytes, want %q in %d", bytes.TrimRight(got, "\x00"), len(got), bytes.TrimRight(want, "\x00"), info.Size())
	}
}

// TestRefusals: what nobody can be, or is too long, is refused and changes nothing.
func TestRefusals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "denied")
	l := open(t, path)
	add(t, l, denial(1))
	before := read(t, path)
	client, key := strings.Repeat("AB", 20), strings.Repeat("ab", 32)
	for _, s := range []escrow.Subject{
		{}, {Kind: "organization", Name: "acme"}, {Kind: "Client", Name: client},
		{Kind: "client"}, {Kind: "client", Name: client[:38]}, {Kind: "client", Name: client + "AB"}, {Kind: "client", Name: "4096R/" + client},
		{Kind: "client", Name: strings.ToLower(client)}, {Kind: "client", Name: client[:39] + "G"}, {Kind: "client", Name: client, Organization: "acme"},
		{Kind: "certificate", Name: client}, {Kind: "certificate", Name: strings.ToUpper(key)}, {Kind: "certificate", Name: key, Organization: "acme"},
		{Kind: "contact", Name: "root"}, {Kind: "contact", Name: "a@example.com"}, {Kind: "contact", Name: "a@example.com", Organization: "a b"},
		{Kind: "contact", Name: "A <a@example.com>", Organization: "acme"}, {Kind: "contact", Name: "\xff@example.com", Organization: "acme"},
	} {
		if err := l.Deny(escrow.Denial{Subject: s}); !errors.Is(err, fault.Invalid) {
			t.Errorf("denying %+v: got %v, want it to be %q", s, err, fault.Invalid)
		}
	}
	d := denial(3)
	d.Record.Detail = strings.Repeat("x", 4096)
	if err := l.Deny(d); !errors.Is(err, fault.TooLarge) {
		t.Errorf("a long record: got %v, want it to be %q", err, fault.TooLarge)
	}
	d.Record = escrow.Record{Time: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)}
	if err := l.Deny(d); !errors.Is(err, fault.Invalid) {
		t.Errorf("a year that RFC 3339 has not: got %v, want it to be %q", err, fault.Invalid)
	}
	wantDenials(t, l, list(1, 2))
	if !bytes.Equal(read(t, path), before) {
		t.Error("something refused changed the file")
	}
	if _, err := deny.Open(filepath.Join(t.TempDir(), "denied"), ""); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a node's name: got %v, want it to be %q", err, fault.Invalid)
	}
}

// TestNotUTF8: a list tells before it is read again what it tells after.
func TestNotUTF8(t *testing.T) {
	path := filepath.Join(t.TempDir(), "denied")
	l := open(t, path)
	d := denial(1)
	d.Record.Detail, d.Record.Time = "\xff\n\x00\u2028", time.Now() // with a monotonic clock, in a zone
	add(t, l, d)
	want := l.Denials()
	l.Close()
	wantDenials(t, open(t, path), want)
}

// TestMaxDenials: there is a bound, and a place that was lifted is a place again.
func TestMaxDenials(t *testing.T) {
	path := filepath.Join(inMemory(t), "denied")
	all := [][]byte{summed(`{"v":1,"seq":1,"node":"kts01.example.com"`)}
	for n := range deny.MaxDenials {
		all = append(all, summed(fmt.Sprintf(`{"v":1,"seq":%d,"deny":{"subject":{"kind":"client","name":"%040X"},"record":{}}`, n+2, n)))
	}
	write(t, path, padded(all...))
	l := open(t, path)
	wantFault(t, l.Deny(denial(1)), fault.Limited)
	add(t, l, denial(0)) // there already
	lift(t, l, denial(0))
	add(t, l, denial(1))
	l.Close()
	if got := len(open(t, path).Denials()); got != deny.MaxDenials {
		t.Errorf("got %d denials, want %d", got, deny.MaxDenials)
	}
}

// TestCompaction: what is lifted goes, when space is wanted and when most is lifted.
func TestCompaction(t *testing.T) {
	path := filepath.Join(inMemory(t), "denied")
	l := open(t, path)
	add(t, l, denial(1), denial(2))
	for n := 10; n < 200; n++ {
		add(t, l, long(n))
		lift(t, l, long(n))
	}
	want := list(1, 3)
	wantDenials(t, l, want)
	if size := len(read(t, path)); size > deny.Space+16<<10 {
		t.Errorf("the file grew to %d bytes", size)
	}
	l.Close()
	l = open(t, path)
	wantDenials(t, l, want)
	if got := len(lines(t, path)) - 1; got != 3 {
		t.Errorf("got %d lines after Open, want the first and two", got)
	}
	for n := 10; n < 210; n++ { // and without a lift it grows
		add(t, l, long(n))
		want = append(want, long(n))
	}
	l.Close()
	wantDenials(t, open(t, path), want)
}

// TestConcurrent: changes from several goroutines are all there, and readers see
// whole lists.
func TestConcurrent(t *testing.T) {
	path := filepath.Join(inMemory(t), "denied")
	l := open(t, path)
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for _, d := range l.Denials() {
					if d.Subject.Name != d.Record.Object {
						t.Errorf("a denial is of %s and of %s", d.Subject.Name, d.Record.Object)
					}
				}
			}
		})
	}
	for w := range 8 {
		writers.Go(func() {
			for n := w * 10; n < w*10+10; n++ {
				if err := errors.Join(l.Deny(denial(n)), l.Deny(denial(n%10))); err != nil {
					t.Errorf("Deny: %v", err)
				}
				if n%2 == 1 && n >= 10 {
					if err := l.Lift(denial(n).Subject); err != nil {
						t.Errorf("Lift: %v", err)
					}
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	got := l.Denials()
	if len(got) != 10+35 {
		t.Errorf("got %d denials, want 45", len(got))
	}
	l.Close()
	wantDenials(t, open(t, path), got)
}

// TestReadersDoNotWait: a disk that hangs holds no request up.
func TestReadersDoNotWait(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "denied"))
	add(t, l, denial(1))
	release := l.Hold()
	wantDenials(t, l, list(1, 2)) // or the test never ends
	release()
}

func TestClose(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "denied"))
	if err := l.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	for _, err := range []error{l.Deny(denial(1)), l.Lift(denial(1).Subject), l.Close()} {
		if !errors.Is(err, deny.ErrClosed) {
			t.Errorf("got %v, want %v", err, deny.ErrClosed)
		}
	}
}
