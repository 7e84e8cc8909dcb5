package escrow_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// remove removes an organization, which must succeed.
func (r *rig) remove(org escrow.OrgName, deposits int64) {
	r.Helper()
	if err := r.RemoveOrganization(context.Background(), operator(), org, deposits); err != nil {
		r.Fatalf("removing %s with %d deposits: %v", org, deposits, err)
	}
}

// holds checks what an organization holds.
func (r *rig) holds(org escrow.OrgName, want escrow.Holding) {
	r.Helper()
	got, err := r.Holding(context.Background(), operator(), org)
	if err != nil || got != want {
		r.Errorf("%s holds %+v (%v), want %+v", org, got, err, want)
	}
}

// TestRemoveOrganization: it goes with all below it, if the operator knows how much
// that is, and nothing of another one does. What is made under its name begins with
// nothing, also for the same client.
func TestRemoveOrganization(t *testing.T) {
	t.Parallel()
	r := limited(t, func(l *escrow.Limits) { l.ClientDeposits, l.OrganizationDeposits = 3, 3 })
	ctx := context.Background()
	h, other, bystander := r.client("acme"), r.client("acme"), r.client("beta")
	if err := r.AddContacts(ctx, operator(), "acme", []string{"a@x"}); err != nil {
		t.Fatal(err)
	}
	for n, contents := range []string{"one", "two", "three"} {
		r.put(h, n, "h", contents)
	}
	r.put(bystander, 1, "h", "a bystander's")
	if _, err := r.Delete(ctx, h.Caller, id(0)); err != nil {
		t.Fatal(err)
	}
	r.holds("acme", escrow.Holding{Clients: 2, Deposits: 3, Bytes: 11})
	if _, err := r.PurgeNow(ctx, operator(), h.fingerprint(), id(0), "a test"); err != nil {
		t.Fatal(err)
	}
	r.holds("acme", escrow.Holding{Clients: 2, Deposits: 2, Bytes: 8})

	for _, wrong := range []int64{0, 1, 3, -1, 1 << 62} {
		err := r.RemoveOrganization(ctx, operator(), "acme", wrong)
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Conflict || !strings.Contains(f.Message, "holds 2 deposits of 2 clients") {
			t.Errorf("with %d deposits: got %v, want %q that tells of 2", wrong, err, fault.Conflict)
		}
	}
	for who, c := range map[string]escrow.Caller{"a client of its own": h.Caller, "nobody": {}, "another account": {UID: 1000, Source: "socket"}} {
		_, held := r.Holding(ctx, c, "acme")
		for _, err := range []error{
			held, r.RemoveOrganization(ctx, c, "acme", 2), r.SetManagement(ctx, c, "acme", escrow.ManagedByFile), r.SetExpiration(ctx, c, "acme", r.clock.Now()),
		} {
			if !is(err, fault.NotFound) {
				t.Errorf("%s: got %v, want %q", who, err, fault.NotFound)
			}
		}
	}
	_, held := r.Holding(ctx, operator(), "none")
	if err := r.RemoveOrganization(ctx, operator(), "none", 0); !is(err, fault.NotFound) || !is(held, fault.NotFound) {
		t.Errorf("one that is not there: got %v and %v, want %q", err, held, fault.NotFound)
	}
	r.get(h, escrow.Selector{UUID: id(1)}, "two", "")

	r.remove("acme", 2)
	for _, host := range []*host{h, other} {
		r.out("removed", host, fault.Unauthenticated)
	}
	if err := r.RemoveOrganization(ctx, operator(), "acme", 2); !is(err, fault.NotFound) {
		t.Errorf("again: got %v, want %q", err, fault.NotFound)
	}
	for _, table := range []string{
		"organizations WHERE name = 'acme'", "clients WHERE organization = 'acme'", "contacts WHERE organization = 'acme'",
		"usage WHERE holder NOT IN ('organization/beta', 'client/" + string(bystander.fingerprint()) + "')",
		"certificates WHERE client NOT IN (SELECT fingerprint FROM clients)", "deposits WHERE client NOT IN (SELECT fingerprint FROM clients)",
	} {
		if n := r.count(`SELECT count(*) FROM ` + table); n > 0 {
			t.Errorf("%d rows are left of %s", n, table)
		}
	}
	r.get(bystander, escrow.Selector{Handle: "h"}, "a bystander's", "")
	r.holds("beta", escrow.Holding{Clients: 1, Deposits: 1, Bytes: 13})

	r.organization("acme", escrow.ApprovalAutomatic, "")
	if got := r.contacts("acme"); got != "" {
		t.Errorf("the new one has contacts %q", got)
	}
	if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", "")); err != nil {
		t.Fatal(err)
	}
	r.holds("acme", escrow.Holding{Clients: 1})
	for _, sel := range []escrow.Selector{{UUID: id(1)}, {Handle: "h"}, {Handle: "h", Version: 1}} {
		r.get(h, sel, "", fault.NotFound)
	}
	if list, more, err := r.List(ctx, h.Caller, escrow.ListQuery{All: true}); err != nil || len(list) > 0 || more {
		t.Errorf("List: got %+v, %v", list, err)
	}
	for n := range 3 { // the quota is its own
		if d := r.put(h, n, "h", "new"); d.Version != int64(n+1) {
			t.Errorf("put %d: got version %d", n, d.Version)
		}
	}
	r.stop()
	r.start()
	r.get(h, escrow.Selector{UUID: id(1)}, "new", "")
	r.out("after a restart", other, fault.Unauthenticated)
}

