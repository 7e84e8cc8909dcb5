package audit_test

import (
	"bytes"
	"testing"

	"github.com/ktsd/ktsd/internal/audit"
)

// A line that the parser takes is one that Verify takes too, unless it does not
// continue the chain; and any change to it is refused.
func FuzzParseLine(f *testing.F) {
	dir := smallLog(f)
	for _, line := range bytes.Split(read(f, segment(dir, 1)), []byte("\n")) {
		f.Add(line)
	}
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if audit.ParseLine(line) != nil {
			return
		}
		for i := range line {
			line[i] ^= 1
			if audit.ParseLine(line) == nil {
				t.Fatalf("accepted with byte %d changed: %q", i, line)
			}
			line[i] ^= 1
		}
	})
}

// Whatever a record's fields hold, its line is read back as one whole line.
func FuzzRecord(f *testing.F) {
	f.Add("a handle", "192.0.2.7:1")
	f.Add("\n\u2028\"}\\", `","hash":"`)
	f.Add("\xff\x00", "")
	dir := f.TempDir()
	l := open(f, dir, 0)
	n := 0
	f.Fuzz(func(t *testing.T, object, source string) {
		r := record(1)
		r.Object, r.Source = object, source
		if len(object)+len(source) > 8<<10 || n > 1000 {
			return // Verify reads all of it every time
		}
		add(t, l, r)
		n++
		if got := verify(t, dir); got.Records != n || got.Torn != 0 {
			t.Fatalf("got %d records, %d torn; want %d and none", got.Records, got.Torn, n)
		}
	})
}
