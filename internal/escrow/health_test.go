package escrow_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// TestHealth: what is well is told as such, and what is not as soon as it is
// known.
func TestHealth(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	if got := r.Health(); got.Store != nil || got.Audit != nil || got.Queued != 0 {
		t.Errorf("at first: got %+v, want all well", got)
	}

	r.auditor.holdSync.Store(true)
	r.put(h, 1, "h", "x")
	r.until("a record waits for the disk", func() bool {
		b := r.Health().Backlog
		return b.Unsynced > 0 && b.Rows > 0 && !b.Since.IsZero()
	})
	r.auditor.holdSync.Store(false)
	r.until("all is on disk, and its row removed", func() bool { return r.Health().Backlog == escrow.Backlog{} })

	r.auditor.failing.Store(true)
	_ = r.PermitHost(escrow.Caller{Source: "192.0.2.1"}, "host.metrics") // has to be audited, and cannot be
	r.until("the audit is told to fail", func() bool {
		got := r.Health()
		return errors.Is(got.Audit, fault.Unavailable) && got.Store == nil && got.Backlog.Unchained == 1
	})
	r.auditor.failing.Store(false)
	r.until("the audit is well again", func() bool { return r.Health().Audit == nil })

	r.store.set(func(s *tapStore) {
		s.refuse = func([]escrow.Mutation) error { return fault.New(fault.Unavailable, "the disk is full") }
	})
	_, _ = r.Put(t.Context(), h.Caller, escrow.NewDeposit{UUID: id(2), Handle: "h", Contents: []byte("x")})
	r.until("the store is told to take nothing", func() bool { return errors.Is(r.Health().Store, fault.Unavailable) })
	r.store.set(func(s *tapStore) { s.refuse = nil })
	r.until("the store is well again", func() bool { return r.Health().Store == nil })
}

// TestHealthOfWhatHangs: a store and an audit log that never answer are told as
// such in bounded time, and are asked once, however often somebody wants to know.
func TestHealthOfWhatHangs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.store.deaf.Store(true)
	r.auditor.holdAppend.Store(true)
	t.Cleanup(func() {
		r.store.deaf.Store(false)
		r.auditor.holdAppend.Store(false)
	})
	appends := r.auditor.appends.Load()
	go r.PermitHost(escrow.Caller{Source: "192.0.2.1"}, "host.metrics")
	r.until("a record is on its way into the audit log", func() bool { return r.auditor.appends.Load() > appends })
	pings := r.store.pings.Load()
	for range 3 {
		answer := make(chan escrow.Health, 1)
		go func() { answer <- r.Health() }()
		select {
		case got := <-answer:
			if !errors.Is(got.Store, fault.Unavailable) || !errors.Is(got.Audit, fault.Unavailable) {
				t.Errorf("got store %v, audit %v, want both unavailable", got.Store, got.Audit)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("Health waits for what hangs")
		}
	}
	if got := r.store.pings.Load() - pings; got != 1 {
		t.Errorf("the store was asked %d times, want once", got)
	}
	r.store.deaf.Store(false)
	r.auditor.holdAppend.Store(false)
	r.until("both answer again", func() bool {
		got := r.Health()
		return got.Store == nil && got.Audit == nil
	})
}

// TestCensus: who is there is counted, who waits, and what has expired, and the answer
// follows within a second or so.
func TestCensus(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if got, err := r.Census(); err != nil || !cmp.Equal(got, escrow.Census{}) {
		t.Errorf("at first: got %+v, %v, want nothing", got, err)
	}
	r.client("acme")
	want := escrow.Census{Clients: 1, Organizations: 1}
	r.until("both are counted", func() bool {
		got, err := r.Census()
		return err == nil && cmp.Equal(got, want)
	})
}

// TestPermitHost: the operator and the host itself are let in without a record;
// others are refused with one, until there are too many.
func TestPermitHost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	before := len(r.chain())
	for _, c := range []escrow.Caller{operator(), {Host: true, Source: "127.0.0.1"}} {
		if err := r.PermitHost(c, "host.metrics"); err != nil {
			t.Errorf("%+v: got %v, want none", c, err)
		}
	}
	if got := len(r.chain()) - before; got != 0 {
		t.Errorf("records of what was allowed: got %d, want none", got)
	}
	const tries = 1000
	for range tries {
		if err := r.PermitHost(escrow.Caller{Source: "192.0.2.1", Certificate: r.newKey()}, "host.metrics"); !errors.Is(err, fault.Denied) {
			t.Fatalf("a stranger: got %v, want %v", err, fault.Denied)
		}
	}
	records := r.chain()[before:]
	if len(records) != 5 {
		t.Fatalf("records of %d refusals: got %d, want 5", tries, len(records))
	}
	if first := records[0]; first.Action != "host.metrics" || first.Outcome != escrow.OutcomeRefused || first.Source != "192.0.2.1" {
		t.Errorf("got %+v, want the refusal", first)
	}
	if got, want := r.Health().Summarized, int64(tries-len(records)); got != want {
		t.Errorf("refusals without a record of their own: got %d, want %d", got, want)
	}
}
