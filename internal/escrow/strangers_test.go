package escrow_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// summariesIn returns source and detail of the summaries in a chain, and how many
// refusals have records of their own.
func summariesIn(events []escrow.Record) (summaries []string, single int) {
	for _, e := range events {
		switch {
		case e.Action == "refusals.summary":
			summaries = append(summaries, e.Source+": "+e.Detail)
			if e.Actor != "ktsd" || e.Outcome != escrow.OutcomeRefused {
				summaries = append(summaries, fmt.Sprintf("by %s, %s", e.Actor, e.Outcome))
			}
		case e.Outcome != escrow.OutcomeOK:
			single++
		}
	}
	return summaries, single
}

// span is the time of refusals as a summary tells it.
func span(from, to time.Time) string {
	return from.UTC().Format("15:04:05Z") + " to " + to.UTC().Format("15:04:05Z")
}

// TestStrangers: refusals of strangers are told singly up to five of a source and a
// minute, the rest by a sum, whatever is wrong with their requests; those of
// clients each have a record.
func TestStrangers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	ctx := context.Background()
	before := len(r.chain())
	began := r.clock.Now()
	stranger := r.newHost()
	bad := r.registration(stranger, "acme", "")
	bad.Signature = bad.Signature[:len(bad.Signature)-1]
	for i := range 20 {
		for range 10 {
			if _, _, err := r.Get(ctx, stranger.Caller, escrow.Selector{UUID: id(i)}); !is(err, fault.Unauthenticated) {
				t.Fatalf("a stranger's read: got %v, want %q", err, fault.Unauthenticated)
			}
		}
		caller := stranger.Caller
		caller.Source = fmt.Sprintf("2001:db8::%x", i+1) // one network
		if _, err := r.Register(ctx, caller, bad); !is(err, fault.Invalid) {
			t.Fatalf("a stranger's registration: got %v, want %q", err, fault.Invalid)
		}
		r.get(h, escrow.Selector{UUID: id(i)}, "", fault.NotFound)
		r.clock.add(time.Second)
	}
	if summaries, single := summariesIn(r.chain()[before:]); len(summaries) != 0 || single != 5+5+20 {
		t.Errorf("within the minute: got %d records and summaries %q, want 30 and none", single, summaries)
	}
	r.clock.add(time.Minute)
	r.until("there is a summary", func() bool { s, _ := summariesIn(r.chain()); return len(s) > 0 })
	want := []string{
		"192.0.2.7: 195 refused from " + span(began, began.Add(19*time.Second)) + ": deposit.get unauthenticated ×195",
		"2001:db8::/64: 15 refused from " + span(began.Add(5*time.Second), began.Add(19*time.Second)) + ": client.register invalid ×15",
	}
	got, _ := summariesIn(r.chain())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summaries (-want +got):\n%s", diff)
	}
	if got := r.Health().Summarized; got != 210 {
		t.Errorf("refusals summed up: got %d, want 210", got)
	}
	time.Sleep(1200 * time.Millisecond)
	if got, _ := summariesIn(r.chain()); len(got) != 2 {
		t.Errorf("a minute without refusals: got %q, want no summary more", got)
	}
	for range 7 { // the last minute is told at the end
		_ = r.PermitHost(escrow.Caller{Source: "192.0.2.8"}, "host.metrics")
	}
	r.stop()
	got, _ = summariesIn(r.chain())
	if len(got) != 3 || !strings.HasSuffix(got[2], ": host.metrics denied ×2") {
		t.Errorf("at the end: got %q, want a summary of 2 more", got)
	}
}

// TestManySources: what a flood from very many addresses adds is bounded, and
// everything is counted.
func TestManySources(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	before, size := len(r.chain()), len(r.chainBytes())
	const sources, each = 3000, 3
	for i := range sources {
		for range each {
			_ = r.PermitHost(escrow.Caller{Source: fmt.Sprintf("10.0.%d.%d", i/200, i%200)}, "host.metrics")
		}
	}
	for range 100 {
		_ = r.PermitHost(escrow.Caller{Source: "10.0.0.1"}, "host.metrics")
	}
	r.stop()
	events := r.chain()[before:]
	summaries, single := summariesIn(events)
	if single != 50 || len(summaries) != 21 {
		t.Fatalf("got %d records and %d summaries, want 50 and 21", single, len(summaries))
	}
	if !strings.HasPrefix(summaries[0], "10.0.0.1: 100 refused") {
		t.Errorf("got %q first, want the loudest source", summaries[0])
	}
	if others := summaries[20]; !strings.HasPrefix(others, "others: ") || !strings.Contains(others, " of more than 98") {
		t.Errorf("got %q last, want the others", others)
	}
	total := single
	for _, s := range summaries {
		var n int
		fmt.Sscanf(s[strings.Index(s, ": ")+2:], "%d refused", &n)
		total += n
	}
	if total != sources*each+100 {
		t.Errorf("got %d refusals told, want %d", total, sources*each+100)
	}
	if grown := len(r.chainBytes()) - size; grown > 50<<10 {
		t.Errorf("%d refusals took %d bytes", total, grown)
	}
}

