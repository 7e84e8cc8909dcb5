package web

import (
	"context"
	"sync"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
)

// small is the size up to which a body or an answer is not counted, in bytes: a
// connection costs as much by itself.
const small = 16 << 10

// Memory bounds the bytes of large bodies and answers that are held at once. It can
// be resized while it is in use.
type Memory struct {
	bodies    *memory // of clients
	strangers *memory // bodies of those who are not known yet
	answers   *memory
}

// Bytes held at once, where nobody says; and the part of them that one client may
// have, which is room for one body or answer at least.
const (
	defaultBodies  = 64 << 20
	defaultAnswers = 128 << 20
	shares         = 8
	leastShare     = api.MaxDeposit
)

// NewMemory returns one of the default sizes.
func NewMemory() *Memory {
	m := &Memory{newMemory(0, 0), newMemory(0, 0), newMemory(0, 0)}
	m.Resize(defaultBodies, defaultAnswers)
	return m
}

// Resize sets how many bytes of bodies and of answers are held at once. Strangers
// have a 16th of the former beside it.
func (m *Memory) Resize(bodies, answers int64) {
	strangers := max(bodies/16, 2*api.MaxRegistration)
	m.bodies.resize(bodies, max(bodies/shares, leastShare))
	m.strangers.resize(strangers, strangers)
	m.answers.resize(answers, max(answers/shares, leastShare))
}

// memory bounds the bytes of large bodies, or of large answers, that are held at
// once: all of them, and those of one certificate, so that no client can keep the
// others waiting.
type memory struct {
	mu    sync.Mutex
	total int64
	share int64 // of one holder
	taken int64
	held  map[escrow.KeyHash]int64
}

func newMemory(total, share int64) *memory {
	return &memory{total: total, share: share, held: map[escrow.KeyHash]int64{}}
}

// resize changes how much there is. What is over that is given back in time.
func (m *memory) resize(total, share int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total, m.share = total, share
}

// take takes n bytes, unless that would be too much.
func (m *memory) take(holder escrow.KeyHash, n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.taken+n > m.total || m.held[holder]+n > m.share {
		return false
	}
	m.taken += n
	m.held[holder] += n
	return true
}

// give gives back what take took.
func (m *memory) give(holder escrow.KeyHash, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken -= n
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
