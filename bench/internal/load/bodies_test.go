package load_test

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/bench/internal/load"
)

// TestBodies: each deposit has contents of its own, always the same, and nothing
// makes them smaller.
func TestBodies(t *testing.T) {
	b, again := load.NewBodies(4096), load.NewBodies(4096)
	seen := map[string]bool{}
	var all bytes.Buffer
	z := gzip.NewWriter(&all)
	for range 100 {
		id := uuid.New()
		body := b.Append([]byte("before"), id)
		if !bytes.HasPrefix(body, []byte("before")) || len(body) != 6+4096 {
			t.Fatalf("got %d bytes, want 4096 after what was there", len(body))
		}
		body = body[6:]
		if seen[string(body)] {
			t.Error("two deposits have the same contents")
		}
		seen[string(body)] = true
		if !b.Equal(id, body) || !bytes.Equal(body, again.Append(nil, id)) {
			t.Error("the contents of a deposit are not the same again")
		}
		if b.Equal(uuid.New(), body) {
			t.Error("another's contents are taken for this one's")
		}
		z.Write(body)
	}
	z.Close()
	if all.Len() < 95*4096 { // two can have a part of the pool in common
		t.Errorf("compressed: got %d bytes of %d, want hardly fewer", all.Len(), 100*4096)
	}
}