// TestRemovalRecord: what was removed, and why, is one event of its transaction.
func TestRemovalRecord(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.put(r.client("acme"), 1, "h", "one")
	r.client("acme")
	why := operator()
	why.Reason = `CHG-7: "gone" & forgotten, ü`
	if err := r.RemoveOrganization(ctx, why, "acme", 0); !is(err, fault.Conflict) {
		t.Fatalf("got %v, want %q", err, fault.Conflict)
	}
	if err := r.RemoveOrganization(ctx, why, "acme", 1); err != nil {
		t.Fatal(err)
	}
	want := escrow.Record{Time: micro(r.clock.Now()), Action: "organization.remove", Actor: "operator uid 0", Source: "socket",
		Organization: "acme", Object: "acme", RequestID: "0001", Reason: why.Reason}
	refused, done := want, want
	refused.Outcome, refused.Detail = escrow.OutcomeRefused, "conflict"
	done.Outcome, done.Detail = escrow.OutcomeOK, "deposits 1, clients 2"
	events := r.chain()
	if diff := cmp.Diff([]escrow.Record{refused, done}, events[len(events)-2:], cmpopts.IgnoreFields(escrow.Record{}, "ID")); diff != "" {
		t.Errorf("the last events: (-want +got)\n%s", diff)
	}
}