// TestClockSetBack: a minute that the clock takes back ends all the same.
func TestSummaryWithClockSetBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 9 {
		_ = r.PermitHost(escrow.Caller{Source: "192.0.2.8"}, "host.metrics")
	}
	r.clock.add(-time.Hour)
	r.until("there is a summary", func() bool { s, _ := summariesIn(r.chain()); return len(s) == 1 })
}

// TestSummaryWaits: while nothing can be chained refusals are counted on, and told
// once something can.
func TestSummaryWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	refuse := func() { _ = r.PermitHost(escrow.Caller{Source: "192.0.2.8"}, "host.metrics") }
	for range 8 {
		refuse()
	}
	r.auditor.failing.Store(true)
	_ = r.PermitHost(escrow.Caller{Source: "192.0.2.9"}, "host.metrics") // meets the failure
	r.clock.add(time.Hour)
	time.Sleep(1200 * time.Millisecond)
	for range 2 {
		refuse()
	}
	r.auditor.failing.Store(false)
	r.until("there is a summary", func() bool { s, _ := summariesIn(r.chain()); return len(s) == 1 })
	if got, _ := summariesIn(r.chain()); !strings.Contains(got[0], "192.0.2.8: 5 refused") {
		t.Errorf("got %q, want all that were counted", got)
	}
}

// TestLowWater: below the mark changes are refused and reads are served; a flood of
// refused changes adds nothing but a sum; above it all is as before.
func TestLowWater(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.put(h, 1, "h", "one")
	before := len(r.chain())
	r.auditor.space.Store(&escrow.Space{Free: 200 << 20, Mark: 256 << 20, Reserve: 64 << 20, Low: true})
	for range 50 {
		_, err := r.Put(ctx, h.Caller, escrow.NewDeposit{UUID: id(2), Handle: "h", Contents: []byte("two")})
		if !is(err, fault.Unavailable) || !strings.Contains(err.Error(), "the audit log's disk has 200 MB free; changes stop below 256 MB, reads go on") {
			t.Fatalf("a put: got %v, want that the disk is nearly full", err)
		}
	}
	if err := r.AddContacts(ctx, operator(), "acme", []string{"a@x"}); !is(err, fault.Unavailable) {
		t.Errorf("the operator's change: got %v, want %q", err, fault.Unavailable)
	}
	r.get(h, escrow.Selector{UUID: id(1)}, "one", "")
	r.get(h, escrow.Selector{UUID: id(9)}, "", fault.NotFound)
	if err := r.Ready(ctx); !is(err, fault.Unavailable) {
		t.Errorf("Ready: got %v, want %q", err, fault.Unavailable)
	}
	if got := r.Health(); got.Audit != nil || got.Store != nil {
		t.Errorf("Health: got %+v, want both well", got)
	}
	events := r.chain()[before:]
	if len(events) != 1 || events[0].Action != "deposit.get" || events[0].Outcome != escrow.OutcomeOK {
		t.Errorf("got %+v in the chain, want nothing but the read that was served", events)
	}
	r.until("the alarm is raised", func() bool { return strings.Contains(r.log.String(), "nearly full") })
	time.Sleep(2200 * time.Millisecond)
	if got := strings.Count(r.log.String(), "nearly full: changes are refused"); got != 1 {
		t.Errorf("the alarm was raised %d times, want once", got)
	}
	r.auditor.space.Store(nil)
	r.put(h, 2, "h", "two")
	if err := r.Ready(ctx); err != nil {
		t.Errorf("Ready with room again: got %v", err)
	}
	r.until("the alarm ends", func() bool { return strings.Contains(r.log.String(), "has room again") })
	r.stop()
	got, single := summariesIn(r.chain()[before:])
	if single != 0 || len(got) != 3 || !strings.Contains(got[0], ": deposit.put unavailable ×50") ||
		!strings.Contains(got[1], ": deposit.get not_found ×1") || !strings.HasPrefix(got[2], "socket: 1 refused") {
		t.Errorf("got %d records and summaries %q, want none and all refusals summed up", single, got)
	}
}
