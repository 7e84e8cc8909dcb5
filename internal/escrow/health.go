package escrow

import (
	"context"
	"sync"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// Health is how a Service does, for those who watch it.
type Health struct {
	Store   error   // nil if changes can be made, or why not
	Audit   error   // nil if events can be audited, or why not
	Queued  int     // changes that wait for their group
	Backlog Backlog // of the audit
	Space   Space   // for the audit

	// Summarized counts the refusals that have no audit record of their own.
	Summarized int64
}

// Backlog is what the audit still has to do.
type Backlog struct {
	Unchained int // records of changes made that are not in the chain yet
	Unsynced  int // records in the chain that are not known to be on disk
	Rows      int // records in the chain whose rows still stand in the store

	Since time.Time // since when the oldest of Unsynced waits, at most; zero if none does
}

// How old what Health tells may be, and how long it waits for news.
const (
	healthAge  = time.Second
	healthWait = 2 * time.Second
)

// Health tells how the Service does. It returns within seconds whatever hangs: a
// store or an audit log that does not answer in time is told as such, with the
// backlog as it was.
func (s *Service) Health() Health {
	deadline := time.Now().Add(healthWait)
	h := Health{Queued: len(s.writer.queue), Summarized: s.refusals.total()}
	_, h.Store = s.storeCheck.result(deadline)
	state, err := s.auditCheck.result(deadline)
	h.Backlog, h.Space, h.Audit = state.backlog, state.space, err
	return h
}

// writable returns nil if the store takes changes, or why not.
func (s *Service) writable(ctx context.Context) error {
	if err := s.writer.err(); err != nil {
		return err
	}
	if refusal := s.writer.refuse.Load(); refusal != nil {
		return refusal
	}
	if s.writer.stuck() {
		return errNoTurn()
	}
	return s.config.Store.Ping(ctx)
}

// check asks what may hang, once at a time, and remembers the answer.
type check[T any] struct {
	name string
	ask  func(context.Context) (T, error)

	mu      sync.Mutex
	running chan struct{} // closed at the end of the check under way; nil if there is none
	asked   time.Time     // when the last one ended
	value   T
	err     error
}

// result returns an answer of the last second, or asks and waits for it until the
// deadline.
func (c *check[T]) result(deadline time.Time) (T, error) {
	c.mu.Lock()
	if c.running == nil && time.Since(c.asked) >= healthAge {
		c.running = make(chan struct{})
		go c.run(c.running)
	}
	running := c.running
	c.mu.Unlock()

	late := false
	if running != nil {
		timeout := time.NewTimer(time.Until(deadline))
		defer timeout.Stop()
		select {
		case <-running:
		case <-timeout.C:
			late = true
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if late && c.running == running {
		return c.value, fault.New(fault.Unavailable, "the %s does not answer", c.name)
	}
	return c.value, c.err
}

func (c *check[T]) run(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), healthWait)
	defer cancel()
	value, err := c.ask(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.value, c.err, c.asked, c.running = value, err, time.Now(), nil
	close(done)
}
