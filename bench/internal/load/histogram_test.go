package load_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ktsd/ktsd/bench/internal/load"
)

// TestQuantiles: within a sixty-fourth of what sorting gives.
func TestQuantiles(t *testing.T) {
	h, other := &load.Histogram{}, &load.Histogram{}
	var all []time.Duration
	for i := range 20_000 {
		d := time.Duration(math.Exp(rand.Float64() * 25)) // 1 ns to 72 s
		all = append(all, d)
		if i%3 == 0 {
			other.Add(d)
		} else {
			h.Add(d)
		}
	}
	h.Merge(other)
	slices.Sort(all)
	if h.Count() != uint64(len(all)) || h.Max() != all[len(all)-1] {
		t.Errorf("got %d, the longest %v, want %d, %v", h.Count(), h.Max(), len(all), all[len(all)-1])
	}
	for _, q := range []float64{0.0001, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[int(q*float64(len(all))+0.5)-1]
		got := h.Quantile(q)
		if got < want || got > want+want/64+1 {
			t.Errorf("quantile %v: got %v, want %v to a 64th more", q, got, want)
		}
	}
}

func TestExtremes(t *testing.T) {
	var h load.Histogram
	if got := h.Quantile(0.99); got != 0 {
		t.Errorf("of none: got %v, want 0", got)
	}
	h.Add(-time.Second) // a clock that was set back
	h.Add(math.MaxInt64)
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("the lower of two: got %v, want 0", got)
	}
	if got := h.Quantile(1); got != math.MaxInt64 {
		t.Errorf("the upper of two: got %v, want the longest there is", got)
	}
}
