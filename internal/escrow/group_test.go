package escrow_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// group makes n puts in one group: it lets one put wait in the store until all
// others are in the queue. It returns how each ended.
func (r *rig) group(h *host, n int, handle func(int) escrow.Handle) []error {
	r.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	r.until("no row waits to be removed, which would be a change beside the puts", func() bool { return len(r.pending()) == 0 })
	reached := r.store.hold()
	wg.Go(func() { r.put(h, 1000, "first", "first") })
	<-reached
	for i := range n {
		wg.Go(func() {
			_, errs[i] = r.Put(context.Background(), h.Caller, escrow.NewDeposit{
				UUID: id(i), Handle: handle(i), Contents: fmt.Appendf(nil, "contents %d", i),
			})
		})
	}
	r.until("all puts wait", func() bool { return escrow.Queued(r.Service) == n })
	r.store.open()
	wg.Wait()
	return errs
}

// TestGroupCommit: puts that wait at the same time share a commit, and each gets
// the version that is its own.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	before := r.store.writes.Load()
	for i, err := range r.group(h, 64, func(int) escrow.Handle { return "one handle" }) {
		if err != nil {
			t.Errorf("put %d: %v", i, err)
		}
	}
	if got := r.store.writes.Load() - before; got != 2 {
		t.Errorf("65 puts took %d commits, want 2", got)
	}
	versions := map[int64]bool{}
	for i := range 64 {
		d := r.get(h, escrow.Selector{UUID: id(i)}, fmt.Sprintf("contents %d", i), "")
		versions[d.Version] = true
	}
	if len(versions) != 64 || !versions[1] || !versions[64] {
		t.Errorf("got versions %v, want 1 to 64", versions)
	}
}

// TestManyPuts is the same without any arrangement.
func TestManyPuts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hosts := []*host{r.client("acme"), r.client("acme"), r.client("beta")}
	before := r.store.writes.Load()
	const workers, each = 48, 10
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			h := hosts[worker%len(hosts)]
			for i := range each {
				n := worker*each + i
				if _, err := r.Put(context.Background(), h.Caller, escrow.NewDeposit{UUID: id(n), Handle: "h", Contents: fmt.Append(nil, n)}); err != nil {
					t.Errorf("put %d: %v", n, err)
				}
			}
		})
	}
	wg.Wait()
	if got := r.store.writes.Load() - before; got > workers*each/3 {
		t.Errorf("%d puts from %d at once took %d commits, want a third of that at most", workers*each, workers, got)
	}
	for n := range workers * each {
		r.get(hosts[n/each%len(hosts)], escrow.Selector{UUID: id(n)}, fmt.Sprint(n), "")
	}
}

// TestRefusedInGroup: a put that policy refuses fails alone; the others of its
// group share their commit all the same.
func TestRefusedInGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 7, "there", "other contents")
	before := r.store.writes.Load()
	for i, err := range r.group(h, 20, func(i int) escrow.Handle { return escrow.Handle(fmt.Sprint(i)) }) {
		want := fault.Kind("")
		if i == 7 {
			want = fault.Conflict
		}
		if !is(err, want) {
			t.Errorf("put %d: got %v, want %q", i, err, want)
		}
	}
	if got := r.store.writes.Load() - before; got != 2 {
		t.Errorf("got %d commits, want 2", got)
	}
}

// TestRolledBackGroup: when the store rolls a group back because of one change,
// the others are made one by one, and that one fails alone. Each put has one
// record in the chain.
func TestRolledBackGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.store.set(func(s *tapStore) {
		s.refuse = func(mutations []escrow.Mutation) error {
			if hasHandle(mutations, "poison") {
				return fault.New(fault.Internal, "the store refuses it")
			}
			return nil
		}
	})
	handle := func(i int) escrow.Handle {
		if i == 5 {
			return "poison"
		}
		return "h"
	}
	for i, err := range r.group(h, 12, handle) {
		want := fault.Kind("")
		if i == 5 {
			want = fault.Internal
		}
		if !is(err, want) {
			t.Errorf("put %d: got %v, want %q", i, err, want)
		}
	}
	outcomes := map[string]escrow.Outcome{}
	for _, e := range r.chain() {
		if e.Action != "deposit.put" {
			continue
		}
		if _, twice := outcomes[e.Object]; twice {
			t.Errorf("%s is in the chain twice", e.Object)
		}
		outcomes[e.Object] = e.Outcome
	}
	for i := range 12 {
		want, contents, kind := escrow.OutcomeOK, fmt.Sprintf("contents %d", i), fault.Kind("")
		if i == 5 {
			want, contents, kind = escrow.OutcomeFailed, "", fault.NotFound
		}
		r.get(h, escrow.Selector{UUID: id(i)}, contents, kind)
		if got := outcomes[string(id(i))]; got != want {
			t.Errorf("put %d: got outcome %q, want %q", i, got, want)
		}
	}
	if r.fatal.Load() != 0 || r.Ready(context.Background()) != nil {
		t.Errorf("got %d calls of Fatal, ready: %v; want none", r.fatal.Load(), r.Ready(context.Background()))
	}
}

