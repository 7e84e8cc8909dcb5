package escrow_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC)

const (
	alice = escrow.Fingerprint("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	bob   = escrow.Fingerprint("BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB")
)

// is tells whether err has the kind; the empty kind stands for no error.
func is(err error, kind fault.Kind) bool {
	if kind == "" {
		return err == nil
	}
	return errors.Is(err, kind)
}

func known(edit func(*escrow.Standing)) escrow.Standing {
	s := escrow.Standing{
		Certificate:  &escrow.Certificate{Key: escrow.KeyHash{1}, Client: alice},
		Client:       &escrow.Client{Fingerprint: alice, Organization: "acme", State: escrow.ClientActive},
		Organization: &escrow.Organization{Name: "acme", Expires: noon.Add(time.Hour)},
	}
	if edit != nil {
		edit(&s)
	}
	return s
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	state := func(state escrow.ClientState) func(*escrow.Standing) {
		return func(s *escrow.Standing) { s.Client.State = state }
	}
	expires := func(at time.Time) func(*escrow.Standing) {
		return func(s *escrow.Standing) { s.Organization.Expires = at }
	}
	tests := []struct {
		name            string
		standing        escrow.Standing
		identify, admit fault.Kind
	}{
		{"known and active", known(nil), "", ""},
		{"nobody", escrow.Standing{}, fault.Unauthenticated, fault.Unauthenticated},
		{"no certificate", known(func(s *escrow.Standing) { s.Certificate = nil }), fault.Unauthenticated, fault.Unauthenticated},
		{"no client", known(func(s *escrow.Standing) { s.Client = nil }), fault.Unauthenticated, fault.Unauthenticated},
		{"no organization", known(func(s *escrow.Standing) { s.Organization = nil }), fault.Unauthenticated, fault.Unauthenticated},
		{"retired certificate", known(func(s *escrow.Standing) { s.Certificate.Retired = noon.Add(-time.Hour) }), fault.Unauthenticated, fault.Unauthenticated},
		{"pending", known(state(escrow.ClientPending)), "", fault.Pending},
		{"disabled", known(state(escrow.ClientDisabled)), "", fault.Disabled},
		{"no state", known(state(0)), "", fault.Disabled},
		{"a state that nobody knows", known(state(4)), "", fault.Disabled},
		{"organization expires now", known(expires(noon)), "", fault.Disabled},
		{"organization expires a moment later", known(expires(noon.Add(1))), "", ""},
		{"organization without expiry date", known(expires(time.Time{})), "", fault.Disabled},
		{"pending in an expired organization", known(func(s *escrow.Standing) { state(escrow.ClientPending)(s); expires(noon)(s) }), "", fault.Pending},
	}
	for _, test := range tests {
		if got := escrow.Identify(test.standing); !is(got, test.identify) {
			t.Errorf("%s: identify: got %v, want %q", test.name, got, test.identify)
		}
		if got := escrow.Admit(test.standing, noon); !is(got, test.admit) {
			t.Errorf("%s: admit: got %v, want %q", test.name, got, test.admit)
		}
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		deposit *escrow.Deposit
		want    fault.Kind
	}{
		{"there", &escrow.Deposit{}, ""},
		{"none", nil, fault.NotFound},
		{"deleted", &escrow.Deposit{Deleted: noon.Add(-time.Hour)}, fault.NotFound},
		{"deleted in the future", &escrow.Deposit{Deleted: noon.Add(time.Hour)}, fault.NotFound},
		{"not_after a moment later", &escrow.Deposit{NotAfter: noon.Add(1)}, ""},
		{"not_after now", &escrow.Deposit{NotAfter: noon}, fault.Gone},
		{"not_after has passed", &escrow.Deposit{NotAfter: noon.Add(-1)}, fault.Gone},
		{"deleted, not_after has passed", &escrow.Deposit{Deleted: noon, NotAfter: noon.Add(-1)}, fault.NotFound},
	}
	for _, test := range tests {
		if got := escrow.Serve(test.deposit, noon); !is(got, test.want) {
			t.Errorf("%s: got %v, want %q", test.name, got, test.want)
		}
	}
}

func TestAcceptPut(t *testing.T) {
	t.Parallel()
	put := escrow.NewDeposit{UUID: "u", Handle: "h", Contents: []byte("contents")}
	until := put
	until.NotAfter = noon.Add(time.Hour)
	passed := put
	passed.NotAfter = noon
	kept := func(n escrow.NewDeposit, client escrow.Fingerprint) escrow.Deposit {
		return escrow.Deposit{Client: client, UUID: n.UUID, Handle: n.Handle, NotAfter: n.NotAfter, Version: 7,
			Digest: escrow.DepositDigest(n.Handle, n.NotAfter, n.Contents)}
	}
	other := func(edit func(*escrow.NewDeposit)) *escrow.Deposit {
		n := put
		edit(&n)
		d := kept(n, alice)
		return &d
	}
	same, sameUntil, samePassed, theirs := kept(put, alice), kept(until, alice), kept(passed, alice), kept(put, bob)
	deleted := same
	deleted.Deleted = noon

	tests := []struct {
		name    string
		put     escrow.NewDeposit
		there   *escrow.Deposit
		latest  int64
		version int64
		prior   *escrow.Deposit
		err     fault.Kind
	}{
		{"first version", put, nil, 0, 1, nil, ""},
		{"next version", put, nil, 41, 42, nil, ""},
		{"not_after in the future", until, nil, 0, 1, nil, ""},
		{"not_after has passed", passed, nil, 0, 0, nil, fault.Invalid},
		{"the same again", put, &same, 9, 7, &same, ""},
		{"the same again, deleted since", put, &deleted, 9, 7, &deleted, ""},
		{"the same again with not_after", until, &sameUntil, 9, 7, &sameUntil, ""},
		{"the same again, not_after has passed since", passed, &samePassed, 9, 7, &samePassed, ""},
		{"other contents", put, other(func(n *escrow.NewDeposit) { n.Contents = []byte("Contents") }), 9, 0, nil, fault.Conflict},
		{"other handle", put, other(func(n *escrow.NewDeposit) { n.Handle = "h2" }), 9, 0, nil, fault.Conflict},
		{"not_after added", until, &same, 9, 0, nil, fault.Conflict},
		{"not_after left out", put, &sameUntil, 9, 0, nil, fault.Conflict},
		{"uuid of another client", put, &theirs, 3, 4, nil, ""},
	}
	for _, test := range tests {
		facts := escrow.NewFacts()
		if test.there != nil {
			facts.AddDeposit(*test.there)
		}
		facts.AddLatest(alice, "h", test.latest)
		facts.AddLatest(bob, "h", 99)
		facts.AddLatest(alice, "H", 98)
		version, prior, err := escrow.AcceptPut(facts, alice, test.put, noon)
		if !is(err, test.err) || version != test.version {
			t.Errorf("%s: got version %d, %v, want %d, %q", test.name, version, err, test.version, test.err)
		}
		if diff := cmp.Diff(test.prior, prior); diff != "" {
			t.Errorf("%s: prior: (-want +got)\n%s", test.name, diff)
		}
	}
}

func TestAcceptRegistration(t *testing.T) {
	t.Parallel()
	asked := escrow.Asked{Organization: "acme", Name: "db1", Key: escrow.PublicKey{Fingerprint: alice, Binary: []byte{1}}, Certificate: escrow.KeyHash{1}}
	org := func(approval escrow.Approval) escrow.Organization {
		return escrow.Organization{Name: "acme", Approval: approval, Expires: noon.Add(time.Hour)}
	}
	expired := org(escrow.ApprovalAutomatic)
	expired.Expires = noon
	client := func(org escrow.OrgName, state escrow.ClientState) *escrow.Client {
		return &escrow.Client{Fingerprint: alice, Organization: org, Name: "as first registered", State: state, Created: noon.Add(-time.Hour)}
	}
	fresh := func(state escrow.ClientState) escrow.Client {
		return escrow.Client{Fingerprint: alice, Organization: "acme", Name: "db1", State: state, PublicKey: []byte{1}, Created: noon}
	}
	bound := func(to escrow.Fingerprint, retired time.Time) *escrow.Certificate {
		return &escrow.Certificate{Key: escrow.KeyHash{1}, Client: to, Retired: retired}
	}
	active, pending, disabled := client("acme", escrow.ClientActive), client("acme", escrow.ClientPending), client("acme", escrow.ClientDisabled)
	tests := []struct {
		name        string
		org         escrow.Organization
		codeRight   bool
		client      *escrow.Client
		certificate *escrow.Certificate
		want        escrow.Admission
		err         fault.Kind
	}{
		{"right code", org(escrow.ApprovalAuthCode), true, nil, nil, escrow.Admission{Client: fresh(escrow.ClientActive), Bind: true}, ""},
		{"wrong code", org(escrow.ApprovalAuthCode), false, nil, nil, escrow.Admission{}, fault.Denied},
		{"no organization", escrow.Organization{Name: "other", Expires: noon.Add(1)}, true, nil, nil, escrow.Admission{}, fault.Denied},
		{"expired organization", expired, true, nil, nil, escrow.Admission{}, fault.Denied},
		{"contacts approve", org(escrow.ApprovalContacts), false, nil, nil, escrow.Admission{Client: fresh(escrow.ClientPending), Bind: true}, ""},
		{"automatic", org(escrow.ApprovalAutomatic), false, nil, nil, escrow.Admission{Client: fresh(escrow.ClientActive), Bind: true}, ""},

		{"again, active", org(escrow.ApprovalAutomatic), false, active, bound(alice, time.Time{}), escrow.Admission{Client: *active, Known: true}, ""},
		{"again, pending", org(escrow.ApprovalAutomatic), false, pending, bound(alice, time.Time{}), escrow.Admission{Client: *pending, Known: true}, ""},
		{"again, disabled", org(escrow.ApprovalAutomatic), false, disabled, bound(alice, time.Time{}), escrow.Admission{Client: *disabled, Known: true}, ""},
		{"again, wrong code", org(escrow.ApprovalAuthCode), false, active, bound(alice, time.Time{}), escrow.Admission{}, fault.Denied},
		{"another certificate", org(escrow.ApprovalAutomatic), false, active, nil, escrow.Admission{Client: *active, Known: true, Bind: true}, ""},
		{"another certificate, pending", org(escrow.ApprovalContacts), false, pending, nil, escrow.Admission{}, fault.Pending},
		{"another certificate, disabled", org(escrow.ApprovalAutomatic), false, disabled, nil, escrow.Admission{}, fault.Disabled},
		{"client of another organization", org(escrow.ApprovalAutomatic), false, client("beta", escrow.ClientActive), nil, escrow.Admission{}, fault.Conflict},
		{"certificate of another client", org(escrow.ApprovalAutomatic), false, nil, bound(bob, time.Time{}), escrow.Admission{}, fault.Conflict},
		{"certificate of another client, known", org(escrow.ApprovalAutomatic), false, active, bound(bob, time.Time{}), escrow.Admission{}, fault.Conflict},
		{"own certificate, retired", org(escrow.ApprovalAutomatic), false, active, bound(alice, noon), escrow.Admission{}, fault.Conflict},
		{"certificate of another client, wrong code", org(escrow.ApprovalAuthCode), false, nil, bound(bob, time.Time{}), escrow.Admission{}, fault.Denied},
	}
	for _, test := range tests {
		facts := escrow.NewFacts()
		facts.AddOrganization(test.org)
		if test.client != nil {
			facts.AddClient(*test.client)
		}
		if test.certificate != nil {
			facts.AddCertificate(*test.certificate)
		}
		got, err := escrow.AcceptRegistration(facts, asked, test.codeRight, noon)
		if !is(err, test.err) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.name, diff)
		}
	}
}
