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

// refuseChanges has the store refuse every change, as a full disk does.
func (r *rig) refuseChanges() {
	r.store.set(func(s *tapStore) {
		s.refuse = func([]escrow.Mutation) error { return fault.New(fault.Unavailable, "the disk is full") }
	})
}

func (r *rig) takeChanges() { r.store.set(func(s *tapStore) { s.refuse = nil }) }

// out wants the host not to be served, for a reason.
func (r *rig) out(when string, h *host, want fault.Kind) {
	r.Helper()
	ctx := context.Background()
	_, _, getErr := r.Get(ctx, h.Caller, escrow.Selector{Handle: "h"})
	_, putErr := r.Put(ctx, h.Caller, escrow.NewDeposit{UUID: id(99), Handle: "h", Contents: []byte("c")})
	_, _, listErr := r.List(ctx, h.Caller, escrow.ListQuery{})
	for request, err := range map[string]error{"get": getErr, "list": listErr, "admit": r.Admit(ctx, h.Caller)} {
		if !is(err, want) {
			r.Errorf("%s: %s: got %v, want %q", when, request, err, want)
		}
	}
	if !is(putErr, want) && !is(putErr, fault.Unavailable) {
		r.Errorf("%s: put: got %v, want %q", when, putErr, want)
	}
}

// merged waits until the database has what the deny list had.
func (r *rig) merged() {
	r.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for len(r.deny.Denials()) > 0 {
		if time.Now().After(deadline) {
			r.Fatalf("the deny list still holds %+v", r.deny.Denials())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestTakenAwayWithoutStore: while the store takes no change, clients, certificates
// and contacts are out all the same, from the next request on and after a restart;
// once it takes changes again it is told, and audited, and the list is empty.
func TestTakenAwayWithoutStore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	disabled, revoked, served := r.client("acme"), r.client("acme"), r.client("acme")
	for n, h := range []*host{disabled, revoked, served} {
		r.put(h, n, "h", "contents")
	}
	if err := r.AddContacts(ctx, operator(), "acme", []string{"a@x", "b@x"}); err != nil {
		t.Fatal(err)
	}
	r.refuseChanges()
	here := escrow.Reach{Node: node}
	client, reach, err := r.DisableClient(ctx, operator(), disabled.fingerprint())
	if err != nil || reach != here || client.State != escrow.ClientDisabled || client.Fingerprint != disabled.fingerprint() {
		t.Errorf("DisableClient: got %+v, in force %+v, %v", client, reach, err)
	}
	cert, reach, err := r.RevokeCertificate(ctx, operator(), revoked.Certificate)
	if err != nil || reach != here || cert.Retired.IsZero() {
		t.Errorf("RevokeCertificate: got %+v, in force %+v, %v", cert, reach, err)
	}
	if reach, err := r.RemoveContact(ctx, operator(), "acme", "a@x"); err != nil || reach != here {
		t.Errorf("RemoveContact: in force %+v, %v", reach, err)
	}
	check := func(when string) {
		t.Helper()
		r.out(when, disabled, fault.Disabled)
		r.out(when, revoked, fault.Unauthenticated)
		r.get(served, escrow.Selector{Handle: "h"}, "contents", "")
		if got := r.contacts("acme"); got != "b@x" {
			t.Errorf("%s: got contacts %q, want b@x", when, got)
		}
		clients, err := r.Clients(ctx, operator(), "acme")
		for _, c := range clients {
			if want := c.Fingerprint == disabled.fingerprint(); (c.State == escrow.ClientDisabled) != want {
				t.Errorf("%s: client %s is %s (%v)", when, c.Fingerprint, c.State, err)
			}
		}
		if list, err := r.ClientCertificates(ctx, operator(), revoked.fingerprint()); err != nil || list[0].Retired.IsZero() {
			t.Errorf("%s: certificates: got %+v, %v", when, list, err)
		}
	}
	check("at once")
	if got := len(r.deny.Denials()); got != 3 {
		t.Errorf("the deny list has %d denials, want 3", got)
	}
	r.crash()
	r.start()
	r.refuseChanges() // perhaps a moment late: then it was merged
	check("after a crash")
	r.takeChanges()
	r.merged()
	check("merged")
	if n := r.count(`SELECT count(*) FROM clients WHERE state = 3`) + r.count(`SELECT count(*) FROM certificates WHERE retired IS NOT NULL`); n != 2 {
		t.Errorf("the database has %d of 2", n)
	}
	r.stop() // everything is in the chain
	told := map[string]bool{}
	for _, e := range r.chain() {
		if e.Outcome == escrow.OutcomeOK && strings.Contains(e.Detail, "taken away at") && e.Actor == "operator uid 0" {
			told[e.Action] = true
		}
	}
	if len(told) != 3 {
		t.Errorf("audited with the operator's name: %v, want all three", told)
	}
	r.start()
	check("after a restart")
}

// TestTakenAwayWithoutAudit: nor does it wait for an audit log that cannot be
// written; it is audited once it can be.
func TestTakenAwayWithoutAudit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.auditor.failing.Store(true)
	if _, _, err := r.Get(ctx, h.Caller, escrow.Selector{Handle: "h"}); !is(err, fault.Unavailable) && !is(err, fault.NotFound) {
		t.Fatalf("Get: %v", err)
	}
	if _, reach, err := r.DisableClient(ctx, operator(), h.fingerprint()); err != nil || reach.Everywhere {
		t.Errorf("DisableClient: in force %+v, %v", reach, err)
	}
	r.auditor.failing.Store(false)
	r.merged()
	r.out("merged", h, fault.Disabled)
}

// TestTakenAwayUnknown: a commit whose outcome nobody knows does not leave it open
// whether somebody has access.
func TestTakenAwayUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.store.set(func(s *tapStore) { s.lose = func([]escrow.Mutation) error { return errDisk } })
	if _, reach, err := r.DisableClient(ctx, operator(), h.fingerprint()); err != nil || reach.Everywhere {
		t.Errorf("DisableClient: in force %+v, %v", reach, err)
	}
	if err := r.Admit(ctx, h.Caller); !is(err, fault.Disabled) {
		t.Errorf("Admit: got %v, want %q", err, fault.Disabled)
	}
	r.crash()
	r.start()
	r.out("after the restart", h, fault.Disabled)
	r.merged()
	r.out("merged", h, fault.Disabled)
}

