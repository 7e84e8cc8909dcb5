package escrow_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/proof"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.organization("coded", escrow.ApprovalAuthCode, "the code")
	r.organization("waiting", escrow.ApprovalContacts, "")
	r.organization("open", escrow.ApprovalAutomatic, "")
	tests := []struct {
		org   escrow.OrgName
		code  names.Secret
		state escrow.ClientState
	}{
		{"coded", "the code", escrow.ClientActive},
		{"waiting", "", escrow.ClientPending},
		{"waiting", "any code", escrow.ClientPending},
		{"open", "", escrow.ClientActive},
		{"open", "any code", escrow.ClientActive},
	}
	for _, test := range tests {
		h := r.newHost()
		if _, err := r.Self(ctx, h.Caller); !is(err, fault.Unauthenticated) {
			t.Errorf("before: got %v, want %q", err, fault.Unauthenticated)
		}
		got, err := r.Register(ctx, h.Caller, r.registration(h, string(test.org), test.code))
		want := escrow.Client{
			Fingerprint: h.fingerprint(), Organization: test.org, Name: "db1", State: test.state,
			PublicKey: h.key.Public().Binary(), Created: micro(r.clock.Now()),
		}
		if diff := cmp.Diff(want, got, withoutMAC()); diff != "" || err != nil {
			t.Errorf("%s: Register: %v (-want +got)\n%s", test.org, err, diff)
		}
		want.PublicKey = nil
		self, err := r.Self(ctx, h.Caller)
		if diff := cmp.Diff(want, self, withoutMAC()); diff != "" || err != nil {
			t.Errorf("%s: Self: %v (-want +got)\n%s", test.org, err, diff)
		}
		_, _, err = r.List(ctx, h.Caller, escrow.ListQuery{})
		if pending := test.state == escrow.ClientPending; pending != is(err, fault.Pending) || !pending && err != nil {
			t.Errorf("%s: List: got %v in state %s", test.org, err, test.state)
		}
	}
}

// TestRegisterAgain: registering again changes no state, whatever the state is,
// and binds another TLS key where there is one.
func TestRegisterAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	first, err := r.Self(ctx, h.Caller)
	if err != nil {
		t.Fatal(err)
	}
	r.clock.add(time.Minute)
	second := &host{Caller: h.Caller, key: h.key}
	second.Certificate = r.newKey()
	for _, who := range []*host{h, second, second} {
		got, err := r.Register(ctx, who.Caller, r.registration(who, "acme", ""))
		got.PublicKey = nil
		if diff := cmp.Diff(first, got); diff != "" || err != nil {
			t.Errorf("Register again: %v (-first +again)\n%s", err, diff)
		}
		if self, err := r.Self(ctx, who.Caller); err != nil || self.Fingerprint != h.fingerprint() {
			t.Errorf("Self: got %+v, %v", self, err)
		}
	}
	if _, _, err := r.DisableClient(ctx, operator(), h.fingerprint()); err != nil {
		t.Fatal(err)
	}
	third := &host{Caller: h.Caller, key: h.key}
	third.Certificate = r.newKey()
	if _, err := r.Register(ctx, third.Caller, r.registration(third, "acme", "")); !is(err, fault.Disabled) {
		t.Errorf("a disabled client, with another TLS key: got %v, want %q", err, fault.Disabled)
	}
	if got, err := r.Register(ctx, h.Caller, r.registration(h, "acme", "")); err != nil || got.State != escrow.ClientDisabled {
		t.Errorf("a disabled client: got %+v, %v, want it disabled", got, err)
	}
	if _, err := r.Self(ctx, third.Caller); !is(err, fault.Unauthenticated) {
		t.Errorf("the TLS key of a disabled client: got %v, want %q: it is not bound", err, fault.Unauthenticated)
	}
	r.organization("beta", escrow.ApprovalAutomatic, "")
	if _, err := r.Register(ctx, third.Caller, r.registration(third, "beta", "")); !is(err, fault.Conflict) {
		t.Errorf("another organization: got %v, want %q", err, fault.Conflict)
	}
	thief := r.newHost()
	thief.Certificate = h.Certificate
	if _, err := r.Register(ctx, thief.Caller, r.registration(thief, "acme", "")); !is(err, fault.Conflict) {
		t.Errorf("a TLS key that is another client's: got %v, want %q", err, fault.Conflict)
	}
	r.edit(`UPDATE certificates SET retired = 1 WHERE key_hash = $1`, second.Certificate[:])
	r.resign()
	if _, err := r.Register(ctx, second.Caller, r.registration(second, "acme", "")); !is(err, fault.Conflict) {
		t.Errorf("a retired TLS key: got %v, want %q", err, fault.Conflict)
	}
	if _, err := r.Self(ctx, second.Caller); !is(err, fault.Unauthenticated) {
		t.Errorf("Self with a retired TLS key: got %v, want %q", err, fault.Unauthenticated)
	}
}

