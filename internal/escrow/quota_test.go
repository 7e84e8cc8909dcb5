package escrow_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// limited starts a rig with limits.
func limited(t *testing.T, edit func(*escrow.Limits)) *rig {
	t.Helper()
	r := newRig(t)
	l := escrow.DefaultLimits()
	edit(&l)
	r.SetLimits(l)
	return r
}

// tryPut puts and returns the error.
func (r *rig) tryPut(h *host, n int, size int) error {
	_, err := r.Put(context.Background(), h.Caller, escrow.NewDeposit{UUID: id(n), Handle: "h", Contents: make([]byte, size)})
	return err
}

// wantQuota wants a refusal that names what is full.
func wantQuota(t *testing.T, what string, err error, names string) {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.Quota || !strings.HasPrefix(f.Message, names) || !strings.Contains(f.Hint, "limits") {
		t.Errorf("%s: got %v, want %q of %s", what, err, fault.Quota, names)
	}
}

// TestQuota: a client that is full, by number or by bytes, is told so, while
// another works; deleting frees nothing, purging does; what was put can be put
// again.
func TestQuota(t *testing.T) {
	t.Parallel()
	r := limited(t, func(l *escrow.Limits) { l.ClientDeposits, l.ClientBytes = 3, 1000 })
	ctx := context.Background()
	h, other := r.client("acme"), r.client("acme")
	for n := range 3 {
		if err := r.tryPut(h, n, 10); err != nil {
			t.Fatal(err)
		}
	}
	wantQuota(t, "one more", r.tryPut(h, 3, 10), "client "+string(h.fingerprint())+" has 3 deposits")
	if err := r.tryPut(h, 2, 10); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := r.tryPut(other, 1, 1000); err != nil {
		t.Errorf("another client: %v", err)
	}
	wantQuota(t, "one byte more", r.tryPut(other, 2, 1), "client "+string(other.fingerprint())+" keeps 1000 bytes")
	if _, err := r.Delete(ctx, h.Caller, id(0)); err != nil {
		t.Fatal(err)
	}
	wantQuota(t, "after a delete", r.tryPut(h, 3, 10), "client ")
	if _, err := r.PurgeNow(ctx, operator(), h.fingerprint(), id(0), "ticket"); err != nil {
		t.Fatal(err)
	}
	if err := r.tryPut(h, 3, 970); err != nil {
		t.Errorf("after a purge: %v", err)
	}
	wantQuota(t, "the same bytes again are counted once", r.tryPut(h, 4, 1), "client ")
	l := escrow.DefaultLimits()
	r.SetLimits(l)
	if err := r.tryPut(h, 4, 10); err != nil {
		t.Errorf("with the limit raised: %v", err)
	}
	r.stop()
	r.limits = escrow.DefaultLimits()
	r.limits.ClientDeposits = 4
	r.start()
	wantQuota(t, "after a restart", r.tryPut(h, 5, 1), "client "+string(h.fingerprint())+" has 4 deposits")
}

