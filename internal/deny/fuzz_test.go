package deny_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/ktsd/ktsd/internal/deny"
	"github.com/ktsd/ktsd/internal/escrow"
)

var sumAtEnd = regexp.MustCompile(`(,"crc32c":"[0-9a-f]{8}"|)}?$`)

// resum gives each line the checksum that fits.
func resum(data []byte) []byte {
	var all []byte
	for raw := range bytes.SplitSeq(data, []byte("\n")) {
		if len(raw) > 0 {
			all = append(all, summed(string(sumAtEnd.ReplaceAll(raw, nil)))...)
		}
	}
	return all
}

// FuzzOpen: whatever a file holds, Open takes it or refuses it; and what it takes can
// be added to and is there when it is opened again.
func FuzzOpen(f *testing.F) {
	dir := inMemory(f)
	data, last, end := written(f, filepath.Join(dir, "seed"))
	f.Add(data[:end], false)
	f.Add(data[:last+20], false)
	f.Add(data[:end], true)
	f.Add([]byte("{\"v\":1,\"seq\":1,\"node\":\"kts01.example.com\"\n{\"v\":1,\"seq\":2,\"deny\":{\"subject\":{\"kind\":\"contact\",\"name\":\"\u2028\"}}"), true)
	f.Add([]byte{}, false)
	path := filepath.Join(dir, "denied")
	f.Fuzz(func(t *testing.T, data []byte, fits bool) {
		if fits {
			data = resum(data)
		}
		write(t, path, padded(data))
		l, err := deny.Open(path, node)
		if err != nil {
			return
		}
		defer l.Close()
		want := l.Denials()
		d := denial(4711)
		for _, there := range want {
			if there.Subject == d.Subject {
				return
			}
		}
		add(t, l, d)
		l.Close()
		l = open(t, path)
		wantDenials(t, l, append(want, d))
		for _, d := range want {
			lift(t, l, d)
		}
		l.Close()
		l = open(t, path)
		defer l.Close()
		wantDenials(t, l, []escrow.Denial{d})
	})
}
