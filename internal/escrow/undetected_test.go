package escrow_test

import (
	"context"
	"testing"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// TestDeletedRow: what is documented as not detected: a row that is gone. What came
// before it takes its place.
func TestDeletedRow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 1, "h", "the first")
	r.put(h, 2, "h", "the second")
	r.edit(`DELETE FROM deposits WHERE version = 2`)
	r.get(h, escrow.Selector{Handle: "h"}, "the first", "") // if that is detected now, docs/security.md says otherwise
	r.get(h, escrow.Selector{Handle: "h", Version: 2}, "", fault.NotFound)
}

// TestEditedMarks: what is documented as not detected: that a deposit was deleted is
// not under its seal. Whoever writes to the database can say so or not, and gets
// nothing to see by it.
func TestEditedMarks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 1, "h", "contents")
	r.edit(`UPDATE deposits SET deleted = 1`)
	r.get(h, escrow.Selector{Handle: "h"}, "", fault.NotFound)
	r.edit(`UPDATE deposits SET deleted = NULL`)
	r.get(h, escrow.Selector{Handle: "h"}, "contents", "")
	r.edit(`UPDATE deposits SET purged = 1`)
	r.get(h, escrow.Selector{Handle: "h"}, "", fault.Gone)
}

// TestStolenIdentity: whoever has a client's OpenPGP key can bind a TLS key to it,
// with the organization's code where it goes by one, without anybody's approval
// otherwise; and not once the client is disabled.
func TestStolenIdentity(t *testing.T) {
	t.Parallel()
	for approval, code := range map[escrow.Approval]string{escrow.ApprovalAuthCode: "the code", escrow.ApprovalContacts: "", escrow.ApprovalAutomatic: ""} {
		t.Run(string(approval), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			ctx := context.Background()
			r.organization("acme", approval, names.Secret(code))
			h := r.newHost()
			if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", names.Secret(code))); err != nil {
				t.Fatal(err)
			}
			if _, err := r.EnableClient(ctx, operator(), h.fingerprint()); err != nil {
				t.Fatal(err)
			}
			r.put(h, 1, "h", "contents")
			another := func() *host {
				thief := &host{Caller: h.Caller, key: h.key}
				thief.Certificate = r.newKey()
				return thief
			}

			thief := another()
			if code != "" {
				if _, err := r.Register(ctx, thief.Caller, r.registration(thief, "acme", "a guess")); !is(err, fault.Denied) {
					t.Errorf("without the code: got %v, want %q", err, fault.Denied)
				}
			}
			if _, err := r.Register(ctx, thief.Caller, r.registration(thief, "acme", names.Secret(code))); err != nil {
				t.Errorf("Register: %v; if that is refused now, docs/security.md says otherwise", err)
			}
			r.get(thief, escrow.Selector{Handle: "h"}, "contents", "")

			if _, _, err := r.DisableClient(ctx, operator(), h.fingerprint()); err != nil {
				t.Fatal(err)
			}
			r.get(thief, escrow.Selector{Handle: "h"}, "", fault.Disabled)
			late := another()
			if _, err := r.Register(ctx, late.Caller, r.registration(late, "acme", names.Secret(code))); !is(err, fault.Disabled) {
				t.Errorf("once it is disabled: got %v, want %q", err, fault.Disabled)
			}
		})
	}
}