// TestStoreUnavailable: where the store says that nothing was written, all of a
// group are told so, and later changes work.
func TestStoreUnavailable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	full := fault.New(fault.Unavailable, "the disk of the database is full")
	r.store.set(func(s *tapStore) {
		s.refuse = func(m []escrow.Mutation) error {
			if depositsIn(m) > 0 && !hasHandle(m, "first") {
				return full
			}
			return nil
		}
	})
	for i, err := range r.group(h, 3, func(int) escrow.Handle { return "h" }) {
		if !is(err, fault.Unavailable) {
			t.Errorf("put %d: got %v, want %q", i, err, fault.Unavailable)
		}
	}
	r.store.set(func(s *tapStore) { s.refuse = nil })
	if d := r.put(h, 1, "h", "contents"); d.Version != 1 {
		t.Errorf("got version %d, want 1: nothing was written before", d.Version)
	}
	if r.fatal.Load() != 0 {
		t.Errorf("got %d calls of Fatal, want none", r.fatal.Load())
	}
}

// TestNotReady: while the store takes no change the service is not ready, and it
// finds out by itself when the store takes one again.
func TestNotReady(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	full := fault.New(fault.Unavailable, "the disk of the database is full")
	r.store.set(func(s *tapStore) { s.refuse = func([]escrow.Mutation) error { return full } })
	if _, err := r.Put(context.Background(), h.Caller, escrow.NewDeposit{UUID: id(1), Handle: "h", Contents: []byte("c")}); !is(err, fault.Unavailable) {
		t.Errorf("a put: got %v, want %q", err, fault.Unavailable)
	}
	for range 3 { // longer than it takes to look again
		if err := r.Ready(context.Background()); !is(err, fault.Unavailable) {
			t.Errorf("Ready: got %v, want %q", err, fault.Unavailable)
		}
		time.Sleep(500 * time.Millisecond)
	}
	r.store.set(func(s *tapStore) { s.refuse = nil })
	r.until("ready again", func() bool { return r.Ready(context.Background()) == nil })
	r.put(h, 1, "h", "c")
}

// TestOutcomeUnknown: a request that ends before its change is confirmed is told
// so, and the change goes on; the same put again gets its answer.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	ctx, cancel := context.WithCancel(context.Background())
	put := escrow.NewDeposit{UUID: id(1), Handle: "h", Contents: []byte("contents")}
	reached := r.store.hold()
	answer := make(chan error)
	go func() {
		_, err := r.Put(ctx, h.Caller, put)
		answer <- err
	}()
	<-reached
	cancel()
	if err := <-answer; !is(err, fault.OutcomeUnknown) {
		t.Errorf("got %v, want %q", err, fault.OutcomeUnknown)
	}
	r.store.open()
	if d, err := r.Put(context.Background(), h.Caller, put); err != nil || d.Version != 1 {
		t.Errorf("the same put again: got version %d, %v, want 1", d.Version, err)
	}
	r.get(h, escrow.Selector{Handle: "h"}, "contents", "")
	var outcomes []string
	for _, e := range r.chain() {
		if e.Action == "deposit.put" {
			outcomes = append(outcomes, string(e.Outcome)+" "+e.Detail)
		}
	}
	if got, want := strings.Join(outcomes, ", "), "failed outcome_unknown, ok h, ok h"; got != want {
		t.Errorf("got outcomes %q, want %q", got, want)
	}
	if r.fatal.Load() != 0 {
		t.Errorf("got %d calls of Fatal, want none", r.fatal.Load())
	}
}

