package postgres_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/postgres"
	"github.com/ktsd/ktsd/internal/storetest"
)

// breaking makes put n with a connection that breaks where the proxy is told to
// once the decision was taken.
func breaking(s *postgres.Store, proxy *ktest.Proxy, where ktest.Break, mutations ...escrow.Mutation) error {
	return s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
		proxy.Next(where)
		return mutations, nil
	})
}

// deposited is a put as the domain writes it.
func deposited(n int) []escrow.Mutation {
	return []escrow.Mutation{
		escrow.AddDeposit{Deposit: storetest.Deposit(1, n, "h", int64(n))},
		escrow.AddRecord{Record: escrow.Record{ID: string(storetest.UUID(n))}},
	}
}

// TestOutcomeLookedUp: when the connection breaks during a commit, the change ends
// as it really ended, and the next ones work.
func TestOutcomeLookedUp(t *testing.T) {
	t.Parallel()
	proxy, url := ktest.ProxyFor(t, ktest.Postgres(t))
	s := settled(t, url)
	for n := 10; n < 16; n += 2 {
		if err := breaking(s, proxy, ktest.BreakAnswer, deposited(n)...); err != nil {
			t.Errorf("committed, and the answer lost: got %v, want no error", err)
		}
		if err := fetch(context.Background(), s, n); err != nil {
			t.Errorf("committed, and the answer lost: %v", err)
		}
		is(t, "the request lost", breaking(s, proxy, ktest.BreakRequest, deposited(n+1)...), fault.Unavailable, "before the change was written")
		if err := fetch(context.Background(), s, n+1); err == nil {
			t.Error("the request lost: got the deposit, want none")
		}
		if err := put(s, n+1); err != nil {
			t.Errorf("the same again: %v", err)
		}
	}
	if err := s.Ping(context.Background()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

// TestOutcomeOfKEK: the same for a new generation of the key-encryption key, and
// records that are forgotten count as not forgotten.
func TestOutcomeOfKEK(t *testing.T) {
	t.Parallel()
	proxy, url := ktest.ProxyFor(t, ktest.Postgres(t))
	s := settled(t, url)
	kek := func(n uint32) escrow.Mutation {
		return escrow.AddKEK{Generation: n, Check: []byte("check"), Created: time.Now()}
	}
	forget := escrow.ForgetRecords{IDs: []string{string(storetest.UUID(1))}}
	if err := breaking(s, proxy, ktest.BreakNothing, kek(2)); err != nil { // its statements are prepared now
		t.Fatal(err)
	}
	if err := breaking(s, proxy, ktest.BreakAnswer, kek(3)); err != nil {
		t.Errorf("a generation committed: got %v, want no error", err)
	}
	if err := breaking(s, proxy, ktest.BreakNothing, kek(4)); err != nil {
		t.Fatal(err)
	}
	is(t, "a generation lost", breaking(s, proxy, ktest.BreakRequest, kek(5)), fault.Unavailable, "")
	keks, err := s.KEKs(context.Background())
	if err != nil || len(keks) != 4 || keks[5] != nil {
		t.Errorf("KEKs: got %v, %v, want generations 1 to 4", keks, err)
	}
	storetest.Write(t, s, "r")
	is(t, "forgetting, the answer lost", breaking(s, proxy, ktest.BreakAnswer, forget), fault.Unavailable, "")
	if err := breaking(s, proxy, ktest.BreakNothing, forget); err != nil {
		t.Errorf("forgetting again: %v", err)
	}
	if got := storetest.Records(t, s); got != "r" {
		t.Errorf("got records %q, want %q", got, "r")
	}
}

// TestOutcomeWaits: while the lost connection's transaction still runs on the
// server, its outcome is waited for.
func TestOutcomeWaits(t *testing.T) {
	t.Parallel()
	direct := ktest.Postgres(t)
	proxy, url := ktest.ProxyFor(t, direct)
	s := settled(t, url)
	other := session(t, direct)
	must(t, other, `BEGIN; LOCK TABLE audit_records IN SHARE MODE`)
	var releasing atomic.Bool
	released := make(chan struct{})
	go func() {
		defer close(released)
		time.Sleep(1500 * time.Millisecond)
		releasing.Store(true)
		other.Exec(context.Background(), `COMMIT`)
	}()
	if err := breaking(s, proxy, ktest.BreakClient, deposited(2)...); err != nil {
		t.Errorf("Change: got %v, want no error", err)
	}
	if !releasing.Load() {
		t.Error("the outcome was told before there was one")
	}
	if err := fetch(context.Background(), s, 2); err != nil {
		t.Error(err)
	}
	<-released
}

// TestOutcomeAfterLong: however long PostgreSQL is away, the change that was under
// way ends as it really ended.
func TestOutcomeAfterLong(t *testing.T) {
	t.Parallel()
	proxy, url := ktest.ProxyFor(t, ktest.Postgres(t))
	s := settled(t, url)
	proxy.Refuse(true)
	go func() {
		time.Sleep(7 * time.Second)
		proxy.Refuse(false)
	}()
	if err := breaking(s, proxy, ktest.BreakAnswer, deposited(3)...); err != nil {
		t.Errorf("Change: got %v, want no error", err)
	}
	if err := fetch(context.Background(), s, 3); err != nil {
		t.Error(err)
	}
}

// TestOutcomeUnknown: when the outcome cannot be looked up and nobody waits for it
// any more, the error is no fault, it is told once, and nothing is written any
// more. The next start can.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	direct := ktest.Postgres(t)
	settled(t, direct).Close()
	proxy, url := ktest.ProxyFor(t, direct)
	told := make(chan error, 9)
	opts := node
	opts.Fatal = func(err error) { told <- err }
	s := open(t, url, opts)
	if err := put(s, 2); err != nil { // its statements are prepared now
		t.Fatal(err)
	}

	proxy.Refuse(true)
	s.GiveUp()
	err := breaking(s, proxy, ktest.BreakAnswer, deposited(3)...)
	noFault(t, "an outcome that cannot be looked up", err)
	select {
	case cause := <-told:
		if !errors.Is(cause, err) && cause.Error() != err.Error() {
			t.Errorf("Fatal: got %v, want %v", cause, err)
		}
	case <-time.After(patience):
		t.Error("Fatal was not called")
	}
	proxy.Refuse(false)
	is(t, "the next change", put(s, 4), fault.Unavailable, "since an earlier error")
	is(t, "Ping", s.Ping(context.Background()), fault.Unavailable, "since an earlier error")
	if err := fetch(context.Background(), s, 3); err != nil {
		t.Errorf("reading goes on: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(told) != 0 {
		t.Error("Fatal was called twice")
	}
	if err := put(open(t, direct, node), 4); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

// TestBrokenBetweenChanges: a connection that breaks while nothing is under way is
// not noticed by anybody.
func TestBrokenBetweenChanges(t *testing.T) {
	t.Parallel()
	proxy, url := ktest.ProxyFor(t, ktest.Postgres(t))
	s := settled(t, url)
	for n := 2; n < 5; n++ {
		proxy.Cut()
		if err := put(s, n); err != nil {
			t.Errorf("Change: %v", err)
		}
		proxy.Cut()
		if err := fetch(context.Background(), s, n); err != nil {
			t.Errorf("Fetch: %v", err)
		}
	}
}
