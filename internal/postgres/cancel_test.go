package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/storetest"
)

// TestNoCancelRequest: whatever ends or breaks while statements run, no request to
// cancel one ever leaves the store: it would end a commit's wait for a standby, and
// the commit would count as done.
func TestNoCancelRequest(t *testing.T) {
	t.Parallel()
	direct := ktest.Postgres(t)
	proxy, url := ktest.ProxyFor(t, direct)
	s := settled(t, url)

	other, watch := session(t, direct), session(t, direct)
	must(t, other, `BEGIN; LOCK TABLE deposits IN ACCESS EXCLUSIVE MODE`)
	var wg, reading sync.WaitGroup
	var wrote error
	wg.Go(func() { wrote = put(s, 2) }) // a write that waits
	for range 6 {
		reading.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer cancel()
			if err := fetch(ctx, s, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a read whose time ended: got %v, want %v", err, context.DeadlineExceeded)
			}
			ctx, cancel = context.WithCancel(context.Background())
			time.AfterFunc(100*time.Millisecond, cancel)
			if _, _, err := s.List(ctx, storetest.KeyHash(1), escrow.ListQuery{Limit: 9}); !errors.Is(err, context.Canceled) {
				t.Errorf("a read that was given up: got %v, want %v", err, context.Canceled)
			}
		})
	}
	reading.Wait()
	must(t, other, `COMMIT`)
	wg.Wait()
	if wrote != nil {
		t.Errorf("the write that waited: got %v, want no error", wrote)
	}
	if err := fetch(context.Background(), s, 2); err != nil {
		t.Errorf("reading it: %v", err)
	}

	// A change that does not get the lease's row is refused, its connection given up.
	must(t, other, `BEGIN; SELECT * FROM lease FOR UPDATE`)
	is(t, "a change that finds the lease locked", put(s, 3), fault.Unavailable, "database")
	must(t, other, `COMMIT`)

	// Connections break in the middle of a read and of a write.
	must(t, other, `BEGIN; LOCK TABLE deposits IN ACCESS EXCLUSIVE MODE`)
	wg.Go(func() { wrote = put(s, 4) })
	wg.Go(func() { _ = fetch(context.Background(), s, 1) })
	until(t, "both wait", func() bool {
		return scan[int](t, watch, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'relation'`) == 2
	})
	proxy.Cut()
	time.Sleep(100 * time.Millisecond)
	must(t, other, `COMMIT`)
	wg.Wait()
	if wrote != nil && !errors.Is(wrote, fault.Unavailable) {
		t.Errorf("the write whose connection broke: got %v, want its outcome", wrote)
	}
	if err := fetch(context.Background(), s, 4); (err == nil) != (wrote == nil) {
		t.Errorf("the write whose connection broke: got %v, but reading it: %v", wrote, err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// What is given up is cleaned up behind the caller's back.
	until(t, "all connections are gone", func() bool {
		return scan[int](t, watch, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ktsd'`) == 0
	})
	if got := proxy.CancelRequests(); got != 0 {
		t.Errorf("got %d requests to cancel a statement, want none", got)
	}
}
