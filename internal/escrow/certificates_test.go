package escrow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/proof"
)

// another is a right request for another TLS key, made now.
func (r *rig) another(h *host, org string, key escrow.KeyHash) escrow.NewCertificate {
	r.Helper()
	signature, err := h.key.Sign(proof.Certificate(org, string(server), h.key.Fingerprint(), key, r.clock.Now()))
	if err != nil {
		r.Fatal(err)
	}
	armored, err := h.key.Public().Armored()
	if err != nil {
		r.Fatal(err)
	}
	return escrow.NewCertificate{Key: key, PublicKey: []byte(armored), Time: r.clock.Now(), Signature: signature}
}

// TestRotate: a second key serves as the first did, which then can be retired; a
// retired key gives no access and is never bound again, to anybody.
func TestRotate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h, other := r.client("acme"), r.client("acme")
	r.put(h, 1, "h", "contents")
	first, second := h.Caller, h.Caller
	second.Certificate = r.newKey()

	for range 2 { // the same again is the same certificate
		cert, err := r.AddCertificate(ctx, first, r.another(h, "acme", second.Certificate))
		if err != nil || cert.Key != second.Certificate || cert.Client != h.fingerprint() {
			t.Fatalf("AddCertificate: got %+v, %v", cert, err)
		}
	}
	for _, c := range []escrow.Caller{first, second} {
		if _, _, err := r.Get(ctx, c, escrow.Selector{Handle: "h"}); err != nil {
			t.Errorf("Get with key %s: %v", c.Certificate, err)
		}
	}
	if _, err := r.RetireCertificate(ctx, first, first.Certificate); !is(err, fault.Conflict) {
		t.Errorf("retiring the connection's own: got %v, want %q", err, fault.Conflict)
	}
	if _, err := r.RetireCertificate(ctx, other.Caller, first.Certificate); !is(err, fault.NotFound) {
		t.Errorf("retiring another client's: got %v, want %q", err, fault.NotFound)
	}
	for range 2 {
		if cert, err := r.RetireCertificate(ctx, second, first.Certificate); err != nil || cert.Retired.IsZero() {
			t.Fatalf("RetireCertificate: got %+v, %v", cert, err)
		}
	}
	if _, _, err := r.Get(ctx, first, escrow.Selector{Handle: "h"}); !is(err, fault.Unauthenticated) {
		t.Errorf("Get with a retired key: got %v, want %q", err, fault.Unauthenticated)
	}
	list, err := r.Certificates(ctx, second)
	if err != nil || len(list) != 2 || list[0].Key != first.Certificate || list[0].Retired.IsZero() || !list[1].Retired.IsZero() {
		t.Errorf("Certificates: got %+v, %v", list, err)
	}
	if _, err := r.AddCertificate(ctx, second, r.another(h, "acme", first.Certificate)); !is(err, fault.Conflict) {
		t.Errorf("a retired key offered again: got %v, want %q", err, fault.Conflict)
	}
	if _, err := r.AddCertificate(ctx, other.Caller, r.another(other, "acme", first.Certificate)); !is(err, fault.Conflict) {
		t.Errorf("a retired key offered by another client: got %v, want %q", err, fault.Conflict)
	}
	if _, err := r.Register(ctx, first, r.registration(h, "acme", "")); !is(err, fault.Conflict) {
		t.Errorf("registering with a retired key: got %v, want %q", err, fault.Conflict)
	}
}

