package escrow_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// TestAuditRecords: each change and each read, done or refused, is one event that
// says who did what to what, from where and when, and shows no contents and no
// code.
func TestAuditRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	const code, contents = "the-secret-code", "the secret contents"
	op, at := operator(), micro(r.clock.Now())
	byOperator := escrow.Record{Actor: "operator uid 0", Source: "socket", RequestID: "0001"}

	h, stranger := r.newHost(), r.newHost()
	client := "client " + string(h.fingerprint())
	byClient := escrow.Record{Actor: client, Organization: "acme", Source: "192.0.2.7", RequestID: "c0ffee"}
	byStranger := escrow.Record{Actor: "certificate " + stranger.Certificate.String(), Source: "192.0.2.7", RequestID: "c0ffee"}
	put := func(n int, contents string) escrow.NewDeposit {
		return escrow.NewDeposit{UUID: id(n), Handle: "h", Contents: []byte(contents)}
	}
	register := func(h *host, org string, code string) func() error {
		return func() error {
			g := r.registration(h, org, "")
			g.AuthCode = names.Secret(code)
			_, err := r.Register(ctx, h.Caller, g)
			return err
		}
	}
	steps := []struct {
		do     func() error
		who    escrow.Record
		action string
		object string
		result string // outcome and detail
		org    escrow.OrgName
	}{
		{func() error {
			_, err := r.CreateOrganization(ctx, op, escrow.NewOrganization{Name: "acme", Code: code})
			return err
		}, byOperator, "organization.create", "acme", "ok ", "acme"},
		{func() error { return r.AddContacts(ctx, op, "acme", []string{"a@x"}) }, byOperator, "contact.add", "a@x", "ok ", "acme"},
		{func() error { _, err := r.RemoveContact(ctx, op, "acme", "a@x"); return err }, byOperator, "contact.remove", "a@x", "ok ", "acme"},
		{func() error { return r.SetAdmission(ctx, op, "acme", escrow.ApprovalAuthCode, code) }, byOperator, "organization.set-admission", "acme", "ok auth_code", "acme"},
		{func() error { return r.SetAdmission(ctx, op, "none", escrow.ApprovalAuthCode, code) }, byOperator, "organization.set-admission", "none", "refused not_found", "none"},
		{func() error { _, err := r.Organizations(ctx, op); return err }, byOperator, "organization.list", "", "ok ", ""},
		{register(h, "acme", "wrong-code"), escrow.Record{Actor: client, Source: "192.0.2.7", RequestID: "c0ffee"}, "client.register", string(h.fingerprint()), "refused denied", "acme"},
		{register(h, "acme", code), escrow.Record{Actor: client, Source: "192.0.2.7", RequestID: "c0ffee"}, "client.register", string(h.fingerprint()), "ok active", "acme"},
		{func() error { _, err := r.Clients(ctx, op, "acme"); return err }, byOperator, "client.list", "acme", "ok ", ""},
		{func() error { _, err := r.Put(ctx, h.Caller, put(1, contents)); return err }, byClient, "deposit.put", string(id(1)), "ok h", "acme"},
		{func() error { _, err := r.Put(ctx, h.Caller, put(1, contents)); return err }, byClient, "deposit.put", string(id(1)), "ok h", "acme"},
		{func() error { _, err := r.Put(ctx, h.Caller, put(1, contents+"!")); return err }, byClient, "deposit.put", string(id(1)), "refused conflict", "acme"},
		{func() error { _, _, err := r.Get(ctx, h.Caller, escrow.Selector{Handle: "h"}); return err }, byClient, "deposit.get", string(id(1)), "ok h", "acme"},
		{func() error { _, _, err := r.Get(ctx, h.Caller, escrow.Selector{Handle: "none"}); return err }, byClient, "deposit.get", "none", "refused not_found", "acme"},
		{func() error { _, _, err := r.List(ctx, h.Caller, escrow.ListQuery{Prefix: "p"}); return err }, byClient, "deposit.list", "p", "ok ", "acme"},
		{func() error { _, err := r.Delete(ctx, h.Caller, id(1)); return err }, byClient, "deposit.delete", string(id(1)), "ok h", "acme"},
		{func() error { _, err := r.Undelete(ctx, h.Caller, id(1)); return err }, byClient, "deposit.undelete", string(id(1)), "ok h", "acme"},
		{func() error { _, _, err := r.Get(ctx, stranger.Caller, escrow.Selector{UUID: id(1)}); return err }, byStranger, "deposit.get", string(id(1)), "refused unauthenticated", ""},
		{func() error { _, err := r.Put(ctx, stranger.Caller, put(1, contents)); return err }, byStranger, "deposit.put", string(id(1)), "refused unauthenticated", ""},
		{func() error { _, _, err := r.DisableClient(ctx, stranger.Caller, h.fingerprint()); return err }, byStranger, "client.disable", string(h.fingerprint()), "refused not_found", ""},
		{func() error { _, _, err := r.DisableClient(ctx, op, h.fingerprint()); return err }, byOperator, "client.disable", string(h.fingerprint()), "ok active before", "acme"},
		{func() error { _, _, err := r.Get(ctx, h.Caller, escrow.Selector{UUID: id(1)}); return err }, byClient, "deposit.get", string(id(1)), "refused disabled", "acme"},
		{func() error { _, err := r.EnableClient(ctx, op, h.fingerprint()); return err }, byOperator, "client.enable", string(h.fingerprint()), "ok disabled before", "acme"},
	}
	for i, step := range steps {
		err := step.do()
		want := step.who
		want.Action, want.Object, want.Organization, want.Time = step.action, step.object, step.org, at
		outcome, detail, _ := strings.Cut(step.result, " ")
		want.Outcome, want.Detail = escrow.Outcome(outcome), detail
		if (want.Outcome == escrow.OutcomeOK) != (err == nil) {
			t.Errorf("%s: got %v, want outcome %s", step.action, err, outcome)
		}
		events := r.chain()
		if len(events) != i+1 {
			t.Fatalf("after %s: got %d events, want %d", step.action, len(events), i+1)
		}
		if diff := cmp.Diff(want, events[i], cmpopts.IgnoreFields(escrow.Record{}, "ID")); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", step.action, diff)
		}
	}
	ids := map[string]bool{}
	for _, e := range r.chain() {
		if ids[e.ID] || len(e.ID) != 32 {
			t.Errorf("ID %q is not 32 digits of its own", e.ID)
		}
		ids[e.ID] = true
	}
	shown := string(r.chainBytes()) + r.log.String()
	for _, secret := range []string{code, "wrong-code", contents, base64.StdEncoding.EncodeToString([]byte(contents))} {
		if strings.Contains(shown, secret) {
			t.Errorf("the chain or the log shows %q", secret)
		}
	}
}