// TestRemovedKeys: a TLS key that was retired or revoked is never bound again, nor
// once its organization is gone and made anew; one that was in force can be.
func TestRemovedKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	revoked, retired, kept := r.client("acme"), r.client("acme"), r.client("acme")
	if _, _, err := r.RevokeCertificate(ctx, operator(), revoked.Certificate); err != nil {
		t.Fatal(err)
	}
	second := retired.Caller
	second.Certificate = r.newKey()
	if _, err := r.AddCertificate(ctx, retired.Caller, r.another(retired, "acme", second.Certificate)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.RetireCertificate(ctx, second, retired.Certificate); err != nil {
		t.Fatal(err)
	}
	r.remove("acme", 0)
	r.organization("acme", escrow.ApprovalAutomatic, "")
	r.organization("beta", escrow.ApprovalAutomatic, "")
	check := func(when string) {
		t.Helper()
		for _, h := range []*host{revoked, retired} {
			for _, org := range []string{"acme", "beta"} {
				if _, err := r.Register(ctx, h.Caller, r.registration(h, org, "")); !is(err, fault.Conflict) {
					t.Errorf("%s: registering with a retired key in %s: got %v, want %q", when, org, err, fault.Conflict)
				}
			}
			if _, err := r.AddCertificate(ctx, kept.Caller, r.another(kept, "acme", h.Certificate)); !is(err, fault.Conflict) {
				t.Errorf("%s: binding a retired key: got %v, want %q", when, err, fault.Conflict)
			}
			r.out(when, h, fault.Unauthenticated)
		}
	}
	if _, err := r.Register(ctx, kept.Caller, r.registration(kept, "acme", "")); err != nil {
		t.Fatalf("registering with a key that was in force: %v", err)
	}
	check("removed")
	thief := r.newHost()
	thief.Certificate = revoked.Certificate
	if _, err := r.Register(ctx, thief.Caller, r.registration(thief, "acme", "")); !is(err, fault.Conflict) {
		t.Errorf("another client with a revoked key: got %v, want %q", err, fault.Conflict)
	}
	r.stop()
	r.start()
	check("after a restart")
	r.remove("acme", 0)
	r.organization("acme", escrow.ApprovalAutomatic, "")
	if _, err := r.Register(ctx, kept.Caller, r.registration(kept, "acme", "")); err != nil {
		t.Fatal(err)
	}
	check("removed once more")
}

// refuseTakingAway has the store refuse what takes access away, and nothing else.
func (r *rig) refuseTakingAway() {
	r.store.set(func(s *tapStore) {
		s.refuse = func(mutations []escrow.Mutation) error {
			for _, m := range mutations {
				switch m.(type) {
				case escrow.RemoveContact, escrow.RetireCertificate, escrow.SetClientState:
					return fault.New(fault.Unavailable, "the disk is full")
				}
			}
			return nil
		}
	})
}

// TestRemovedWhileDenied: what this node alone knows of those whose access was taken
// away goes with their organization: who is made anew under the same name is let in,
// but for a key that was revoked, which is never bound again.
func TestRemovedWhileDenied(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	disabled, revoked, elsewhere := r.client("acme"), r.client("acme"), r.client("beta")
	if err := r.AddContacts(ctx, operator(), "acme", []string{"a@x"}); err != nil {
		t.Fatal(err)
	}
	r.refuseTakingAway()
	_, _, err1 := r.DisableClient(ctx, operator(), disabled.fingerprint())
	_, _, err2 := r.RevokeCertificate(ctx, operator(), revoked.Certificate)
	_, err3 := r.RemoveContact(ctx, operator(), "acme", "a@x")
	_, _, err4 := r.DisableClient(ctx, operator(), elsewhere.fingerprint())
	if err := errors.Join(err1, err2, err3, err4); err != nil || len(r.deny.Denials()) != 4 {
		t.Fatalf("got %v and denials %+v", err, r.deny.Denials())
	}
	r.remove("acme", 0)
	if list := r.deny.Denials(); len(list) != 1 || list[0].Subject.Name != string(elsewhere.fingerprint()) {
		t.Errorf("the deny list holds %+v, want that of another organization alone", list)
	}
	if _, err := r.CreateOrganization(ctx, operator(), escrow.NewOrganization{Name: "acme", Approval: escrow.ApprovalAutomatic, Contacts: []string{"a@x"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Register(ctx, disabled.Caller, r.registration(disabled, "acme", "")); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		if got := r.contacts("acme"); got != "a@x" {
			t.Errorf("%s: got contacts %q, want the new one", when, got)
		}
		if err := r.Admit(ctx, disabled.Caller); err != nil {
			t.Errorf("%s: the new client: %v", when, err)
		}
		if _, err := r.Register(ctx, revoked.Caller, r.registration(revoked, "acme", "")); !is(err, fault.Conflict) {
			t.Errorf("%s: the revoked key: got %v, want %q", when, err, fault.Conflict)
		}
		r.out(when, elsewhere, fault.Disabled)
	}
	check("at once")
	r.takeChanges()
	r.merged()
	check("merged")
	r.crash()
	r.start()
	check("after a crash")
}

// TestRevokedOfNobody: a revocation that this node has promised, and the database
// could not be told of, holds also where the key's client is gone when it is told.
func TestRevokedOfNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.organization("acme", escrow.ApprovalAutomatic, "")
	h := r.newHost()
	r.refuseChanges()
	reached := r.store.hold()
	ended := make(chan error)
	go func() { ended <- r.SetAdmission(ctx, operator(), "acme", escrow.ApprovalAutomatic, "") }()
	<-reached
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, reach, err := r.RevokeCertificate(short, operator(), h.Certificate); err != nil || reach.Everywhere {
		t.Fatalf("RevokeCertificate: in force %+v, %v", reach, err)
	}
	r.store.open()
	<-ended
	r.takeChanges()
	bind := func(when string) {
		t.Helper()
		if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", "")); !is(err, fault.Conflict) {
			t.Errorf("%s: Register: got %v, want %q", when, err, fault.Conflict)
		}
		other := r.client("acme")
		if _, err := r.AddCertificate(ctx, other.Caller, r.another(other, "acme", h.Certificate)); !is(err, fault.Conflict) {
			t.Errorf("%s: AddCertificate: got %v, want %q", when, err, fault.Conflict)
		}
	}
	bind("denied by this node")
	r.merged()
	bind("merged")
	var told int
	for _, e := range r.chain() {
		if e.Action == "certificate.revoke" && e.Outcome == escrow.OutcomeOK && strings.HasSuffix(e.Detail, "; of no client") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("audited %d times, want once", told)
	}
}

