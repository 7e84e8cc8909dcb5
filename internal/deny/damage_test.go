package deny_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/deny"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// written returns the contents of a list that denies 1, 2 and 3 and lifts 2, with
// where its last line begins and ends.
func written(t testing.TB, path string) (data []byte, last, end int) {
	t.Helper()
	l := open(t, path)
	add(t, l, list(1, 4)...)
	lift(t, l, denial(2))
	l.Close()
	data = read(t, path)
	end = len(bytes.TrimRight(data, "\x00"))
	return data, bytes.LastIndexByte(data[:end-1], '\n') + 1, end
}

// TestTorn: a crash leaves of the last line any beginning, or any of its sectors. What
// was acknowledged before is there, and the next line takes its place.
func TestTorn(t *testing.T) {
	path := filepath.Join(inMemory(t), "denied")
	whole, last, end := written(t, path)
	before := list(1, 4) // and 2 not lifted
	torn := map[string]func(b []byte){}
	for cut := last; cut < end-1; cut++ {
		torn[fmt.Sprintf("%d bytes left", cut-last)] = func(b []byte) { clear(b[cut:end]) }
	}
	for from := last; from < end; from += 7 {
		torn[fmt.Sprintf("nothing before byte %d", from-last)] = func(b []byte) { clear(b[last : from+1]) }
		torn[fmt.Sprintf("a hole at byte %d", from-last)] = func(b []byte) { clear(b[from:min(from+20, end)]) }
	}
	for name, tear := range torn {
		data := slices.Clone(whole)
		tear(data)
		write(t, path, data)
		l := open(t, path)
		if left := len(bytes.TrimRight(read(t, path), "\x00")); left != last {
			t.Fatalf("%s: got lines up to byte %d after Open, want %d", name, left, last)
		}
		wantDenials(t, l, before)
		add(t, l, denial(9))
		l.Close()
		l = open(t, path)
		wantDenials(t, l, append(slices.Clone(before), denial(9)))
		l.Close()
	}

	clear(whole[end-1 : end]) // all but its newline is there: the line counts
	write(t, path, whole)
	l := open(t, path)
	add(t, l, denial(9))
	l.Close()
	wantDenials(t, open(t, path), []escrow.Denial{denial(1), denial(3), denial(9)})
}

// wantDamage fails the test unless Open refuses the contents, tells what to do, and
// leaves the file alone.
func wantDamage(t testing.TB, path, what string, data []byte, kind fault.Kind) {
	t.Helper()
	write(t, path, data)
	l, err := deny.Open(path, node)
	if err == nil {
		l.Close()
		t.Fatalf("%s: opened, want a fault of kind %q", what, kind)
	}
	wantFault(t, err, kind)
	if !strings.Contains(err.Error(), path) || !bytes.Equal(read(t, path), data) {
		t.Fatalf("%s: got %v, want it to name the file, and the file as it was", what, err)
	}
}

// TestFlippedBits: no bit of a line can change unnoticed, the last line's included.
func TestFlippedBits(t *testing.T) {
	path := filepath.Join(inMemory(t), "denied")
	data, _, end := written(t, path)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range end * 8 {
		at, bit := i/8, i%8
		if bit != at%8 && at < end-1 {
			continue // one bit of a byte will do, but for the last newline
		}
		if _, err := f.WriteAt([]byte{data[at] ^ 1<<bit}, int64(at)); err != nil {
			t.Fatal(err)
		}
		l, err := deny.Open(path, node)
		if err == nil {
			l.Close()
			t.Fatalf("bit %d of byte %d: opened", bit, at)
		}
		wantFault(t, err, fault.Corrupt)
		if _, err := f.WriteAt(data[at:at+1], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(read(t, path), data) {
		t.Error("a refused Open changed the file")
	}
}

// TestDamage: lines that are not what ktsd wrote one after the other.
func TestDamage(t *testing.T) {
	path := filepath.Join(inMemory(t), "denied")
	data, _, _ := written(t, path)
	l := lines(t, path)
	zeros := func(n int) []byte { return make([]byte, len(l[n])) }
	header := summed(`{"v":1,"seq":1,"node":"kts01.example.com"`)
	for what, data := range map[string][]byte{
		"empty":                 {},
		"cut off":               data[:deny.Space-1],
		"cut within a line":     data[:len(l[0])+len(l[1])+9],
		"cut between two lines": data[:len(l[0])+len(l[1])],
		"zeros":                 padded(),
		"no first line":         padded(l[1:]...),
		"first line torn":       padded(l[0][:20]),
		"first line only zeros": padded(append([][]byte{zeros(0)}, l[1:]...)...),
		"first line twice":      padded(l[0], l[0], l[1]),
		"line missing":          padded(l[0], l[2], l[3], l[4]),
		"lines changed over":    padded(l[0], l[2], l[1], l[3], l[4]),
		"line twice":            padded(l[0], l[1], l[1]),
		"line of zeros":         padded(l[0], zeros(1), l[2], l[3], l[4]),
		"zeros before the last": padded(l[0], l[1], l[2], zeros(3), l[4]),
		"end of the one before": padded(l[0], l[1], l[2], l[3][:100], zeros(3)[100:], l[4]),
		"line torn twice":       padded(l[0], l[1], l[2][:50], []byte("\n"), l[3][:50]),
		"far behind the end":    padded(l[0], l[1], make([]byte, 5000), []byte("x")),
		"denied twice":          padded(header, summed(`{"v":1,"seq":2,"deny":{"subject":{"kind":"client"}}`), summed(`{"v":1,"seq":3,"deny":{"subject":{"kind":"client"}}`)),
		"unknown kind":          padded(header, summed(`{"v":1,"seq":2,"deny":{"subject":{"kind":"tenant"}}`)),
		"lifted, not denied":    padded(header, summed(`{"v":1,"seq":2,"lift":{"kind":"client"}`)),
		"both":                  padded(header, summed(`{"v":1,"seq":2,"deny":{"subject":{"kind":"client"}},"lift":{"kind":"client"}`)),
		"neither":               padded(header, summed(`{"v":1,"seq":2`)),
		"no version":            padded(header, summed(`{"seq":2,"lift":{"kind":"client"}`)),
		"another type":          padded(header, summed(`{"v":1,"seq":2,"lift":"client"`)),
		"no JSON":               padded(header, summed(`{"v":1,"seq":2,,`)),
	} {
		t.Run(what, func(t *testing.T) { wantDamage(t, path, what, data, fault.Corrupt) })
	}
	write(t, path, data)
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Fatal(err)
	}
	_, err := deny.Open(path, node)
	wantFault(t, err, fault.Corrupt)
}

// TestOtherNode: a list carried here is refused, as is one of a later version.
func TestOtherNode(t *testing.T) {
	path := filepath.Join(inMemory(t), "denied")
	written(t, path)
	_, err := deny.Open(path, "kts02.example.com")
	wantFault(t, err, fault.Conflict)
	if !strings.Contains(err.Error(), `"kts01.example.com"`) || !strings.Contains(err.Error(), `"kts02.example.com"`) {
		t.Errorf("got %v, want both nodes named", err)
	}
	if _, err := deny.Open(filepath.Join(path, "denied"), node); err == nil || errors.Is(err, fault.Corrupt) {
		t.Errorf("in a directory that is none: got %v, want an error that it cannot be opened", err)
	}
	wantDamage(t, path, "a later version", padded(summed(`{"v":2,"seq":"1","node":{"name":"kts01.example.com"}`)), fault.Conflict)
}
