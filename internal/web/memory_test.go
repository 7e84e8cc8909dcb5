package web

import (
	"context"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// TestMemory: nobody takes more than its share, all together no more than there
// is, and what is given back can be had again.
func TestMemory(t *testing.T) {
	alice, bob := escrow.KeyHash{1}, escrow.KeyHash{2}
	m := newMemory(100, 60)
	steps := []struct {
		holder escrow.KeyHash
		n      int64
		want   bool
	}{{alice, 60, true}, {alice, 1, false}, {bob, 41, false}, {bob, 40, true}, {bob, 1, false}}
	for i, step := range steps {
		if got := m.take(step.holder, step.n); got != step.want {
			t.Errorf("step %d: got %t, want %t", i, got, step.want)
		}
	}
	m.give(alice, 60)
	m.give(bob, 40)
	if m.free != 100 || len(m.held) != 0 {
		t.Errorf("all given back: got %d free, %d holders, want 100 and 0", m.free, len(m.held))
	}
}

// TestMemoryAwait: who finds none waits for some, as long as its context lets it.
func TestMemoryAwait(t *testing.T) {
	alice, bob := escrow.KeyHash{1}, escrow.KeyHash{2}
	m := newMemory(10, 10)
	m.take(alice, 10)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if m.await(ctx, bob, 1) {
		t.Error("none there, and no time to wait: got some")
	}
	go func() {
		time.Sleep(3 * memoryPoll)
		m.give(alice, 10)
	}()
	if !m.await(context.Background(), bob, 10) {
		t.Error("some was given back: got none")
	}
}