// TestTakenAwayWithoutAnything: even without a place for the deny list it is in
// force, until the process ends, and the operator is told so.
func TestTakenAwayWithoutAnything(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.refuseChanges()
	r.deny.failing.Store(true)
	_, _, err := r.DisableClient(ctx, operator(), h.fingerprint())
	if !is(err, fault.Unavailable) || !errors.Is(err, errDisk) || !strings.Contains(fmt.Sprint(err), "only until ktsd ends") {
		t.Errorf("DisableClient: got %v, want that it is in force only until ktsd ends", err)
	}
	r.out("not kept", h, fault.Disabled)
	r.takeChanges()
	deadline := time.Now().Add(30 * time.Second)
	for r.count(`SELECT count(*) FROM clients WHERE state = 3`) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the database was not told")
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.out("merged", h, fault.Disabled)
}

// TestEnabledAgain: who is enabled again is in at once, also when the database was
// never told of the denial.
func TestEnabledAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.put(h, 1, "h", "contents")
	r.refuseChanges()
	if _, _, err := r.DisableClient(ctx, operator(), h.fingerprint()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.EnableClient(ctx, operator(), h.fingerprint()); !is(err, fault.Unavailable) {
		t.Errorf("EnableClient without a store: got %v, want %q", err, fault.Unavailable)
	}
	r.out("still", h, fault.Disabled)
	r.takeChanges()
	if _, err := r.EnableClient(ctx, operator(), h.fingerprint()); err != nil {
		t.Fatal(err)
	}
	r.get(h, escrow.Selector{Handle: "h"}, "contents", "")
	if list := r.deny.Denials(); len(list) > 0 {
		t.Errorf("the deny list still holds %+v", list)
	}
}

// TestNobodyElseTakesAway: what is not the operator's leaves no denial.
func TestNobodyElseTakesAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.refuseChanges()
	_, _, disable := r.DisableClient(ctx, h.Caller, h.fingerprint())
	_, _, revoke := r.RevokeCertificate(ctx, escrow.Caller{}, h.Certificate)
	_, remove := r.RemoveContact(ctx, escrow.Caller{UID: 1000, Source: "socket"}, "acme", "a@x")
	for _, err := range []error{disable, revoke, remove} {
		if !is(err, fault.NotFound) {
			t.Errorf("got %v, want %q", err, fault.NotFound)
		}
	}
	if list := r.deny.Denials(); len(list) > 0 {
		t.Errorf("the deny list holds %+v", list)
	}
}