// TestOrganizationQuota: all clients of an organization together, and no others.
func TestOrganizationQuota(t *testing.T) {
	t.Parallel()
	r := limited(t, func(l *escrow.Limits) { l.OrganizationDeposits, l.OrganizationBytes = 4, 100 })
	a, b, c := r.client("acme"), r.client("acme"), r.client("beta")
	for n, h := range []*host{a, b, a, b} {
		if err := r.tryPut(h, n, 10); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range []*host{a, b} {
		wantQuota(t, "one more", r.tryPut(h, 9, 10), "organization acme has 4 deposits")
	}
	if err := r.tryPut(c, 1, 100); err != nil {
		t.Errorf("another organization: %v", err)
	}
	wantQuota(t, "bytes", r.tryPut(c, 2, 1), "organization beta keeps 100 bytes")
}

// TestQuotaInGroups: puts that are committed together count each other.
func TestQuotaInGroups(t *testing.T) {
	t.Parallel()
	r := limited(t, func(l *escrow.Limits) { l.ClientDeposits = 10 })
	h := r.client("acme")
	r.store.hold()
	errs := make(chan error)
	for n := range 30 {
		go func() { errs <- r.tryPut(h, n, 10) }()
	}
	for escrow.Queued(r.Service) < 29 {
		time.Sleep(time.Millisecond)
	}
	r.store.open()
	kept := 0
	for range 30 {
		if err := <-errs; err == nil {
			kept++
		} else if !is(err, fault.Quota) {
			t.Errorf("got %v", err)
		}
	}
	if got := r.count(`SELECT deposits FROM usage WHERE holder LIKE 'client/%'`); kept != 10 || got != 10 {
		t.Errorf("%d puts were taken and %d counted, want 10", kept, got)
	}
}

// TestRate: a client that asks too often is refused and told when to try again,
// while another of the same organization works.
func TestRate(t *testing.T) {
	t.Parallel()
	r := limited(t, func(l *escrow.Limits) { l.ClientRate, l.OrganizationRate = 5, 12 })
	ctx := context.Background()
	h, other, third := r.client("acme"), r.client("acme"), r.client("acme")
	ask := func(h *host) error { _, _, err := r.List(ctx, h.Caller, escrow.ListQuery{}); return err }
	for n := range 5 {
		if err := ask(h); err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
	}
	for name, do := range map[string]func() error{
		"list": func() error { return ask(h) }, "put": func() error { return r.tryPut(h, 1, 1) },
		"get": func() error { _, _, err := r.Get(ctx, h.Caller, escrow.Selector{UUID: id(1)}); return err },
	} {
		err := do()
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Limited || f.Retry <= 0 || !strings.HasPrefix(f.Message, "client "+string(h.fingerprint())) {
			t.Errorf("%s: got %v, want %q that names the client", name, err, fault.Limited)
		}
	}
	for range 5 {
		if err := ask(other); err != nil {
			t.Errorf("another client: %v", err)
		}
	}
	var last error
	for range 3 {
		last = ask(third)
	}
	if !is(last, fault.Limited) || !strings.HasPrefix(fmt.Sprint(last), "organization acme") {
		t.Errorf("over the organization's: got %v, want %q that names it", last, fault.Limited)
	}
	r.clock.add(time.Second)
	if err := ask(h); err != nil {
		t.Errorf("a second later: %v", err)
	}
	r.clock.add(-time.Hour)
	if err := ask(h); err != nil {
		t.Errorf("with the clock set back: %v", err)
	}
}

// TestPending: no more wait for approval than may, those who waited too long are
// forgotten whole, and may register again.
func TestPending(t *testing.T) {
	t.Parallel()
	r := limited(t, func(l *escrow.Limits) { l.PendingClients = 2 })
	ctx := context.Background()
	r.organization("acme", escrow.ApprovalContacts, "")
	r.organization("beta", escrow.ApprovalContacts, "")
	register := func(h *host, org string) error {
		_, err := r.Register(ctx, h.Caller, r.registration(h, org, ""))
		return err
	}
	a, b, c := r.newHost(), r.newHost(), r.newHost()
	if err := errors.Join(register(a, "acme"), register(b, "acme")); err != nil {
		t.Fatal(err)
	}
	if err := register(c, "acme"); !is(err, fault.Quota) {
		t.Errorf("one more: got %v, want %q", err, fault.Quota)
	}
	if err := register(a, "acme"); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := register(r.newHost(), "beta"); err != nil {
		t.Errorf("another organization: %v", err)
	}
	if _, err := r.EnableClient(ctx, operator(), a.fingerprint()); err != nil {
		t.Fatal(err)
	}
	if err := register(c, "acme"); err != nil {
		t.Errorf("after one was approved: %v", err)
	}
	r.clock.add(14*24*time.Hour + time.Second)
	r.stop()
	r.start() // it looks for them at once, and then every minute
	deadline := time.Now().Add(30 * time.Second)
	for r.count(`SELECT count(*) FROM clients WHERE state = 1`) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("pending clients are still there")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := r.Self(ctx, b.Caller); !is(err, fault.Unauthenticated) {
		t.Errorf("who waited too long: got %v, want %q", err, fault.Unauthenticated)
	}
	if _, err := r.Self(ctx, a.Caller); err != nil {
		t.Errorf("who was approved: %v", err)
	}
	if err := register(b, "acme"); err != nil {
		t.Errorf("registering again: %v", err)
	}
	expired := 0
	for _, e := range r.chain() {
		if e.Action == "client.expire" && e.Actor == "ktsd" && e.Outcome == escrow.OutcomeOK {
			expired++
		}
	}
	if expired != 3 {
		t.Errorf("got %d events of expiry, want 3", expired)
	}
}

// TestClockBack: a clock that is set back an hour breaks nothing, and brings
// nothing back. It is the clock of the domain that is set, as ktsd itself cannot be
// given another one than its host has: libfaketime takes the place of the C library's
// calls, which a Go program does not use, and a time namespace has no wall clock of
// its own (time_namespaces(7)).
func TestClockBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.put(h, 1, "h", "first")
	r.put(h, 2, "gone", "x")
	if _, err := r.Delete(ctx, h.Caller, id(2)); err != nil {
		t.Fatal(err)
	}
	r.clock.add(-time.Hour)
	if d := r.put(h, 3, "h", "second"); d.Version != 2 {
		t.Errorf("got version %d, want 2", d.Version)
	}
	r.get(h, escrow.Selector{Handle: "h"}, "second", "")
	r.get(h, escrow.Selector{Handle: "gone"}, "", fault.NotFound)
	if _, err := r.Purge(ctx, h.Caller, id(2)); !is(err, fault.Conflict) {
		t.Errorf("Purge: got %v, want %q", err, fault.Conflict)
	}
	next := r.newHost()
	if _, err := r.Register(ctx, next.Caller, r.registration(next, "acme", "")); err != nil {
		t.Errorf("Register: %v", err)
	}
	if _, _, err := r.DisableClient(ctx, operator(), h.fingerprint()); err != nil {
		t.Errorf("DisableClient: %v", err)
	}
	r.stop()
	r.start()
	r.put(next, 1, "h", "after a restart")
	r.chain()
}

