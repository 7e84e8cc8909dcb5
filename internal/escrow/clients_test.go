package escrow_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/proof"
)

// host is a client's host: its OpenPGP key and the TLS connection it makes.
type host struct {
	escrow.Caller
	key *pgp.SecretKey
}

// newHost makes one that nobody knows yet.
func (r *rig) newHost() *host {
	r.Helper()
	key, err := pgp.GenerateClientKey("db1", "db1.example.com", pgp.Ed25519)
	if err != nil {
		r.Fatal(err)
	}
	return &host{key: key, Caller: escrow.Caller{Certificate: r.newKey(), Source: "192.0.2.7", RequestID: "c0ffee"}}
}

func (h *host) fingerprint() escrow.Fingerprint { return escrow.Fingerprint(h.key.Fingerprint()) }

// registration is a right one, made now.
func (r *rig) registration(h *host, org string, code names.Secret) escrow.Registration {
	r.Helper()
	signature, err := h.key.Sign(proof.Registration(org, string(server), h.Certificate, r.clock.Now()))
	if err != nil {
		r.Fatal(err)
	}
	armored, err := h.key.Public().Armored()
	if err != nil {
		r.Fatal(err)
	}
	return escrow.Registration{Organization: org, Name: "db1", AuthCode: code, PublicKey: []byte(armored), Time: r.clock.Now(), Signature: signature}
}

// organization makes an organization.
func (r *rig) organization(name escrow.OrgName, approval escrow.Approval, code names.Secret) {
	r.Helper()
	_, err := r.CreateOrganization(context.Background(), operator(), escrow.NewOrganization{Name: name, Approval: approval, Code: code})
	if err != nil {
		r.Fatalf("creating organization %s: %v", name, err)
	}
}

// client registers a new client with an organization, which is made if need be
// and lets everybody in.
func (r *rig) client(org escrow.OrgName) *host {
	r.Helper()
	_, err := r.CreateOrganization(context.Background(), operator(), escrow.NewOrganization{Name: org, Approval: escrow.ApprovalAutomatic})
	if err != nil && !is(err, fault.Conflict) {
		r.Fatalf("creating organization %s: %v", org, err)
	}
	h := r.newHost()
	if _, err := r.Register(context.Background(), h.Caller, r.registration(h, string(org), "")); err != nil {
		r.Fatalf("registering: %v", err)
	}
	return h
}

// put keeps a deposit, which must succeed.
func (r *rig) put(h *host, uuid int, handle escrow.Handle, contents string) escrow.Deposit {
	r.Helper()
	d, err := r.Put(context.Background(), h.Caller, escrow.NewDeposit{UUID: id(uuid), Handle: handle, Contents: []byte(contents)})
	if err != nil {
		r.Fatalf("Put %q: %v", handle, err)
	}
	return d
}

// TestClientStates: a client that is disabled is out on its next request, whatever
// it asks for, and in again once it is enabled. It can always ask who it is.
func TestClientStates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 1, "h", "contents")
	ctx := context.Background()
	requests := map[string]func() error{
		"put": func() error {
			_, err := r.Put(ctx, h.Caller, escrow.NewDeposit{UUID: id(1), Handle: "h", Contents: []byte("contents")})
			return err
		},
		"get":      func() error { _, _, err := r.Get(ctx, h.Caller, escrow.Selector{UUID: id(1)}); return err },
		"list":     func() error { _, _, err := r.List(ctx, h.Caller, escrow.ListQuery{}); return err },
		"undelete": func() error { _, err := r.Undelete(ctx, h.Caller, id(1)); return err },
		"delete":   func() error { _, err := r.Delete(ctx, h.Caller, id(9)); return err },
	}
	check := func(when string, want fault.Kind, state escrow.ClientState) {
		t.Helper()
		for name, request := range requests {
			want := want
			if want == "" && name == "delete" {
				want = fault.NotFound // it does not exist
			}
			if err := request(); !is(err, want) {
				t.Errorf("%s: %s: got %v, want %q", when, name, err, want)
			}
		}
		if self, err := r.Self(ctx, h.Caller); err != nil || self.State != state || self.Fingerprint != h.fingerprint() {
			t.Errorf("%s: self: got %+v, %v, want state %s", when, self, err, state)
		}
	}
	check("registered", "", escrow.ClientActive)
	got, reach, err := r.DisableClient(ctx, operator(), h.fingerprint())
	if err != nil || got.State != escrow.ClientDisabled || got.Fingerprint != h.fingerprint() || !reach.Everywhere {
		t.Fatalf("DisableClient: got %+v, in force %+v, %v", got, reach, err)
	}
	check("disabled", fault.Disabled, escrow.ClientDisabled)
	if _, _, err := r.DisableClient(ctx, operator(), h.fingerprint()); err != nil {
		t.Errorf("disabling again: %v", err)
	}
	if _, err := r.EnableClient(ctx, operator(), h.fingerprint()); err != nil {
		t.Fatal(err)
	}
	check("enabled", "", escrow.ClientActive)
	if _, err := r.EnableClient(ctx, operator(), alice); !is(err, fault.NotFound) {
		t.Errorf("enabling a client that does not exist: got %v, want %q", err, fault.NotFound)
	}
	if _, _, err := r.DisableClient(ctx, operator(), alice); !is(err, fault.NotFound) {
		t.Errorf("disabling a client that does not exist: got %v, want %q", err, fault.NotFound)
	}
}