// TestLostCommit: after a commit whose outcome nobody knows the process is asked
// to end, once, and changes are refused until it is started again. What was
// written then is there, with its record.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 900, "before", "before")
	r.store.set(func(s *tapStore) {
		s.lose = func(m []escrow.Mutation) error {
			if hasHandle(m, "h") {
				return errors.New("disk I/O error")
			}
			return nil
		}
	})
	for i, err := range r.group(h, 5, func(int) escrow.Handle { return "h" }) {
		if !is(err, fault.OutcomeUnknown) {
			t.Errorf("put %d: got %v, want %q", i, err, fault.OutcomeUnknown)
		}
	}
	for i := range 3 {
		if _, err := r.Put(context.Background(), h.Caller, escrow.NewDeposit{UUID: id(50 + i), Handle: "after", Contents: []byte("c")}); !is(err, fault.Unavailable) {
			t.Errorf("a put after: got %v, want %q", err, fault.Unavailable)
		}
	}
	if err := r.SetAdmission(context.Background(), operator(), "acme", escrow.ApprovalContacts, ""); !is(err, fault.Unavailable) {
		t.Errorf("an operator's change after: got %v, want %q", err, fault.Unavailable)
	}
	if err := r.Ready(context.Background()); !is(err, fault.Unavailable) {
		t.Errorf("Ready: got %v, want %q", err, fault.Unavailable)
	}
	if got := r.fatal.Load(); got != 1 {
		t.Errorf("got %d calls of Fatal, want 1", got)
	}
	r.get(h, escrow.Selector{UUID: id(900)}, "before", "")

	r.stop()
	r.start()
	recorded := map[string]bool{}
	for _, e := range r.chain() {
		if e.Outcome == escrow.OutcomeOK {
			recorded[e.Object] = true
		}
	}
	for i := range 5 {
		r.get(h, escrow.Selector{UUID: id(i)}, fmt.Sprintf("contents %d", i), "")
		if !recorded[string(id(i))] {
			t.Errorf("put %d was written and is not in the chain", i)
		}
	}
	r.put(h, 60, "after", "c")
}

// TestFatalOnce: when the store and the chain fail one after the other, the
// process is asked to end once.
func TestFatalOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 1, "before", "before")
	r.store.set(func(s *tapStore) { s.lose = func([]escrow.Mutation) error { return errors.New("disk I/O error") } })
	if _, err := r.Put(context.Background(), h.Caller, escrow.NewDeposit{UUID: id(2), Handle: "h", Contents: []byte("c")}); !is(err, fault.OutcomeUnknown) {
		t.Errorf("got %v, want %q", err, fault.OutcomeUnknown)
	}
	r.auditor.failSync.Store(true)
	syncs := r.auditor.syncs.Load()
	r.get(h, escrow.Selector{UUID: id(1)}, "before", "")
	r.until("the chain could not be brought to disk", func() bool { return r.auditor.syncs.Load() > syncs })
	r.until("reads are refused", func() bool { return is(r.Ready(context.Background()), fault.Unavailable) })
	r.Close()
	if got := r.fatal.Load(); got != 1 {
		t.Errorf("got %d calls of Fatal, want 1", got)
	}
}

// TestBusy: a change that finds no place in the queue in time was not made, and
// is told so.
func TestBusy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	reached := r.store.hold()
	var wg sync.WaitGroup
	wg.Go(func() { r.put(h, 1000, "first", "first") })
	<-reached
	const queue = 64
	for i := range queue {
		wg.Go(func() { r.put(h, i, "h", "c") })
	}
	r.until("the queue is full", func() bool { return escrow.Queued(r.Service) == queue })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := r.Put(ctx, h.Caller, escrow.NewDeposit{UUID: id(999), Handle: "h", Contents: []byte("c")}); !is(err, fault.Unavailable) {
		t.Errorf("got %v, want %q", err, fault.Unavailable)
	}
	r.store.open()
	wg.Wait()
	r.get(h, escrow.Selector{UUID: id(999)}, "", fault.NotFound)
	r.get(h, escrow.Selector{Handle: "h", Version: queue}, "c", "")
}

// TestSealerFails: a put that cannot be sealed fails, and nothing of it is kept.
func TestSealerFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.sealer.fail.Store(true)
	if _, err := r.Put(context.Background(), h.Caller, escrow.NewDeposit{UUID: id(1), Handle: "h", Contents: []byte("c")}); err == nil {
		t.Error("got no error")
	}
	r.sealer.fail.Store(false)
	if d := r.put(h, 1, "h", "other contents"); d.Version != 1 {
		t.Errorf("got version %d, want 1", d.Version)
	}
}