// TestAddCertificateProof: what is not signed by the caller's own OpenPGP key, for
// exactly this, binds nothing.
func TestAddCertificateProof(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h, thief := r.client("acme"), r.client("acme")
	key := r.newKey()
	right := r.another(h, "acme", key)
	edited := func(edit func(*escrow.NewCertificate)) escrow.NewCertificate {
		n := right
		edit(&n)
		return n
	}
	tests := map[string]struct {
		caller escrow.Caller
		n      escrow.NewCertificate
		want   fault.Kind
	}{
		"another TLS key":       {h.Caller, edited(func(n *escrow.NewCertificate) { n.Key = r.newKey() }), fault.Invalid},
		"another organization":  {h.Caller, r.another(h, "beta", key), fault.Invalid},
		"replayed by a thief":   {thief.Caller, right, fault.Invalid},
		"signed by a thief":     {h.Caller, r.another(thief, "acme", key), fault.Invalid},
		"a stranger":            {escrow.Caller{Certificate: r.newKey()}, right, fault.Unauthenticated},
		"too old":               {h.Caller, edited(func(n *escrow.NewCertificate) { n.Time = n.Time.Add(-6 * time.Minute) }), fault.Invalid},
		"another time":          {h.Caller, edited(func(n *escrow.NewCertificate) { n.Time = n.Time.Add(-time.Minute) }), fault.Invalid},
		"no signature":          {h.Caller, edited(func(n *escrow.NewCertificate) { n.Signature = nil }), fault.Invalid},
		"no key":                {h.Caller, edited(func(n *escrow.NewCertificate) { n.PublicKey = nil }), fault.Invalid},
		"another client's key":  {h.Caller, edited(func(n *escrow.NewCertificate) { n.Key = thief.Certificate }), fault.Invalid},
		"another client's, too": {h.Caller, r.another(h, "acme", thief.Certificate), fault.Conflict},
	}
	for name, test := range tests {
		if _, err := r.AddCertificate(ctx, test.caller, test.n); !is(err, test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	if list, err := r.Certificates(ctx, h.Caller); err != nil || len(list) != 1 {
		t.Errorf("Certificates: got %+v, %v, want the first alone", list, err)
	}
	r.clock.add(6 * time.Minute)
	if _, err := r.AddCertificate(ctx, h.Caller, right); !is(err, fault.Invalid) {
		t.Errorf("replayed later: got %v, want %q", err, fault.Invalid)
	}
}

// TestRevoke: what the operator revokes is out at once.
func TestRevoke(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	cert, reach, err := r.RevokeCertificate(ctx, operator(), h.Certificate)
	if err != nil || cert.Client != h.fingerprint() || cert.Retired.IsZero() || !reach.Everywhere || reach.Node != node {
		t.Fatalf("RevokeCertificate: got %+v, in force %+v, %v", cert, reach, err)
	}
	if _, err := r.Self(ctx, h.Caller); !is(err, fault.Unauthenticated) {
		t.Errorf("Self: got %v, want %q", err, fault.Unauthenticated)
	}
	list, err := r.ClientCertificates(ctx, operator(), h.fingerprint())
	if err != nil || len(list) != 1 || list[0].Retired.IsZero() {
		t.Errorf("ClientCertificates: got %+v, %v", list, err)
	}
	if _, _, err := r.RevokeCertificate(ctx, operator(), r.newKey()); !is(err, fault.NotFound) {
		t.Errorf("none: got %v, want %q", err, fault.NotFound)
	}
	for name, do := range map[string]func() error{
		"RevokeCertificate":  func() error { _, _, err := r.RevokeCertificate(ctx, h.Caller, h.Certificate); return err },
		"ClientCertificates": func() error { _, err := r.ClientCertificates(ctx, h.Caller, h.fingerprint()); return err },
		"PurgeNow":           func() error { _, err := r.PurgeNow(ctx, h.Caller, h.fingerprint(), id(1), "reason"); return err },
	} {
		if err := do(); !is(err, fault.NotFound) || err.Error() != "no such resource" {
			t.Errorf("%s by a client: got %v, want no such resource", name, err)
		}
	}
}

// TestManyCertificates: their number is bounded, retired ones included.
func TestManyCertificates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	err := r.store.Change(escrow.Keys{}, func(*escrow.Facts) (m []escrow.Mutation, _ error) {
		for range 999 {
			m = append(m, escrow.AddCertificate{Certificate: escrow.Certificate{Key: r.newKey(), Client: h.fingerprint(), Created: r.clock.Now(), Retired: r.clock.Now()}})
		}
		return m, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.AddCertificate(ctx, h.Caller, r.another(h, "acme", r.newKey())); !is(err, fault.Quota) {
		t.Errorf("AddCertificate: got %v, want %q", err, fault.Quota)
	}
	next := h.Caller
	next.Certificate = r.newKey()
	if _, err := r.Register(ctx, next, r.registration(&host{next, h.key}, "acme", "")); !is(err, fault.Quota) {
		t.Errorf("Register: got %v, want %q", err, fault.Quota)
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Hint == "" {
		t.Errorf("no hint in %v", f)
	}
}