// TestRefusedAlike: a wrong code, a missing one, an unknown organization and an
// expired one cannot be told apart: one answer, after the same work.
func TestRefusedAlike(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.organization("coded", escrow.ApprovalAuthCode, "the code")
	r.organization("expired", escrow.ApprovalAuthCode, "the code")
	r.organization("expired-open", escrow.ApprovalAutomatic, "")
	r.edit(`UPDATE organizations SET expires = 1 WHERE name LIKE 'expired%'`)
	r.resign()
	answers := map[string][]string{}
	for _, test := range []struct {
		org  string
		code names.Secret
	}{
		{"coded", ""}, {"coded", "the cod"}, {"coded", "the codE"}, {"coded", "the code "}, {"coded", names.Secret(strings.Repeat("x", 1000))},
		{"unknown", ""}, {"unknown", "the code"}, {"expired", "the code"}, {"expired-open", ""},
	} {
		h := r.newHost()
		before := r.sealer.opens.Load()
		_, err := r.Register(ctx, h.Caller, r.registration(h, test.org, test.code))
		if !is(err, fault.Denied) {
			t.Errorf("%s, %q: got %v, want %q", test.org, test.code.Reveal(), err, fault.Denied)
		}
		answer := "none"
		if f, ok := errors.AsType[*fault.Error](err); ok {
			answer = fmt.Sprintf("%s, %s (%s), %d opens", f.Kind, f.Message, f.Hint, r.sealer.opens.Load()-before)
		}
		answers[answer] = append(answers[answer], test.org)
		if _, err := r.Self(ctx, h.Caller); !is(err, fault.Unauthenticated) {
			t.Errorf("%s: after a refusal: got %v, want %q", test.org, err, fault.Unauthenticated)
		}
	}
	if len(answers) != 1 {
		t.Errorf("the answers can be told apart: %q", answers)
	}
	h := r.newHost()
	before := r.sealer.opens.Load()
	if _, err := r.Register(ctx, h.Caller, r.registration(h, "coded", "the code")); err != nil || r.sealer.opens.Load()-before != 1 {
		t.Errorf("the right code: got %v after %d opens, want 1", err, r.sealer.opens.Load()-before)
	}
}

// TestEditedCode: a code whose row was changed lets nobody in.
func TestEditedCode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.organization("coded", escrow.ApprovalAuthCode, "the code")
	r.organization("mine", escrow.ApprovalAuthCode, "known to me")
	r.edit(`UPDATE organizations SET (code, code_key) = (SELECT code, code_key FROM organizations WHERE name = 'mine') WHERE name = 'coded'`)
	for _, code := range []names.Secret{"known to me", "the code", ""} {
		h := r.newHost()
		if _, err := r.Register(context.Background(), h.Caller, r.registration(h, "coded", code)); !is(err, fault.Denied) {
			t.Errorf("code %q: got %v, want %q", code.Reveal(), err, fault.Denied)
		}
	}
	if !strings.Contains(r.log.String(), "cannot be opened") {
		t.Error("the log does not tell of it")
	}
	if _, err := r.Organizations(context.Background(), operator()); !is(err, fault.Corrupt) || !strings.Contains(err.Error(), "coded") {
		t.Errorf("Organizations: got %v, want %q that names the organization", err, fault.Corrupt)
	}
}