// TestDisabledWhileEnabled: a disabling that came after an enabling began is in force
// after both, also when the store takes the first and refuses the second.
func TestDisabledWhileEnabled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	if _, _, err := r.DisableClient(ctx, operator(), h.fingerprint()); err != nil {
		t.Fatal(err)
	}
	reached := r.store.hold()
	enabled, disabled := make(chan error, 1), make(chan error, 1)
	go func() { _, err := r.EnableClient(ctx, operator(), h.fingerprint()); enabled <- err }()
	<-reached
	go func() { _, _, err := r.DisableClient(ctx, operator(), h.fingerprint()); disabled <- err }()
	r.until("the denial is noted", func() bool { return len(r.deny.Denials()) == 1 })
	r.refuseChanges() // what is in the store already is not refused
	r.store.open()
	if err := errors.Join(<-enabled, <-disabled); err != nil {
		t.Fatal(err)
	}
	r.out("after both", h, fault.Disabled)
	r.takeChanges()
	r.merged()
	r.out("merged", h, fault.Disabled)
}

// TestDenyListHangs: access is taken away at once, also while the disk of the deny
// list does not answer, and others can be taken it too.
func TestDenyListHangs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	a, b := r.client("acme"), r.client("acme")
	r.deny.hold.Store(true)
	defer r.deny.hold.Store(false)
	r.store.hold()
	done := make(chan error, 2)
	for _, h := range []*host{a, b} {
		go func() { _, _, err := r.DisableClient(ctx, operator(), h.fingerprint()); done <- err }()
		r.until("it is out", func() bool { return is(r.Admit(ctx, h.Caller), fault.Disabled) })
	}
	r.deny.hold.Store(false)
	r.store.open()
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
}

// TestDenialNotLifted: the database is told once, also where the note cannot be
// removed, which keeps the client out.
func TestDenialNotLifted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.refuseChanges()
	if _, _, err := r.DisableClient(ctx, operator(), h.fingerprint()); err != nil {
		t.Fatal(err)
	}
	r.deny.failLift.Store(true)
	r.takeChanges()
	told := func() (n int) {
		for _, e := range r.chain() {
			if e.Action == "client.disable" && e.Outcome == escrow.OutcomeOK {
				n++
			}
		}
		return n
	}
	r.until("the database was told", func() bool { return told() > 0 })
	time.Sleep(2500 * time.Millisecond) // two more times that it could be told
	if n := told(); n != 1 {
		t.Errorf("the database was told %d times, want once", n)
	}
	r.out("not lifted", h, fault.Disabled)
}

// TestDisabledEditedRow: who is disabled while its row is not authentic stays out on
// this node, whoever mends the row.
func TestDisabledEditedRow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.edit(`UPDATE clients SET mac = NULL`)
	if _, _, err := r.DisableClient(ctx, operator(), h.fingerprint()); !is(err, fault.Corrupt) {
		t.Errorf("DisableClient: got %v, want %q", err, fault.Corrupt)
	}
	r.resign()
	r.out("mended", h, fault.Disabled)
	r.merged()
	r.out("merged", h, fault.Disabled)
}

// TestRevokedWhilePending: a key that was revoked is not free again when its client,
// which waited for approval, is forgotten.
func TestRevokedWhilePending(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.organization("acme", escrow.ApprovalContacts, "")
	h := r.newHost()
	if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", "")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.RevokeCertificate(ctx, operator(), h.Certificate); err != nil {
		t.Fatal(err)
	}
	r.clock.add(15 * 24 * time.Hour)
	r.stop()
	r.start()
	r.until("it does not wait any more", func() bool { return r.count(`SELECT count(*) FROM clients WHERE state = 1`) == 0 })
	if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", "")); !is(err, fault.Conflict) {
		t.Errorf("Register: got %v, want %q", err, fault.Conflict)
	}
}

// TestExpiryGoesOn: one pending client whose row is not authentic keeps no other from
// being forgotten.
func TestExpiryGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.organization("acme", escrow.ApprovalContacts, "")
	first, second := r.newHost(), r.newHost()
	for _, h := range []*host{first, second} {
		if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", "")); err != nil {
			t.Fatal(err)
		}
		r.clock.add(time.Second)
	}
	if _, _, err := r.RevokeCertificate(ctx, operator(), first.Certificate); err != nil {
		t.Fatal(err)
	}
	r.edit(`UPDATE clients SET mac = NULL WHERE fingerprint = $1`, first.fingerprint())
	r.clock.add(15 * 24 * time.Hour)
	r.stop()
	r.start()
	r.until("the second is forgotten", func() bool {
		return r.count(`SELECT count(*) FROM clients WHERE fingerprint = $1`, second.fingerprint()) == 0
	})
}