// TestAuditFails: a change that was made before the chain failed is answered, and
// its record is not lost; from then on changes and reads are refused, until the
// chain works again. Then what waited is in it, in order and once.
func TestAuditFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 1, "h", "one")
	r.auditor.failing.Store(true)
	r.put(h, 2, "h", "two") // committed before anybody could know
	r.refusesAll(h)
	time.Sleep(1500 * time.Millisecond) // more than one try to chain what waits
	r.refusesAll(h)
	if got := r.pending(); len(got) == 0 || got[len(got)-1].Object != string(id(2)) {
		t.Errorf("got pending records %+v, want that of the second put", got)
	}
	r.auditor.failing.Store(false)
	r.until("changes are made again", func() bool { return r.Ready(context.Background()) == nil })
	r.put(h, 3, "h", "three")
	r.get(h, escrow.Selector{Handle: "h"}, "three", "")
	if got, want := putsIn(r.chain()), []string{"ok 1", "ok 2", "ok 3"}; !cmp.Equal(got, want) {
		t.Errorf("got puts %v in the chain, want %v", got, want)
	}
	r.until("rows are removed", func() bool { return len(r.pending()) == 0 })
	if r.fatal.Load() != 0 {
		t.Errorf("got %d calls of Fatal, want none", r.fatal.Load())
	}
}

