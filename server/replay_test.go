package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/proof"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// another is a right request to bind the TLS key of next, made at a time.
func (i *identity) another(t testing.TB, s *ktest.Server, org string, next *identity, at time.Time) []byte {
	t.Helper()
	csr, err := tlsconf.NewRequest(i.key.Fingerprint(), next.pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(api.NewCertificate{
		Request: string(csr), PublicKey: i.armored(t), Time: at,
		Signature: i.sign(t, proof.Certificate(org, serverFingerprint(t, s), i.key.Fingerprint(), tlsconf.KeyHash(next.pair.Leaf), at)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestReplayedProofs: what somebody captured of a registration, or of a request for
// another certificate, binds nothing when it is sent again: by another TLS key, by
// the same once it is retired, or later. What is repeated at once, by whom it was
// made, changes nothing.
func TestReplayedProofs(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s := ktest.Start(t, dir)
		s.Organization(t, "acme")
		s.Organization(t, "umbrella")
		now := time.Now().UTC().Truncate(time.Second)
		first := newIdentity(t)
		second, thief := first.withCertificate(t), newIdentity(t)
		wantOK(t, "the thief's own registration", thief.register(t, s, thief.registration(t, s, "acme")), nil)
		captured := first.registration(t, s, "acme")
		wantOK(t, "registering", first.register(t, s, captured), nil)
		wantOK(t, "the same again", first.register(t, s, captured), nil)

		add := func(by *identity, body []byte) reply {
			return request(t, s.HTTP(t, by.pair), http.MethodPost, s.URL+"/v1/certificates", body)
		}
		rotation := first.another(t, s, "acme", second, now)
		wantOK(t, "another certificate", add(first, rotation), nil)
		wantOK(t, "the same again", add(first, rotation), nil)
		wantOK(t, "the same again, by the new one", add(second, rotation), nil)
		wantKind(t, "the request, by a thief", add(thief, rotation), fault.Invalid)
		wantKind(t, "the request, by a stranger", add(newIdentity(t), rotation), fault.Unauthenticated)
		wantKind(t, "the registration, by a thief's TLS key", thief.register(t, s, captured), fault.Invalid)
		wantKind(t, "the registration, by the client's other TLS key", second.register(t, s, captured), fault.Invalid)
		elsewhere := captured
		elsewhere.Organization = "umbrella"
		wantKind(t, "the registration, for another organization", first.register(t, s, elsewhere), fault.Invalid)

		retire := request(t, s.HTTP(t, second.pair), http.MethodDelete, s.URL+"/v1/certificates/"+first.keyHash(), nil)
		wantOK(t, "retiring the first", retire, nil)
		wantKind(t, "the registration, by the retired key", first.register(t, s, captured), fault.Conflict)
		wantKind(t, "a new registration by the retired key", first.register(t, s, first.registration(t, s, "acme")), fault.Conflict)
		wantKind(t, "the retired key, offered by its client", add(second, first.another(t, s, "acme", first, now)), fault.Conflict)
		wantKind(t, "the retired key, offered by a thief who has it", add(thief, thief.another(t, s, "acme", first, now)), fault.Conflict)
		stolen := &identity{key: thief.key, pair: first.pair}
		wantKind(t, "a thief's registration with the retired key", stolen.register(t, s, stolen.registration(t, s, "acme")), fault.Conflict)
		wantKind(t, "the retired key", request(t, s.HTTP(t, first.pair), http.MethodGet, s.URL+"/v1/self", nil), fault.Unauthenticated)

		// As if it were sent 6 minutes after it was made.
		third := first.withCertificate(t)
		wantKind(t, "an old request", add(second, first.another(t, s, "acme", third, now.Add(-6*time.Minute))), fault.Invalid)
		old := third.registration(t, s, "acme")
		old.Time = now.Add(-6 * time.Minute)
		old.Signature = third.prove(t, "acme", serverFingerprint(t, s), third.pair, old.Time)
		wantKind(t, "an old registration", third.register(t, s, old), fault.Invalid)
		wantKind(t, "its key", request(t, s.HTTP(t, third.pair), http.MethodGet, s.URL+"/v1/self", nil), fault.Unauthenticated)

		certs, err := s.Admin().Certificates(t.Context(), first.key.Fingerprint())
		if err != nil || len(certs) != 2 || certs[0].Retired == nil || certs[1].Retired != nil {
			t.Errorf("certificates: got %+v (%v), want the retired one and the second", certs, err)
		}
		if certs, err := s.Admin().Certificates(t.Context(), thief.key.Fingerprint()); err != nil || len(certs) != 1 {
			t.Errorf("the thief's certificates: got %+v (%v), want its own", certs, err)
		}
		s.Stop(t)
		found := ktest.Must(t, "ktadmin", "audit", "search", "--confdir", dir, "--outcome", "refused")
		contains(t, "the audit log", found, "certificate.add "+first.keyHash()+" (conflict) by client "+thief.key.Fingerprint(),
			"client.register "+first.key.Fingerprint()+" (conflict)")
	})
}

// TestFingerprintOfTwoOrganizations: a fingerprint belongs to the organization that
// had it first, whichever TLS key asks for another, and to one of those that ask at
// the same time.
func TestFingerprintOfTwoOrganizations(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s := ktest.Start(t, dir)
		orgs := []string{"acme", "umbrella", "initech", "hooli"}
		for _, org := range orgs {
			s.Organization(t, org)
		}
		for range 5 {
			id := newIdentity(t)
			answers := make(chan reply, len(orgs))
			for _, org := range orgs {
				other := id.withCertificate(t)
				in := other.registration(t, s, org)
				go func() { answers <- other.register(t, s, in) }()
			}
			taken := ""
			for range orgs {
				r := <-answers
				if r.status != http.StatusOK {
					wantKind(t, "another organization's claim", r, fault.Conflict)
					continue
				}
				var c api.Client
				wantOK(t, "a claim", r, &c)
				if taken != "" {
					t.Errorf("%s: claimed by %s and %s", c.Fingerprint, taken, c.Organization)
				}
				taken = c.Organization
			}
			if got := behind(t, dir, fmt.Sprintf(`SELECT organization FROM clients WHERE fingerprint = '%s'`, id.key.Fingerprint())); got != taken || taken == "" {
				t.Errorf("organization: got %q, want %q, whose claim was answered with 200", got, taken)
			}
			if got := behind(t, dir, fmt.Sprintf(`SELECT count(*) FROM certificates WHERE client = '%s'`, id.key.Fingerprint())); got != "1" {
				t.Errorf("certificates: got %s, want the one of the claim that was taken", got)
			}
		}
	})
}

// TestPendingCap: no more clients of an organization wait for approval than may,
// also where all come at once; who is approved makes room, and other organizations
// are not in the way. That those who wait for too long are forgotten takes an hour at
// the least: TestPending in package escrow sets the clock.
func TestPendingCap(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		setLimits(t, dir, func(l *bounds.Limits) { l.PendingClients = 5 })
		s := ktest.Start(t, dir)
		organization(t, s, "careful", "contacts", "")
		organization(t, s, "another", "contacts", "")
		type try struct {
			*identity
			reply
		}
		const all = 15
		tries := make(chan try, all)
		for range all {
			id := newIdentity(t)
			in := id.registration(t, s, "careful")
			go func() { tries <- try{id, id.register(t, s, in)} }()
		}
		var waiting, refused []*identity
		for range all {
			r := <-tries
			if r.status == http.StatusOK {
				waiting = append(waiting, r.identity)
				continue
			}
			wantKind(t, "one more", r.reply, fault.Quota)
			contains(t, "its message", r.detail().Message, "careful", "5")
			refused = append(refused, r.identity)
		}
		if len(waiting) != 5 {
			t.Fatalf("waiting: got %d, want 5", len(waiting))
		}
		register := func(id *identity, org string) reply { return id.register(t, s, id.registration(t, s, org)) }
		wantOK(t, "one that waits, again", register(waiting[0], "careful"), nil)
		wantOK(t, "another organization", register(newIdentity(t), "another"), nil)
		wantKind(t, "who was refused", request(t, s.HTTP(t, refused[0].pair), http.MethodGet, s.URL+"/v1/self", nil), fault.Unauthenticated)
		ktest.Must(t, "orgtool", "enable-client", "--confdir", dir, "--fingerprint", waiting[0].key.Fingerprint())
		wantOK(t, "after one was approved", register(refused[0], "careful"), nil)
		wantKind(t, "one more", register(refused[1], "careful"), fault.Quota)
		box{s.HTTP(t, waiting[0].pair), s.URL}.keep(t, "h", []byte("x"))
	})
}
