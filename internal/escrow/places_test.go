package escrow

import (
	"context"
	"testing"
	"time"
)

// TestPlaces: no more are taken than there are, who waits comes in turn, fewer
// places let nobody in until enough are given back, and who gives up leaves no gap.
func TestPlaces(t *testing.T) {
	t.Parallel()
	var p places
	p.resize(2)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for i := range 2 {
		if !p.take(context.Background()) {
			t.Fatalf("place %d of 2: got none", i+1)
		}
	}
	if p.take(ended) {
		t.Error("the third of 2 places: got one")
	}
	order := make(chan int, 3)
	for i := range 3 {
		go func() {
			if p.take(context.Background()) {
				order <- i
			}
		}()
		for waiting := 0; waiting <= i; { // in this order
			p.mu.Lock()
			waiting = len(p.line)
			p.mu.Unlock()
			time.Sleep(time.Millisecond)
		}
	}
	p.give()
	if got := <-order; got != 0 {
		t.Errorf("one given back: got waiter %d in, want the first", got)
	}
	p.resize(1)
	p.give()
	select {
	case got := <-order:
		t.Errorf("1 of 1 place is taken: got waiter %d in", got)
	case <-time.After(20 * time.Millisecond):
	}
	p.resize(3)
	if got := <-order + <-order; got != 1+2 {
		t.Errorf("3 places: got waiters that add up to %d, want both", got)
	}
	for range 3 {
		p.give()
	}
	if p.taken != 0 || len(p.line) != 0 {
		t.Errorf("all given back: got %d taken and %d waiting, want 0 and 0", p.taken, len(p.line))
	}
}