// refusesAll checks that nothing is served.
func (r *rig) refusesAll(h *host) {
	r.Helper()
	ctx := context.Background()
	_, put := r.Put(ctx, h.Caller, escrow.NewDeposit{UUID: id(70), Handle: "h", Contents: []byte("c")})
	d, contents, get := r.Get(ctx, h.Caller, escrow.Selector{UUID: id(1)})
	page, _, list := r.List(ctx, h.Caller, escrow.ListQuery{})
	orgs, organizations := r.Organizations(ctx, operator())
	create := r.SetAdmission(ctx, operator(), "acme", escrow.ApprovalContacts, "")
	for request, err := range map[string]error{
		"Put": put, "Get": get, "List": list, "Organizations": organizations, "SetAdmission": create, "Ready": r.Ready(ctx),
	} {
		if !is(err, fault.Unavailable) {
			r.Errorf("%s: got %v, want %q", request, err, fault.Unavailable)
		}
	}
	if contents != nil || d.UUID != "" || page != nil || orgs != nil {
		r.Errorf("a read that is not audited shows %q, %+v, %+v, %+v", contents, d, page, orgs)
	}
}

// putsIn returns outcome and number of the puts in the chain.
func putsIn(events []escrow.Record) (puts []string) {
	for _, e := range events {
		if e.Action == "deposit.put" {
			n := strings.TrimLeft(e.Object[len(e.Object)-12:], "0")
			puts = append(puts, string(e.Outcome)+" "+n)
		}
	}
	return puts
}

// TestReadNotAudited: the read that meets the failure first is refused too, and
// shows in the chain once that works again. That it works is only believed when
// something was chained.
func TestReadNotAudited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 1, "h", "one")
	r.auditor.failing.Store(true)
	r.get(h, escrow.Selector{UUID: id(1)}, "", fault.Unavailable)
	time.Sleep(1500 * time.Millisecond)
	r.refusesAll(h)
	r.auditor.failing.Store(false)
	r.until("reads are served again", func() bool { return r.Ready(context.Background()) == nil })
	r.get(h, escrow.Selector{UUID: id(1)}, "one", "")
	var reads []string
	for _, e := range r.chain() {
		if e.Action == "deposit.get" {
			reads = append(reads, strings.TrimSpace(string(e.Outcome)+" "+e.Detail))
		}
	}
	if got, want := strings.Join(reads, ", "), "failed unavailable, ok h"; got != want {
		t.Errorf("got reads %q in the chain, want %q", got, want)
	}
}

// TestSyncFails: once the chain could not be brought to disk nobody knows what is
// there: the process is asked to end, nothing is served, and no row is removed,
// at the end of the process neither. The next start chains the rows again.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.until("rows are removed", func() bool { return len(r.pending()) == 0 })
	r.auditor.failSync.Store(true)
	r.put(h, 1, "h", "one")
	reached := r.store.hold() // a change that is under way when the chain fails
	ended := make(chan error)
	go func() {
		_, err := r.Put(context.Background(), h.Caller, escrow.NewDeposit{UUID: id(2), Handle: "h", Contents: []byte("two")})
		ended <- err
	}()
	<-reached
	r.until("the process is asked to end", func() bool { return r.fatal.Load() > 0 })
	r.store.open()
	if err := <-ended; err != nil {
		t.Errorf("the change under way: got %v, want no error: it was made, with its record", err)
	}
	r.refusesAll(h)
	r.auditor.failSync.Store(false)
	time.Sleep(1500 * time.Millisecond)
	r.refusesAll(h)
	r.stop()
	if got := r.fatal.Load(); got != 1 {
		t.Errorf("got %d calls of Fatal, want 1", got)
	}
	r.start()
	if got, want := putsIn(r.chain()), []string{"ok 1", "ok 1", "ok 2"}; !cmp.Equal(got, want) {
		t.Errorf("got puts %v in the chain, want %v: the rows, in the second run", got, want)
	}
	r.get(h, escrow.Selector{UUID: id(1)}, "one", "")
}

