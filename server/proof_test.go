package main_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/proof"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// TestRegistrationBadProofs: a signature that was made for anything else than
// this server, organization, TLS key and time binds nothing.
func TestRegistrationBadProofs(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	s.Organization(t, "other")
	id, stranger := newIdentity(t), newIdentity(t)
	server := serverFingerprint(t, s)
	day := 24 * time.Hour
	spoil := map[string]func(*api.Registration){
		"another server":       func(r *api.Registration) { r.Signature = id.prove(t, "acme", strings.Repeat("A", 40), id.pair, r.Time) },
		"server in lower case": func(r *api.Registration) { r.Signature = id.prove(t, "acme", strings.ToLower(server), id.pair, r.Time) },
		"another organization": func(r *api.Registration) { r.Signature = id.prove(t, "other", server, id.pair, r.Time) },
		"another TLS key":      func(r *api.Registration) { r.Signature = id.prove(t, "acme", server, stranger.pair, r.Time) },
		"another purpose": func(r *api.Registration) {
			text := proof.Registration("acme", server, tlsconf.KeyHash(id.pair.Leaf), r.Time)
			r.Signature = id.sign(t, bytes.Replace(text, []byte("ktsd-registration/1"), []byte("ktsd-rotation/1"), 1))
		},
		"a deposit's context": func(r *api.Registration) {
			r.Signature = id.sign(t, []byte(proof.DepositContext(server, "acme", "6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1", "x")))
		},
		"another time": func(r *api.Registration) { r.Signature = id.prove(t, "acme", server, id.pair, r.Time.Add(time.Second)) },
		"yesterday's, said so": func(r *api.Registration) {
			r.Time = r.Time.Add(-day)
			r.Signature = id.prove(t, "acme", server, id.pair, r.Time)
		},
		"yesterday's, as of now": func(r *api.Registration) { r.Signature = id.prove(t, "acme", server, id.pair, r.Time.Add(-day)) },
		"tomorrow's": func(r *api.Registration) {
			r.Time = r.Time.Add(day)
			r.Signature = id.prove(t, "acme", server, id.pair, r.Time)
		},
		"of 6 minutes ago": func(r *api.Registration) {
			r.Time = r.Time.Add(-6 * time.Minute)
			r.Signature = id.prove(t, "acme", server, id.pair, r.Time)
		},
		"without a time":          func(r *api.Registration) { r.Time = time.Time{} },
		"by another key":          func(r *api.Registration) { r.Signature = stranger.prove(t, "acme", server, id.pair, r.Time) },
		"for another key's block": func(r *api.Registration) { r.PublicKey = stranger.armored(t) },
		"no signature":            func(r *api.Registration) { r.Signature = nil },
		"garbage":                 func(r *api.Registration) { r.Signature = bytes.Repeat([]byte{0x88}, 100) },
		"cut":                     func(r *api.Registration) { r.Signature = r.Signature[:len(r.Signature)-1] },
		"two signatures":          func(r *api.Registration) { r.Signature = append(r.Signature, r.Signature...) },
	}
	for i, name := range slices.Sorted(maps.Keys(spoil)) {
		in := id.registration(t, s, "acme")
		spoil[name](&in)
		wantKind(t, name, post(t, from(t, s, fmt.Sprintf("127.0.1.%d", i+1), id.pair), s, in), fault.Invalid)
	}
	clients, err := s.Admin().Clients(t.Context(), "")
	if err != nil || len(clients) != 0 {
		t.Fatalf("clients after bad proofs: got %v (%v), want none", clients, err)
	}
	in := id.registration(t, s, "acme")
	in.Time = in.Time.Add(-4 * time.Minute)
	in.Signature = id.prove(t, "acme", server, id.pair, in.Time)
	wantOK(t, "a proof of 4 minutes ago", id.register(t, s, in), nil)
}

// TestRegistrationOverAnotherConnection: the proof must name the key that made
// this very TLS connection.
func TestRegistrationOverAnotherConnection(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	victim, thief := newIdentity(t), newIdentity(t)
	overheard := victim.registration(t, s, "acme")
	wantKind(t, "another's registration over the own connection", post(t, s.HTTP(t, thief.pair), s, overheard), fault.Invalid)
	wantKind(t, "a registration without a certificate", post(t, s.HTTP(t), s, overheard), fault.Unauthenticated)
	wantOK(t, "the victim's own", victim.register(t, s, overheard), nil)

	// The thief claims the victim's TLS key for its own fingerprint.
	in := thief.registration(t, s, "acme")
	in.Signature = thief.prove(t, "acme", serverFingerprint(t, s), victim.pair, in.Time)
	wantKind(t, "another's TLS key over the own connection", post(t, s.HTTP(t, thief.pair), s, in), fault.Invalid)
	wantKind(t, "a TLS key that is another client's", post(t, s.HTTP(t, victim.pair), s, in), fault.Conflict)
	var c api.Client
	wantOK(t, "who the victim is", request(t, s.HTTP(t, victim.pair), "GET", s.URL+"/v1/self", nil), &c)
	if c.Fingerprint != victim.key.Fingerprint() {
		t.Errorf("the victim's certificate: got bound to %s, want %s", c.Fingerprint, victim.key.Fingerprint())
	}
}
