package load

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets that are at most 1/64 of their value
// wide, whatever it is, so that an hour of them takes no more room than a second.
type Histogram struct {
	counts [64 * 59]uint64
	n      uint64
	max    time.Duration
}

// Add counts one.
func (h *Histogram) Add(d time.Duration) {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-7, 0) // seven bits of the value are told apart
	h.counts[uint64(shift)*64+v>>shift]++
	h.n++
	h.max = max(h.max, d)
}

// Merge adds what other has counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.n += other.n
	h.max = max(h.max, other.max)
}

// Count returns how many were counted.
func (h *Histogram) Count() uint64 { return h.n }

// Max returns the longest.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns the least duration that a share q of them does not exceed; 0
// if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	want := uint64(q*float64(h.n) + 0.5)
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= want {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

// upper is the largest duration that bucket i counts.
func upper(i int) time.Duration {
	shift := max(i/64-1, 0)
	return time.Duration((uint64(i-shift*64)+1)<<shift - 1)
}