// TestProof: a proof holds for one server, organization, TLS key and time, by the
// key that registers.
func TestProof(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.organization("acme", escrow.ApprovalAutomatic, "")
	r.organization("beta", escrow.ApprovalAutomatic, "")
	h, other := r.newHost(), r.newHost()
	now := r.clock.Now()
	sign := func(h *host, org string, server escrow.Fingerprint, key escrow.KeyHash, at time.Time) []byte {
		signature, err := h.key.Sign(proof.Registration(org, string(server), key, at))
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	purpose, err := h.key.Sign([]byte(strings.Replace(string(proof.Registration("acme", string(server), h.Certificate, now)), "registration", "rotation", 1)))
	if err != nil {
		t.Fatal(err)
	}
	good := r.registration(h, "acme", "")
	tests := []struct {
		name string
		edit func(*escrow.Registration, *escrow.Caller)
		want fault.Kind
	}{
		{"another server", func(g *escrow.Registration, _ *escrow.Caller) {
			g.Signature = sign(h, "acme", alice, h.Certificate, now)
		}, fault.Invalid},
		{"another organization", func(g *escrow.Registration, _ *escrow.Caller) { g.Organization = "beta" }, fault.Invalid},
		{"another TLS key", func(_ *escrow.Registration, c *escrow.Caller) { c.Certificate = other.Certificate }, fault.Invalid},
		{"another purpose", func(g *escrow.Registration, _ *escrow.Caller) { g.Signature = purpose }, fault.Invalid},
		{"another time", func(g *escrow.Registration, _ *escrow.Caller) { g.Time = now.Add(-time.Minute) }, fault.Invalid},
		{"another OpenPGP key", func(g *escrow.Registration, _ *escrow.Caller) {
			g.Signature = sign(other, "acme", server, h.Certificate, now)
		}, fault.Invalid},
		{"yesterday's", func(g *escrow.Registration, _ *escrow.Caller) {
			g.Time = now.AddDate(0, 0, -1)
			g.Signature = sign(h, "acme", server, h.Certificate, g.Time)
		}, fault.Invalid},
		{"too old", func(g *escrow.Registration, _ *escrow.Caller) {
			g.Time = now.Add(-escrow.MaxClockDifference - 1)
			g.Signature = sign(h, "acme", server, h.Certificate, g.Time)
		}, fault.Invalid},
		{"too new", func(g *escrow.Registration, _ *escrow.Caller) {
			g.Time = now.Add(escrow.MaxClockDifference + 1)
			g.Signature = sign(h, "acme", server, h.Certificate, g.Time)
		}, fault.Invalid},
		{"no signature", func(g *escrow.Registration, _ *escrow.Caller) { g.Signature = nil }, fault.Invalid},
		{"a cut signature", func(g *escrow.Registration, _ *escrow.Caller) { g.Signature = g.Signature[:len(g.Signature)-1] }, fault.Invalid},
		{"no key", func(g *escrow.Registration, _ *escrow.Caller) { g.PublicKey = nil }, fault.Invalid},
		{"no certificate", func(_ *escrow.Registration, c *escrow.Caller) { c.Certificate = escrow.KeyHash{} }, fault.Unauthenticated},
		{"a bad name", func(g *escrow.Registration, _ *escrow.Caller) { g.Name = "a\nb" }, fault.Invalid},
		{"a bad organization", func(g *escrow.Registration, _ *escrow.Caller) { g.Organization = "a b" }, fault.Invalid},
	}
	for i, test := range tests {
		registration, caller := good, h.Caller
		caller.Source = fmt.Sprintf("192.0.2.%d", i) // so that no limit comes in between
		test.edit(&registration, &caller)
		if _, err := r.Register(context.Background(), caller, registration); !is(err, test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	for _, d := range []time.Duration{-escrow.MaxClockDifference, escrow.MaxClockDifference} {
		at := good
		at.Time = now.Add(d)
		at.Signature = sign(h, "acme", server, h.Certificate, at.Time)
		if _, err := r.Register(context.Background(), h.Caller, at); err != nil {
			t.Errorf("a clock that is off by %s: got %v, want no error", d, err)
		}
	}
}

// TestRegistrationLimit: an address that was refused too often waits, also with
// the right code; others do not.
func TestRegistrationLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.organization("coded", escrow.ApprovalAuthCode, "the code")
	h := r.newHost()
	guesses := 0
	for ; guesses < 100; guesses++ {
		_, err := r.Register(ctx, h.Caller, r.registration(h, "coded", names.Secret(fmt.Sprint(guesses))))
		if is(err, fault.Limited) {
			break
		}
		if !is(err, fault.Denied) {
			t.Fatalf("guess %d: got %v, want %q", guesses, err, fault.Denied)
		}
	}
	if guesses != 20 {
		t.Errorf("got %d guesses before a refusal, want 20", guesses)
	}
	if _, err := r.Register(ctx, h.Caller, r.registration(h, "coded", "the code")); !is(err, fault.Limited) {
		t.Errorf("the right code after too many wrong ones: got %v, want %q", err, fault.Limited)
	}
	neighbor := r.newHost()
	for range 20 {
		neighbor.Source = "2001:db8::" + fmt.Sprintf("%x:1", guesses)
		guesses++
		if _, err := r.Register(ctx, neighbor.Caller, r.registration(neighbor, "coded", "wrong")); !is(err, fault.Denied) {
			t.Fatalf("from %s: got %v, want %q", neighbor.Source, err, fault.Denied)
		}
	}
	neighbor.Source = "2001:db8::2"
	if _, err := r.Register(ctx, neighbor.Caller, r.registration(neighbor, "coded", "the code")); !is(err, fault.Limited) {
		t.Errorf("from another address of the same IPv6 network: got %v, want %q", err, fault.Limited)
	}
	for _, source := range []string{"192.0.2.8", "2001:db8:0:1::2", "::ffff:192.0.2.9"} {
		elsewhere := r.newHost()
		elsewhere.Source = source
		if _, err := r.Register(ctx, elsewhere.Caller, r.registration(elsewhere, "coded", "the code")); err != nil {
			t.Errorf("from %s: got %v, want no error", source, err)
		}
	}
	r.clock.add(4 * time.Second)
	if _, err := r.Register(ctx, h.Caller, r.registration(h, "coded", "the code")); err != nil {
		t.Errorf("after a wait: got %v, want no error", err)
	}
}
