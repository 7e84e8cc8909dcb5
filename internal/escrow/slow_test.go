package escrow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// TestStuckStore: nobody waits longer than patience allows for a store that does
// not come back. What was under way may yet be written, and its answer says so;
// what had no turn is withdrawn, and nothing of it is written.
func TestStuckStore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.stop()
	r.patience = escrow.Patience{Turn: 300 * time.Millisecond, End: 200 * time.Millisecond}
	r.start()
	r.until("no row waits to be removed", func() bool { return len(r.pending()) == 0 })

	put := func(n int, end chan<- error) {
		_, err := r.Put(context.Background(), h.Caller, escrow.NewDeposit{UUID: id(n), Handle: "h", Contents: []byte("x")})
		end <- err
	}
	reached := r.store.hold()
	underWay, waiting := make(chan error), make(chan error)
	go put(1, underWay)
	<-reached
	for n := range 3 {
		go put(2+n, waiting)
	}
	if err := <-underWay; !errors.Is(err, fault.OutcomeUnknown) {
		t.Errorf("the put under way: got %v, want %v", err, fault.OutcomeUnknown)
	}
	for range 3 {
		if err := <-waiting; !errors.Is(err, fault.Unavailable) {
			t.Errorf("a put without a turn: got %v, want %v", err, fault.Unavailable)
		}
	}
	if err := r.Ready(context.Background()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Ready: got %v, want %v", err, fault.Unavailable)
	}
	go put(8, waiting)
	if err := <-waiting; !errors.Is(err, fault.Unavailable) || escrow.Queued(r.Service) != 3 {
		t.Errorf("one more put: got %v and %d in the queue, want %v and the 3 from before", err, escrow.Queued(r.Service), fault.Unavailable)
	}
	r.store.open()
	r.until("the put under way is written", func() bool {
		_, _, err := r.Get(context.Background(), h.Caller, escrow.Selector{UUID: id(1)})
		return err == nil
	})
	r.put(h, 9, "h", "later") // behind everything that was in the queue
	for n := range 3 {
		r.get(h, escrow.Selector{UUID: id(2 + n)}, "", fault.NotFound)
	}
}

// TestWithdrawn: a put whose caller goes away before its turn is not made, and one
// that had its turn is; the puts beside them are not disturbed.
func TestWithdrawn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.until("no row waits to be removed", func() bool { return len(r.pending()) == 0 })
	ctx, leave := context.WithCancel(context.Background())
	put := func(ctx context.Context, n int, end chan<- error) {
		_, err := r.Put(ctx, h.Caller, escrow.NewDeposit{UUID: id(n), Handle: "h", Contents: []byte("x")})
		end <- err
	}
	reached := r.store.hold()
	underWay, waiting, neighbour := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	go put(ctx, 1, underWay)
	<-reached
	go put(ctx, 2, waiting)
	go put(context.Background(), 3, neighbour)
	r.until("both wait", func() bool { return escrow.Queued(r.Service) == 2 })
	leave()
	if err := <-underWay; !errors.Is(err, fault.OutcomeUnknown) {
		t.Errorf("the put under way: got %v, want %v", err, fault.OutcomeUnknown)
	}
	if err := <-waiting; !errors.Is(err, fault.Unavailable) {
		t.Errorf("the put without a turn: got %v, want %v", err, fault.Unavailable)
	}
	r.store.open()
	if err := <-neighbour; err != nil {
		t.Errorf("the put beside them: got %v, want no error", err)
	}
	r.get(h, escrow.Selector{UUID: id(1)}, "x", "")
	r.get(h, escrow.Selector{UUID: id(2)}, "", fault.NotFound)
	r.get(h, escrow.Selector{UUID: id(3)}, "x", "")
}
