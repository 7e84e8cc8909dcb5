package web

import (
	"context"
	"sync"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// small is the size up to which a body or an answer is not counted, in bytes: a
// connection costs as much by itself.
const small = 16 << 10

// memory bounds the bytes of large bodies, or of large answers, that are held at
// once: all of them, and those of one certificate, so that no client can keep the
// others waiting.
type memory struct {
	mu    sync.Mutex
	free  int64
	share int64 // of one holder
	held  map[escrow.KeyHash]int64
}

func newMemory(total, share int64) *memory {
	return &memory{free: total, share: share, held: map[escrow.KeyHash]int64{}}
}

// take takes n bytes, unless that would be too much.
func (m *memory) take(holder escrow.KeyHash, n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n > m.free || m.held[holder]+n > m.share {
		return false
	}
	m.free -= n
	m.held[holder] += n
	return true
}

// give gives back what take took.
func (m *memory) give(holder escrow.KeyHash, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free += n
	if m.held[holder] -= n; m.held[holder] == 0 {
		delete(m.held, holder)
	}
}

// How long a request waits for memory, and how often it asks.
const (
	memoryWait = 2 * time.Second
	memoryPoll = 20 * time.Millisecond
)

// await is take with some patience.
func (m *memory) await(ctx context.Context, holder escrow.KeyHash, n int64) bool {
	if m.take(holder, n) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, memoryWait)
	defer cancel()
	tick := time.NewTicker(memoryPoll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if m.take(holder, n) {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}