// TestExpiredOrganization: from the moment of its expiry on, an organization's
// clients are not served, and it takes no new ones.
func TestExpiredOrganization(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	expires := micro(r.clock.Now().Add(time.Hour))
	r.edit(`UPDATE organizations SET expires = $1`, expires.UnixMicro())
	r.resign()
	r.clock.set(expires.Add(-1000))
	r.put(h, 1, "h", "contents")
	r.clock.set(expires)
	if _, _, err := r.Get(context.Background(), h.Caller, escrow.Selector{UUID: id(1)}); !is(err, fault.Disabled) {
		t.Errorf("Get: got %v, want %q", err, fault.Disabled)
	}
	if _, err := r.Put(context.Background(), h.Caller, escrow.NewDeposit{UUID: id(2), Handle: "h", Contents: []byte("c")}); !is(err, fault.Disabled) {
		t.Errorf("Put: got %v, want %q", err, fault.Disabled)
	}
	other := r.newHost()
	if _, err := r.Register(context.Background(), other.Caller, r.registration(other, "acme", "")); !is(err, fault.Denied) {
		t.Errorf("Register: got %v, want %q", err, fault.Denied)
	}
}

// TestOperatorOnly: to anybody but the operator there is no such thing as the
// operator's methods, and nothing happens.
func TestOperatorOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	ctx := context.Background()
	before, err := r.Organizations(ctx, operator())
	if err != nil {
		t.Fatal(err)
	}
	for name, caller := range map[string]escrow.Caller{
		"a client": h.Caller, "nobody": {}, "another account on the socket": {UID: 1000, Source: "socket"},
	} {
		requests := map[string]func() error{
			"CreateOrganization": func() error {
				_, err := r.CreateOrganization(ctx, caller, escrow.NewOrganization{Name: "beta"})
				return err
			},
			"AddContacts":    func() error { return r.AddContacts(ctx, caller, "acme", []string{"a@example.com"}) },
			"RemoveContact":  func() error { _, err := r.RemoveContact(ctx, caller, "acme", "a@example.com"); return err },
			"SetAdmission":   func() error { return r.SetAdmission(ctx, caller, "acme", escrow.ApprovalContacts, "") },
			"EnableClient":   func() error { _, err := r.EnableClient(ctx, caller, h.fingerprint()); return err },
			"DisableClient":  func() error { _, _, err := r.DisableClient(ctx, caller, h.fingerprint()); return err },
			"Clients":        func() error { _, err := r.Clients(ctx, caller, ""); return err },
			"Organizations":  func() error { _, err := r.Organizations(ctx, caller); return err },
			"of none exists": func() error { _, err := r.RemoveContact(ctx, caller, "none", "a@example.com"); return err },
		}
		for request, do := range requests {
			if err := do(); !is(err, fault.NotFound) || err.Error() != "no such resource" {
				t.Errorf("%s: %s: got %v, want no such resource", name, request, err)
			}
		}
	}
	after, err := r.Organizations(ctx, operator())
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("organizations changed (%v):\n%s", err, diff)
	}
	clients, err := r.Clients(ctx, operator(), "acme")
	if err != nil || len(clients) != 1 || clients[0].State != escrow.ClientActive {
		t.Errorf("clients: got %+v, %v, want one that is active", clients, err)
	}
}