// TestCrashBeforeChaining: records that were committed and not chained when the
// process died are chained at the next start, in order and once.
func TestCrashBeforeChaining(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.until("rows are removed", func() bool { return len(r.pending()) == 0 })
	r.auditor.failing.Store(true)
	for i, err := range r.group(h, 8, func(int) escrow.Handle { return "h" }) {
		if err != nil {
			t.Errorf("put %d: %v", i, err)
		}
	}
	want := putsIn(r.pending())
	if len(want) != 9 {
		t.Fatalf("got %d pending puts, want 9", len(want))
	}
	r.crash()
	if got := putsIn(r.chain()); got != nil {
		t.Fatalf("got %v in the chain before the start", got)
	}
	r.start()
	if got := putsIn(r.chain()); !cmp.Equal(got, want) {
		t.Errorf("got %v in the chain, want %v", got, want)
	}
	r.until("rows are removed", func() bool { return len(r.pending()) == 0 })
	if got := putsIn(r.chain()); !cmp.Equal(got, want) {
		t.Errorf("later: got %v in the chain, want %v", got, want)
	}
}

// TestCrashAfterChaining: records whose rows still stood when the process died
// come twice, under the same IDs, and no others do.
func TestCrashAfterChaining(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.until("rows are removed", func() bool { return len(r.pending()) == 0 })
	r.store.set(func(s *tapStore) { s.refuse = refuseForget })
	r.put(h, 1, "h", "one")
	r.put(h, 2, "h", "two")
	before := r.chain()
	r.until("the rows could not be removed", func() bool { return strings.Contains(r.log.String(), "stay in the database") })
	if err := r.Ready(context.Background()); err != nil {
		t.Errorf("Ready: got %v, want no error", err)
	}
	r.crash()
	r.start()
	after := r.chain()
	want := append(before, before[len(before)-2:]...)
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("chain after the start: (-want +got)\n%s", diff)
	}
}

// refuseForget is a store that cannot remove records for now.
func refuseForget(mutations []escrow.Mutation) error {
	for _, m := range mutations {
		if _, ok := m.(escrow.ForgetRecords); ok {
			return fault.New(fault.Unavailable, "not now")
		}
	}
	return nil
}

// TestForgetAgain: rows that could not be removed are removed later.
func TestForgetAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.store.set(func(s *tapStore) { s.refuse = refuseForget })
	r.put(h, 1, "h", "one")
	r.until("the rows could not be removed", func() bool { return strings.Contains(r.log.String(), "stay in the database") })
	if got := putsIn(r.pending()); len(got) != 1 {
		t.Errorf("got pending puts %v, want one", got)
	}
	r.store.set(func(s *tapStore) { s.refuse = nil })
	r.until("rows are removed", func() bool { return len(r.pending()) == 0 })
	if got, want := putsIn(r.chain()), []string{"ok 1"}; !cmp.Equal(got, want) {
		t.Errorf("got %v in the chain, want %v", got, want)
	}
}

// TestClose: what was answered before an orderly end is in the chain on disk, and
// no row is left.
func TestClose(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 1, "h", "one")
	syncs := r.auditor.syncs.Load()
	r.Close()
	if got := r.pending(); got != nil {
		t.Errorf("got %d rows after Close, want none", len(got))
	}
	if r.auditor.syncs.Load() == syncs {
		t.Error("Close did not bring the chain to disk")
	}
	if got, want := putsIn(r.chain()), []string{"ok 1"}; !cmp.Equal(got, want) {
		t.Errorf("got %v in the chain, want %v", got, want)
	}
}

// TestStoreReadFails: a read that the store cannot answer fails, as an event, and
// its error is not the caller's fault.
func TestStoreReadFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := r.Get(ctx, h.Caller, escrow.Selector{UUID: id(1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	events := r.chain()
	if last := events[len(events)-1]; last.Action != "deposit.get" || last.Outcome != escrow.OutcomeFailed {
		t.Errorf("got event %+v, want a failed deposit.get", last)
	}
}