// TestRemovalForgets: an organization that is made under the same name, and its
// client, have asked for nothing yet.
func TestRemovalForgets(t *testing.T) {
	t.Parallel()
	r := limited(t, func(l *escrow.Limits) { l.ClientRate, l.OrganizationRate = 5, 5 })
	ctx := context.Background()
	h := r.client("acme")
	for range 5 {
		if _, _, err := r.List(ctx, h.Caller, escrow.ListQuery{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := r.List(ctx, h.Caller, escrow.ListQuery{}); !is(err, fault.Limited) {
		t.Fatalf("got %v, want %q", err, fault.Limited)
	}
	if known := escrow.Remembered(r.Service, "acme"); known != "1 authentic, 2 rates" {
		t.Errorf("before: %s are remembered", known)
	}
	r.remove("acme", 0)
	if known := escrow.Remembered(r.Service, "acme"); known != "0 authentic, 0 rates" {
		t.Errorf("after: %s are remembered", known)
	}
	r.organization("acme", escrow.ApprovalAutomatic, "")
	if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", "")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.List(ctx, h.Caller, escrow.ListQuery{}); err != nil {
		t.Errorf("the first request of the new client: %v", err)
	}
}

// queued makes changes wait in the order given, so that they are one group, and
// returns how each ended.
func (r *rig) queued(changes ...func() error) []error {
	r.Helper()
	errs := make([]error, len(changes))
	var wg sync.WaitGroup
	r.until("no row waits to be removed, which would be a change beside these", func() bool { return len(r.pending()) == 0 })
	reached := r.store.hold()
	wg.Go(func() { _ = r.SetAdmission(context.Background(), operator(), "none", escrow.ApprovalContacts, "") })
	<-reached
	for i, change := range changes {
		wg.Go(func() { errs[i] = change() })
		r.until("it waits", func() bool { return escrow.Queued(r.Service) == i+1 })
	}
	r.store.open()
	wg.Wait()
	return errs
}

// TestRemovalInGroup: what comes in one group with a removal is decided in turn: a put
// before it is counted, one after it is refused, and neither is acknowledged and gone
// unseen.
func TestRemovalInGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h, other := r.client("acme"), r.client("beta")
	put := func(h *host, n int) func() error {
		return func() error { return r.tryPut(h, n, 10) }
	}
	remove := func(n int64) func() error {
		return func() error { return r.RemoveOrganization(ctx, operator(), "acme", n) }
	}
	purge := func() error {
		_, err := r.PurgeNow(ctx, operator(), h.fingerprint(), id(1), "a test")
		return err
	}
	want := func(what string, errs []error, kinds ...fault.Kind) {
		t.Helper()
		for i, kind := range kinds {
			if !is(errs[i], kind) {
				t.Errorf("%s: change %d: got %v, want %q", what, i, errs[i], kind)
			}
		}
	}
	want("a put before", r.queued(put(h, 1), remove(0), put(h, 2)), "", fault.Conflict, "")
	r.holds("acme", escrow.Holding{Clients: 1, Deposits: 2, Bytes: 20})
	if _, err := r.Delete(ctx, h.Caller, id(1)); err != nil {
		t.Fatal(err)
	}
	want("a purge before", r.queued(purge, remove(2), put(other, 1)), "", fault.Conflict, "")
	want("a put after", r.queued(put(other, 2), remove(1), put(h, 3), purge, put(other, 3)), "", "", fault.Unauthenticated, fault.NotFound, "")
	r.out("removed", h, fault.Unauthenticated)
	r.holds("beta", escrow.Holding{Clients: 1, Deposits: 3, Bytes: 30})

	again := func() error {
		_, err := r.CreateOrganization(ctx, operator(), escrow.NewOrganization{Name: "acme", Approval: escrow.ApprovalAutomatic})
		return err
	}
	register := func() error {
		_, err := r.Register(ctx, h.Caller, r.registration(h, "acme", ""))
		return err
	}
	r.organization("acme", escrow.ApprovalAutomatic, "")
	want("made anew", r.queued(register, put(h, 1), remove(0), remove(1), put(h, 2), again, register, put(h, 3)), "", "", fault.Conflict, "", fault.Unauthenticated, "", "", "")
	r.holds("acme", escrow.Holding{Clients: 1, Deposits: 1, Bytes: 10})
	if n := r.count(`SELECT deposits FROM usage WHERE holder = 'organization/acme'`); n != 1 {
		t.Errorf("the new one uses %d deposits, want 1", n)
	}
	if d := r.get(h, escrow.Selector{UUID: id(3)}, strings.Repeat("\x00", 10), ""); d.Version != 1 {
		t.Errorf("got version %d, want 1", d.Version)
	}

	second := h.Caller
	second.Certificate = r.newKey()
	if _, err := r.AddCertificate(ctx, h.Caller, r.another(h, "acme", second.Certificate)); err != nil {
		t.Fatal(err)
	}
	retire := func() error {
		_, err := r.RetireCertificate(ctx, second, h.Certificate)
		return err
	}
	want("with a key that was retired before", r.queued(retire, remove(1), again, register), "", "", "", fault.Conflict)
}

// TestRemovalRefused: a removal that the store takes back leaves everything.
func TestRemovalRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.put(h, 1, "h", "one")
	r.refuseChanges()
	if err := r.RemoveOrganization(ctx, operator(), "acme", 1); !is(err, fault.Unavailable) {
		t.Errorf("got %v, want %q", err, fault.Unavailable)
	}
	r.takeChanges()
	r.get(h, escrow.Selector{Handle: "h"}, "one", "")
	r.holds("acme", escrow.Holding{Clients: 1, Deposits: 1, Bytes: 3})
}

// TestRemovalOfForeign: what somebody else wrote keeps no organization from being
// removed.
func TestRemovalOfForeign(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 1, "h", "one")
	r.edit(`UPDATE organizations SET mac = NULL`)
	r.edit(`UPDATE clients SET name = 'another'`)
	r.remove("acme", 1)
	r.out("removed", h, fault.Unauthenticated)
}
