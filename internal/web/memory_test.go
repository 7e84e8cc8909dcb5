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
	if m.taken != 0 || len(m.held) != 0 {
		t.Errorf("all given back: got %d taken, %d holders, want 0 and 0", m.taken, len(m.held))
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

// TestMemoryResize: of less than is taken nothing is had until enough is given
// back, and of more there is more at once.
func TestMemoryResize(t *testing.T) {
	alice, bob := escrow.KeyHash{1}, escrow.KeyHash{2}
	m := newMemory(100, 100)
	m.take(alice, 80)
	m.resize(50, 40)
	if m.take(bob, 1) {
		t.Error("80 of 50 taken: got one more")
	}
	m.give(alice, 80)
	if m.take(bob, 41) || !m.take(bob, 40) || m.take(alice, 11) || !m.take(alice, 10) {
		t.Error("of 50, with a share of 40: want 40 for one, and 10 for the other")
	}
	m.resize(200, 150)
	if !m.take(bob, 110) || m.take(bob, 1) {
		t.Error("of 200, with a share of 150: want 110 more for bob, and no more")
	}
}