// TestUsageOfNewClients: what a client puts in the same group as it registers is
// added to what its organization keeps.
func TestUsageOfNewClients(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	first := r.client("acme")
	for n := range 5 {
		r.put(first, n, "h", "contents")
	}
	h := r.newHost()
	registration := r.registration(h, "acme", "")
	reached := r.store.hold()
	go r.EnableClient(ctx, operator(), alice) // keeps the writer busy
	<-reached
	done := make(chan error, 2)
	go func() { _, err := r.Register(ctx, h.Caller, registration); done <- err }()
	r.until("the registration waits", func() bool { return escrow.Queued(r.Service) == 1 })
	go func() { done <- r.tryPut(h, 77, 10) }()
	r.until("the put waits", func() bool { return escrow.Queued(r.Service) == 2 })
	r.store.open()
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	if got := r.count(`SELECT deposits FROM usage WHERE holder = 'organization/acme'`); got != 6 {
		t.Errorf("the organization is said to keep %d deposits, want 6", got)
	}
	if got := r.count(`SELECT deposits FROM usage WHERE holder = $1`, "client/"+h.fingerprint()); got != 1 {
		t.Errorf("the client is said to keep %d deposits, want 1", got)
	}
}

// TestTooFastIsSummed: who asks too often, or registers again and again, does not
// fill the audit log, and the summary names it.
func TestTooFastIsSummed(t *testing.T) {
	t.Parallel()
	r := limited(t, func(l *escrow.Limits) { l.ClientRate = 5 })
	ctx := context.Background()
	h := r.client("acme")
	registration := r.registration(h, "acme", "")
	before, taken := len(r.chain()), 0
	for range 300 {
		if _, _, err := r.List(ctx, h.Caller, escrow.ListQuery{}); err == nil {
			taken++
		}
		if _, err := r.Register(ctx, h.Caller, registration); err == nil {
			taken++
		}
		if _, err := r.Self(ctx, h.Caller); err == nil {
			taken++
		}
	}
	r.stop()
	events := r.chain()[before:]
	if taken > 5 || len(events) > 20 {
		t.Errorf("%d of 900 requests were taken and %d events audited, want at most 5 and few", taken, len(events))
	}
	last := events[len(events)-1]
	if last.Action != "refusals.summary" || last.Object != string(h.fingerprint()) || !strings.Contains(last.Detail, "client.register limited") {
		t.Errorf("the last event is %+v, want a summary of the client's", last)
	}
	r.start()
}

// TestUnknownIsNotSummed: what may have been done has a record of its own, however
// much of that there is.
func TestUnknownIsNotSummed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.stop()
	r.patience = escrow.Patience{Turn: 2 * time.Second, End: 100 * time.Millisecond}
	r.start()
	h := r.client("acme")
	reached := r.store.hold()
	const puts = 20
	errs := make(chan error)
	go func() { errs <- r.tryPut(h, 0, 10) }()
	<-reached
	for n := 1; n < puts; n++ {
		go func() { errs <- r.tryPut(h, n, 10) }()
	}
	r.until("the others wait", func() bool { return escrow.Queued(r.Service) == puts-1 })
	r.store.set(func(s *tapStore) { // the next group waits too, with all others in it
		first := s.gate
		s.gate = make(chan struct{})
		close(first)
	})
	unknown := 0
	for range puts {
		if is(<-errs, fault.OutcomeUnknown) {
			unknown++
		}
	}
	told := 0
	for _, e := range r.chain() {
		if e.Action == "deposit.put" && e.Outcome == escrow.OutcomeFailed && e.Detail == string(fault.OutcomeUnknown) {
			told++
		}
	}
	r.store.open()
	if told != unknown || unknown < puts/2 {
		t.Errorf("%d puts have an unknown outcome, and %d records say so; want most, and a record for each", unknown, told)
	}
}
