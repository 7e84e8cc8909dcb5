// Package load puts deposits and gets them again over connections that are kept,
// and tells how fast that went. Each connection does one thing after another: the
// next request leaves when the answer to the last has been read and compared.
//
// It shares the machine with what it measures, so it is lean rather than general;
// it trusts no server that its TLS settings do not, and takes no answer for good
// that is not the right one.
package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Target is a server.
type Target struct {
	Addr    string        // to connect to
	Host    string        // of the Host header, whose name the certificate must have
	TLS     []*tls.Config // one for each client
	Dialect Dialect
	HTTP2   bool
}

// dial makes one connection as one of the clients.
func (t *Target) dial(client int, deadline time.Time) (wire, error) {
	if t.HTTP2 {
		return dialHTTP2(t.Addr, t.Host, t.TLS[client], t.Dialect.Headers, deadline), nil
	}
	return dialHTTP1(t.Addr, t.Host, t.TLS[client], t.Dialect.Headers, deadline)
}

// clientOf spreads connections over the clients.
func (t *Target) clientOf(connection, connections int) int {
	if connections >= len(t.TLS) {
		return connection % len(t.TLS)
	}
	return connection * len(t.TLS) / connections
}

// Kept are the UUIDs of deposits that are there, by client.
type Kept [][]uuid.UUID

// Work is what to do.
type Work struct {
	Put         bool // or get, of Kept
	Connections int
	Warmup      time.Duration // before anything is counted
	Duration    time.Duration // longer only if nothing has begun by then
	Pause       time.Duration // of each connection after each answer
	Bodies      *Bodies
	Kept        Kept
	NewID       func() (uuid.UUID, error)

	Began func() // is called when counting begins
	Ended func() // is called when the last answer has come
}

// Result tells how it went.
type Result struct {
	Latency *Histogram
	Window  time.Duration // in which the requests that are counted began
	Errors  uint64
	Failed  []string // the first errors, each once
}

// Rate returns the requests a second that were answered rightly.
func (r *Result) Rate() float64 { return float64(r.Latency.Count()) / r.Window.Seconds() }

// grace is how long after its time the last answer may come.
const grace = time.Minute

// stages of a run
const (
	warming = iota
	counting
	stopping
)

// run is one run of Work.
type run struct {
	*Target
	Work
	deadline time.Time
	stage    atomic.Int32
	counted  atomic.Bool // at least one has begun that counts

	mu     sync.Mutex
	result Result
}

// Run does the work. Its error is for what kept it from beginning; what failed
// later is in the result.
func Run(ctx context.Context, t *Target, w Work) (*Result, error) {
	r := &run{Target: t, Work: w, deadline: time.Now().Add(w.Warmup + w.Duration + grace), result: Result{Latency: &Histogram{}}}
	wires := make([]wire, w.Connections)
	for i := range wires {
		var err error
		if wires[i], err = t.dial(t.clientOf(i, w.Connections), r.deadline); err != nil {
			return nil, fmt.Errorf("connecting to %s: %w", t.Addr, err)
		}
	}
	var group sync.WaitGroup
	for i, conn := range wires {
		group.Go(func() { r.work(t.clientOf(i, w.Connections), conn) })
	}
	sleep(ctx, w.Warmup)
	if w.Began != nil {
		w.Began()
	}
	began := time.Now()
	r.stage.Store(counting)
	sleep(ctx, w.Duration)
	for !r.counted.Load() && ctx.Err() == nil && time.Now().Before(r.deadline) { // all wait for what began before
		sleep(ctx, 10*time.Millisecond)
	}
	r.stage.Store(stopping)
	r.result.Window = time.Since(began)
	group.Wait()
	if w.Ended != nil {
		w.Ended()
	}
	return &r.result, ctx.Err()
}

// sleep waits, no longer than ctx lasts.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// work is what one connection does. After an error it makes another connection.
func (r *run) work(client int, conn wire) {
	s := newScript(r.Dialect, r.Bodies)
	h := &Histogram{}
	for r.stage.Load() != stopping {
		if conn == nil {
			if conn = r.redial(client); conn == nil {
				continue
			}
		}
		counted := r.stage.Load() == counting
		if counted && !r.counted.Load() {
			r.counted.Store(true)
		}
		started := time.Now()
		err := r.one(s, client, conn)
		if err != nil {
			r.fail(err)
			conn.close()
			conn = nil
		} else if counted {
			h.Add(time.Since(started))
		}
		if r.Pause > 0 {
			time.Sleep(r.Pause)
		}
	}
	if conn != nil {
		conn.close()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Latency.Merge(h)
}

// redial makes another connection, or returns nil.
func (r *run) redial(client int) wire {
	time.Sleep(10 * time.Millisecond)
	conn, err := r.dial(client, r.deadline)
	if err != nil {
		r.counted.Store(true)
		r.fail(err)
		return nil
	}
	return conn
}

// one makes one request and judges the answer.
func (r *run) one(s *script, client int, conn wire) error {
	if r.Put {
		id, err := r.NewID()
		if err != nil {
			return err
		}
		status, body, err := conn.exchange(s.toPut(id))
		if err != nil {
			return fmt.Errorf("put: %w", err)
		}
		return s.checkPut(status, body)
	}
	mine := r.Kept[client]
	id := mine[rand.IntN(len(mine))]
	status, body, err := conn.exchange(s.toGet(id))
	if err != nil {
		return fmt.Errorf("get: %w", err)
	}
	return s.checkGet(id, status, body)
}

// fail notes an error.
func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Errors++
	if text := err.Error(); len(r.result.Failed) < 5 && !slices.Contains(r.result.Failed, text) {
		r.result.Failed = append(r.result.Failed, text)
	}
}

// Reach returns an error unless a connection can be made.
func Reach(t *Target) error {
	conn, err := dialHTTP1(t.Addr, t.Host, t.TLS[0], nil, time.Now().Add(grace))
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", t.Addr, err)
	}
	conn.close()
	return nil
}

// Fill puts n deposits of each client, over a few connections.
func Fill(ctx context.Context, t *Target, bodies *Bodies, newID func() (uuid.UUID, error), n int) (Kept, error) {
	const connections, most = 8, 1000
	type part struct{ client, n int }
	parts := make(chan part)
	go func() {
		defer close(parts)
		for client := range t.TLS {
			for left := n; left > 0; left -= most {
				parts <- part{client, min(left, most)}
			}
		}
	}()
	kept := make(Kept, len(t.TLS))
	var mu sync.Mutex
	var errs []error
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for p := range parts {
				ids, err := fillPart(ctx, t, bodies, newID, p.client, p.n)
				mu.Lock()
				kept[p.client] = append(kept[p.client], ids...)
				if err != nil && len(errs) < 5 {
					errs = append(errs, err)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return kept, errors.Join(errs...)
}

// fillPart puts n deposits of one client.
func fillPart(ctx context.Context, t *Target, bodies *Bodies, newID func() (uuid.UUID, error), client, n int) ([]uuid.UUID, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	conn, err := t.dial(client, time.Now().Add(10*time.Minute))
	if err != nil {
		return nil, err
	}
	defer conn.close()
	s := newScript(t.Dialect, bodies)
	var ids []uuid.UUID
	for len(ids) < n && ctx.Err() == nil {
		id, err := newID()
		if err != nil {
			return ids, err
		}
		status, body, err := conn.exchange(s.toPut(id))
		if err == nil {
			err = s.checkPut(status, body)
		}
		if err != nil {
			return ids, err
		}
		ids = append(ids, id)
	}
	return ids, ctx.Err()
}
