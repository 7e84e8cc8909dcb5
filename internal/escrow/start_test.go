package escrow_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/seal"
)

// TestKEKCheck: a service starts only with every generation that the database
// names, and each the very key.
func TestKEKCheck(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 1, "h", "contents")
	right := r.ring
	refused := func(ring *seal.Ring, want string) {
		t.Helper()
		r.stop()
		r.ring = ring
		err := r.tryStart()
		if !is(err, fault.Unavailable) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("Start: got %v, want %q with %q", err, fault.Unavailable, want)
		}
		r.auditor.Log.Close()
		r.ring = right
		r.start()
		r.get(h, escrow.Selector{UUID: id(1)}, "contents", "")
	}
	other := seal.NewRing(time.Now())
	refused(other, "generation 1 of the key-encryption key in the KEK ring is not the key")
	later := seal.NewRing(time.Now())
	later.Current, later.KEKs[0].Generation = 2, 2
	refused(later, "names generation 1 of the key-encryption key, which is not in the KEK ring")

	both := *right
	both.Current, both.KEKs = 2, append(both.KEKs[:1:1], later.KEKs...)
	r.stop()
	r.ring = &both
	r.start()
	r.get(h, escrow.Selector{UUID: id(1)}, "contents", "")
	if d := r.put(h, 2, "h", "sealed with the second"); d.Sealed.Generation != 2 {
		t.Errorf("got generation %d, want the current one, 2", d.Sealed.Generation)
	}
	keks, err := r.store.KEKs(context.Background())
	if err != nil || len(keks) != 2 || bytes.Equal(keks[1], keks[2]) {
		t.Errorf("got generations %v, %v in the database, want two", keks, err)
	}
	r.stop()
	r.ring = right
	if err := r.tryStart(); !is(err, fault.Unavailable) {
		t.Errorf("Start without the second generation, which is in use: got %v, want %q", err, fault.Unavailable)
	}
}

// TestStartWhileAuditFails: a start whose chain cannot be written serves nothing
// until it can, and loses no record.
func TestStartWhileAuditFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.auditor.failing.Store(true)
	r.put(h, 1, "h", "one")
	r.crash()
	r.auditFailsAtStart = true
	r.start()
	r.refusesAll(h)
	r.auditor.failing.Store(false)
	r.until("changes are made again", func() bool { return r.Ready(context.Background()) == nil })
	if got := putsIn(r.chain()); len(got) != 1 || got[0] != "ok 1" {
		t.Errorf("got %v in the chain, want one put", got)
	}
	r.get(h, escrow.Selector{UUID: id(1)}, "one", "")
}
