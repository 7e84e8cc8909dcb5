package escrow

import (
	"context"
	"slices"
	"sync"
)

// places are a number of places that can be changed while some are taken. Who
// finds none waits in line.
type places struct {
	mu    sync.Mutex
	all   int
	taken int
	line  []chan struct{} // closed when its place is there
}

// resize makes it n places. Of fewer than are taken, none is free until enough
// were given back.
func (p *places) resize(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = n
	p.seat()
}

// take takes a place, unless ctx ends before there is one.
func (p *places) take(ctx context.Context) bool {
	p.mu.Lock()
	turn := make(chan struct{})
	p.line = append(p.line, turn)
	p.seat()
	p.mu.Unlock()
	select {
	case <-turn:
		return true
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.line, turn); i >= 0 {
		p.line = slices.Delete(p.line, i, i+1)
		return false
	}
	return true // it came at the same moment
}

// give gives a place back.
func (p *places) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.seat()
}

// seat lets in the first in line, as far as there is room.
func (p *places) seat() {
	for len(p.line) > 0 && p.taken < p.all {
		p.taken++
		close(p.line[0])
		p.line = p.line[1:]
	}
}
