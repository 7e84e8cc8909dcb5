package escrow_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

const week = 7 * 24 * time.Hour

// TestPurge: contents go a week after they were deleted and no moment sooner; what
// stays is a tombstone, whose UUID and version are never used again.
func TestPurge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	put := escrow.NewDeposit{UUID: id(1), Handle: "h", Contents: []byte("contents")}
	r.put(h, 1, "h", "contents")
	purge := func(id escrow.UUID, want fault.Kind) escrow.Deposit {
		t.Helper()
		d, err := r.Purge(ctx, h.Caller, id)
		if !is(err, want) {
			t.Errorf("Purge: got %v, want %q", err, want)
		}
		return d
	}
	purge(id(1), fault.Conflict) // not deleted
	purge(id(2), fault.NotFound)
	if _, err := r.Delete(ctx, h.Caller, id(1)); err != nil {
		t.Fatal(err)
	}
	deleted := r.clock.Now()
	purge(id(1), fault.Conflict)
	r.clock.set(micro(deleted).Add(week - time.Microsecond))
	purge(id(1), fault.Conflict)
	r.clock.set(micro(deleted).Add(week))
	for range 2 {
		if d := purge(id(1), ""); d.Purged.IsZero() || d.Deleted.IsZero() {
			t.Errorf("purged: got %+v", d)
		}
	}
	if _, err := r.Undelete(ctx, h.Caller, id(1)); !is(err, fault.Gone) {
		t.Errorf("Undelete: got %v, want %q", err, fault.Gone)
	}
	if _, err := r.Delete(ctx, h.Caller, id(1)); err != nil {
		t.Errorf("Delete: %v", err)
	}
	for _, sel := range []escrow.Selector{{UUID: id(1)}, {Handle: "h"}, {Handle: "h", Version: 1}} {
		r.get(h, sel, "", fault.Gone)
	}
	if _, err := r.Put(ctx, h.Caller, put); !is(err, fault.Gone) {
		t.Errorf("the same put again: got %v, want %q", err, fault.Gone)
	}
	if d := r.put(h, 2, "h", "contents"); d.Version != 2 {
		t.Errorf("the next version: got %d, want 2", d.Version)
	}
	if got := r.count(`SELECT count(*) FROM deposits WHERE uuid = $1 AND length(contents) = 0 AND length(data_key) = 0`, id(1)); got != 1 {
		t.Errorf("sealed bytes of the tombstone are still there")
	}
	r.get(h, escrow.Selector{Handle: "h"}, "contents", "")
}

// TestPurgeNow: the operator does not wait, but says why, and purges nothing that
// its client did not delete.
func TestPurgeNow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.put(h, 1, "h", "contents")
	purge := func(id escrow.UUID, reason string, want fault.Kind) {
		t.Helper()
		d, err := r.PurgeNow(ctx, operator(), h.fingerprint(), id, reason)
		if !is(err, want) || (want == "") != (!d.Purged.IsZero()) {
			t.Errorf("PurgeNow for %.20q: got %+v, %v, want %q", reason, d, err, want)
		}
	}
	purge(id(1), "ticket 12", fault.Conflict)
	if _, err := r.Delete(ctx, h.Caller, id(1)); err != nil {
		t.Fatal(err)
	}
	for _, reason := range []string{"", strings.Repeat("x", 256), "a\nb", "\xff"} {
		purge(id(1), reason, fault.Invalid)
	}
	purge(id(2), "ticket 12", fault.NotFound)
	purge(id(1), "ticket 12", "")
	purge(id(1), "ticket 12", "")
	r.get(h, escrow.Selector{UUID: id(1)}, "", fault.Gone)
	for _, e := range r.chain() {
		if e.Action == "deposit.purge-now" && e.Outcome == escrow.OutcomeOK {
			if e.Detail != "ticket 12" || e.Object != string(id(1)) || e.Actor != "operator uid 0" || e.Organization != "acme" {
				t.Errorf("audited as %+v", e)
			}
			return
		}
	}
	t.Error("no event tells of it")
}

// TestThief: who stole a certificate can delete everything and purge nothing; once
// the certificate is revoked, its owner brings all of it back with another.
func TestThief(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	const n = 20
	for i := range n {
		r.put(h, i, escrow.Handle(fmt.Sprintf("h%d", i%5)), fmt.Sprintf("contents %d", i))
	}
	thief := h.Caller
	for i := range n {
		if _, err := r.Delete(ctx, thief, id(i)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Purge(ctx, thief, id(i)); !is(err, fault.Conflict) {
			t.Errorf("Purge: got %v, want %q", err, fault.Conflict)
		}
	}
	next := *h
	next.Caller.Certificate = r.newKey()
	if _, err := r.Register(ctx, next.Caller, r.registration(&next, "acme", "")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.RevokeCertificate(ctx, operator(), thief.Certificate); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Delete(ctx, thief, id(0)); !is(err, fault.Unauthenticated) {
		t.Errorf("the thief: got %v, want %q", err, fault.Unauthenticated)
	}
	for i := range n {
		if _, err := r.Undelete(ctx, next.Caller, id(i)); err != nil {
			t.Fatal(err)
		}
		r.get(&next, escrow.Selector{UUID: id(i)}, fmt.Sprintf("contents %d", i), "")
	}
}
