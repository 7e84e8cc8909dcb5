package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ktsd/ktsd/internal/escrow"
)

// testReopen: everything that was acknowledged is there after a restart, and
// changes go on.
func testReopen(w *world) {
	w.settle()
	last := deposit(1, 2, "h", 2)
	last.NotAfter, last.Deleted = at(100), at(90)
	w.put(deposit(1, 1, "h", 1), last)
	w.change(escrow.AddRecord{Record: record(1)}, escrow.AddRecord{Record: record(2)})
	before := w.state()
	w.store = w.reopen()
	w.same("after a restart", w.state(), before, nil)
	w.same("a deposit after a restart", w.fetch(1, escrow.Selector{UUID: uuid(2)}), escrow.Fetched{Standing: settled(1), Deposit: fetched(&last)}, nil)
	w.put(deposit(1, 3, "h", 3))
	w.same("Ping", nil, nil, w.store.Ping(context.Background()))
}

// testConcurrent: reads go on while changes are made, from several goroutines at
// once; each read sees a change whole or not at all.
func testConcurrent(w *world) {
	w.settle()
	const writers, changes = 3, 25
	var wg, reading sync.WaitGroup
	var done atomic.Bool
	for range 3 {
		reading.Go(func() {
			for !done.Load() {
				w.readPairs()
			}
		})
	}
	for n := range writers {
		wg.Go(func() {
			for i := range changes {
				id := 1000*n + 2*i
				if err := w.try(
					escrow.AddDeposit{Deposit: deposit(1, id, escrow.Handle(fmt.Sprintf("left %d", n)), int64(i+1))},
					escrow.AddDeposit{Deposit: deposit(1, id+1, escrow.Handle(fmt.Sprintf("right %d", n)), int64(i+1))},
					escrow.AddRecord{Record: record(id)},
				); err != nil {
					w.Errorf("Change: %v", err)
				}
			}
		})
	}
	wg.Wait()
	done.Store(true)
	reading.Wait()
	if got := len(w.list(escrow.ListQuery{All: true, Limit: 1000})); got != 2*writers*changes {
		w.Errorf("got %d deposits, want %d", got, 2*writers*changes)
	}
	if got := len(w.pending()); got != writers*changes {
		w.Errorf("got %d records, want %d", got, writers*changes)
	}
}

// readPairs reads what testConcurrent writes, two deposits a change.
func (w *world) readPairs() {
	ctx := context.Background()
	_, found, err := w.store.List(ctx, keyHash(1), escrow.ListQuery{All: true, Limit: 1000})
	if err != nil || len(found)%2 != 0 {
		w.Errorf("List during changes: got %d deposits and error %v, want pairs", len(found), err)
	}
	one, err := w.store.Fetch(ctx, keyHash(1), escrow.Selector{Handle: "left 0"})
	if err != nil || one.Client == nil {
		w.Errorf("Fetch during changes: got %+v, %v", one.Standing, err)
	}
	if _, err := w.store.Organizations(ctx); err != nil {
		w.Errorf("Organizations during changes: %v", err)
	}
	if _, err := w.store.PendingAudit(ctx); err != nil {
		w.Errorf("PendingAudit during changes: %v", err)
	}
}

// testContextEnded: a read whose context has ended says so, and leaves the store
// as it was.
func testContextEnded(w *world) {
	w.settle()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, fetchErr := w.store.Fetch(ctx, keyHash(1), escrow.Selector{Handle: "h"})
	_, _, listErr := w.store.List(ctx, keyHash(1), escrow.ListQuery{Limit: 1})
	_, orgsErr := w.store.Organizations(ctx)
	_, clientsErr := w.store.Clients(ctx, "")
	_, holdingErr := w.store.Holding(ctx, "acme")
	_, pendingErr := w.store.PendingAudit(ctx)
	_, keksErr := w.store.KEKs(ctx)
	for i, err := range []error{fetchErr, listErr, orgsErr, clientsErr, holdingErr, pendingErr, keksErr, w.store.Ping(ctx)} {
		if !errors.Is(err, context.Canceled) {
			w.Errorf("read %d: got %v, want %v", i, err, context.Canceled)
		}
	}
	w.same("the next read", w.fetch(1, escrow.Selector{Handle: "h"}), escrow.Fetched{Standing: settled(1)}, nil)
}
