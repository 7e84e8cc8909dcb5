package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// testDecideOnce: decide is called once for a change, whether or not the store
// can then write what it returns.
func testDecideOnce(w *world) {
	w.settle()
	for name, mutation := range map[string]escrow.Mutation{
		"a good change": escrow.AddOrganization{Organization: organization("new")},
		"a bad change":  escrow.AddOrganization{Organization: organization("acme")},
	} {
		calls := 0
		err := w.store.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
			calls++
			return []escrow.Mutation{mutation}, nil
		})
		if calls != 1 {
			w.Errorf("%s (%v): decide was called %d times, want once", name, err, calls)
		}
	}
}

// testDecideError: an error of decide comes back as it is, and the mutations
// beside it are not written.
func testDecideError(w *world) {
	w.settle()
	before := w.state()
	for _, want := range []error{errors.New("no"), fault.New(fault.Denied, "no").WithHint("a hint")} {
		err := w.store.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
			return []escrow.Mutation{escrow.AddOrganization{Organization: organization("new")}}, want
		})
		if err != want { //nolint:errorlint // the very same
			w.Errorf("Change: got %#v, want %#v", err, want)
		}
	}
	w.same("after errors of decide", w.state(), before, nil)
	w.change(escrow.AddOrganization{Organization: organization("new")})
}

// testNoMutations: a decision to change nothing is no error.
func testNoMutations(w *world) {
	w.settle()
	before := w.state()
	w.change()
	w.same("after a change of nothing", w.state(), before, nil)
	w.change(escrow.AddOrganization{Organization: organization("new")})
}

// testAllOrNothing: where a mutation contradicts what is stored, the error is
// fault.Internal, nothing of the change is written, and the next change works.
func testAllOrNothing(w *world) {
	w.settle()
	w.put(deposit(1, 1, "h", 1))
	w.change(escrow.AddRecord{Record: record(1)})
	other := func(d escrow.Deposit, edit func(*escrow.Deposit)) escrow.Mutation {
		edit(&d)
		return escrow.AddDeposit{Deposit: d}
	}
	again := organization("again")
	again.UUID = organization("acme").UUID
	bad := []struct {
		name     string
		mutation escrow.Mutation
	}{
		{"organization that exists", escrow.AddOrganization{Organization: organization("acme")}},
		{"uuid of another organization", escrow.AddOrganization{Organization: again}},
		{"contact twice in one organization", escrow.AddOrganization{Organization: organization("twice", "x@example.com", "x@example.com")}},
		{"contact that exists", escrow.AddContact{Organization: "acme", Contact: contact("a@example.com")}},
		{"contact of no organization", escrow.AddContact{Organization: "none", Contact: contact("x@example.com")}},
		{"client that exists", escrow.AddClient{Client: client(1, "acme")}},
		{"client that exists elsewhere", escrow.AddClient{Client: client(1, "beta")}},
		{"client of no organization", escrow.AddClient{Client: client(9, "none")}},
		{"certificate that exists", escrow.AddCertificate{Certificate: certificate(1, 1)}},
		{"certificate of another client", escrow.AddCertificate{Certificate: certificate(1, 2)}},
		{"certificate of no client", escrow.AddCertificate{Certificate: certificate(9, 9)}},
		{"deposit that exists", other(deposit(1, 1, "h", 2), func(*escrow.Deposit) {})},
		{"version that exists", other(deposit(1, 2, "h", 1), func(*escrow.Deposit) {})},
		{"deposit of no client", other(deposit(9, 2, "h", 1), func(*escrow.Deposit) {})},
		{"deposit under no key-encryption key", other(deposit(1, 2, "h", 2), func(d *escrow.Deposit) { d.Sealed.Generation = 2 })},
		{"deposit without sealed bytes", other(deposit(1, 2, "h", 2), func(d *escrow.Deposit) { d.Sealed.Contents = nil })},
		{"deposit without a time", other(deposit(1, 2, "h", 2), func(d *escrow.Deposit) { d.Created = time.Time{} })},
		{"generation that exists", escrow.AddKEK{Generation: 1, Check: []byte("check 2"), Created: at(1)}},
		{"record that exists", escrow.AddRecord{Record: record(1)}},
	}
	before := w.state()
	for _, b := range bad {
		err := w.try(escrow.AddOrganization{Organization: organization("first", "f@example.com")},
			escrow.SetClientState{Client: fingerprint(1), State: escrow.ClientDisabled, MAC: client(1, "").MAC},
			escrow.SetDeleted{Client: fingerprint(1), UUID: uuid(1), Deleted: at(5)},
			b.mutation,
			escrow.AddRecord{Record: record(2)})
		if !errors.Is(err, fault.Internal) {
			w.Errorf("%s: got %v, want %v", b.name, err, fault.Internal)
		}
		w.same(b.name, w.state(), before, nil)
	}
	w.change(escrow.AddRecord{Record: record(3)})
	pending, err := w.store.PendingAudit(context.Background())
	w.same("the change after", pending, []escrow.Record{record(1), record(3)}, err)
}

// testMutations: each mutation changes what it names and nothing else.
func testMutations(w *world) {
	w.settle()
	w.put(deposit(1, 1, "h", 1), deposit(1, 2, "h", 2))
	want := w.state()
	step := func(name string, m escrow.Mutation) {
		w.Helper()
		w.change(m)
		w.same(name, w.state(), want, nil)
	}
	acme := &want.Organizations[0]

	admission := func(a escrow.Approval, code escrow.Sealed, m escrow.MAC) {
		acme.Approval, acme.Code, acme.MAC = a, code, m
		want.Standing.Organization.Approval, want.Standing.Organization.MAC = a, m
		step("SetAdmission "+string(a), escrow.SetAdmission{Organization: "acme", Approval: a, Code: code, MAC: m})
	}
	admission(escrow.ApprovalContacts, escrow.Sealed{}, mac("contacts"))
	admission(escrow.ApprovalAuthCode, escrow.Sealed{Generation: 7, Key: []byte("k"), Contents: []byte("c")}, mac("code"))

	acme.Expires, acme.MAC = at(1000), mac("expired")
	want.Standing.Organization.Expires, want.Standing.Organization.MAC = acme.Expires, acme.MAC
	step("SetExpiration", escrow.SetExpiration{Organization: "acme", Expires: at(1000), MAC: mac("expired")})

	acme.ManagedBy, acme.MAC = escrow.ManagedByFile, mac("managed")
	want.Standing.Organization.ManagedBy, want.Standing.Organization.MAC = acme.ManagedBy, acme.MAC
	step("SetManagement", escrow.SetManagement{Organization: "acme", ManagedBy: escrow.ManagedByFile, MAC: mac("managed")})

	acme.Contacts = contactsOf("a'; --@example.com", "a@example.com", "b@example.com")
	step("AddContact", escrow.AddContact{Organization: "acme", Contact: contact("a'; --@example.com")})

	acme.Contacts = contactsOf("a'; --@example.com", "b@example.com")
	step("RemoveContact", escrow.RemoveContact{Organization: "acme", Contact: "a@example.com"})

	for _, state := range []escrow.ClientState{escrow.ClientDisabled, escrow.ClientPending, escrow.ClientActive} {
		m := mac(state.String())
		want.Clients[0].State, want.Standing.Client.State = state, state
		want.Clients[0].MAC, want.Standing.Client.MAC = m, m
		step("SetClientState "+state.String(), escrow.SetClientState{Client: fingerprint(1), State: state, MAC: m})
	}

	want.Deposits[0].Deleted = at(7)
	step("SetDeleted", escrow.SetDeleted{Client: fingerprint(1), UUID: uuid(1), Deleted: at(7)})
	want.Deposits[0].Deleted = time.Time{}
	step("SetDeleted, zero", escrow.SetDeleted{Client: fingerprint(1), UUID: uuid(1)})

	gone := deposit(1, 3, "h", 3)
	gone.NotAfter, gone.Deleted = at(8), at(9)
	want.Deposits = append(want.Deposits, described(gone)...)
	step("AddDeposit", escrow.AddDeposit{Deposit: gone})

	want.Deposits[0].Purged = at(10)
	step("Purge", escrow.Purge{Client: fingerprint(1), UUID: uuid(1), Purged: at(10)})

	want.KEKs[1<<32-1] = []byte("check 2")
	step("AddKEK", escrow.AddKEK{Generation: 1<<32 - 1, Check: []byte("check 2"), Created: at(1)})
	want.Pending = []escrow.Record{record(1)}
	step("AddRecord", escrow.AddRecord{Record: record(1)})
	want.Pending = nil
	step("ForgetRecords", escrow.ForgetRecords{IDs: []string{record(1).ID}})
}

// testOrder: the mutations of one change are written in their order, whatever
// stands between them.
func testOrder(w *world) {
	w.settle()
	w.put(deposit(1, 1, "h", 1))
	w.change(
		escrow.AddRecord{Record: record(1)},
		escrow.AddRecord{Record: record(2)},
		escrow.AddOrganization{Organization: organization("new", "x@example.com")},
		escrow.RemoveContact{Organization: "new", Contact: "x@example.com"},
		escrow.AddRecord{Record: record(3)},
		escrow.AddClient{Client: client(7, "new")},
		escrow.ForgetRecords{IDs: []string{record(1).ID, record(4).ID}},
		escrow.AddCertificate{Certificate: certificate(7, 7)},
		escrow.AddDeposit{Deposit: deposit(7, 1, "h", 1)},
		escrow.AddRecord{Record: record(1)}, // again: it was forgotten
		escrow.AddDeposit{Deposit: deposit(7, 2, "h", 2)},
		escrow.AddKEK{Generation: 9, Check: []byte("check 9"), Created: at(1)},
		escrow.AddDeposit{Deposit: func() escrow.Deposit { d := deposit(7, 3, "h", 3); d.Sealed.Generation = 9; return d }()},
		escrow.SetDeleted{Client: fingerprint(7), UUID: uuid(1), Deleted: at(5)},
		escrow.SetDeleted{Client: fingerprint(7), UUID: uuid(1)},
		escrow.SetDeleted{Client: fingerprint(7), UUID: uuid(2)},
		escrow.SetDeleted{Client: fingerprint(7), UUID: uuid(2), Deleted: at(6)},
		escrow.SetClientState{Client: fingerprint(7), State: escrow.ClientDisabled, MAC: client(7, "").MAC},
		escrow.SetClientState{Client: fingerprint(7), State: escrow.ClientPending, MAC: client(7, "new").MAC},
		escrow.AddRecord{Record: record(4)},
	)
	w.same("records", w.pending(), []escrow.Record{record(2), record(3), record(1), record(4)}, nil)
	second := deposit(7, 2, "h", 2)
	second.Deleted = at(6)
	who, found, err := w.store.List(context.Background(), keyHash(7), escrow.ListQuery{All: true, Limit: 10})
	w.same("deposits", found, described(deposit(7, 1, "h", 1), second, deposit(7, 3, "h", 3)), err)
	pending := client(7, "new")
	pending.State = escrow.ClientPending
	w.same("standing", who, standing(certificate(7, 7), pending, organization("new")), nil)
	want := escrow.NewFacts()
	want.AddOrganization(organization("new"))
	want.AddPending("new", 1)
	want.AddOrganizationUsage("new", escrow.Usage{})
	w.same("organization", w.facts(escrow.Keys{Organizations: []escrow.OrgName{"new"}}), want, nil)
}

// testAbsentIsNoError: to change or remove what is not there does nothing, and is
// no error: whether it must be there is policy.
func testAbsentIsNoError(w *world) {
	w.settle()
	w.put(deposit(2, 1, "h", 1))
	before := w.state()
	w.change(
		escrow.SetAdmission{Organization: "none", Approval: escrow.ApprovalAutomatic},
		escrow.SetExpiration{Organization: "none", Expires: at(1)},
		escrow.SetManagement{Organization: "none", ManagedBy: escrow.ManagedByFile},
		escrow.RemoveOrganization{Organization: "none"},
		escrow.RemoveContact{Organization: "acme", Contact: "none@example.com"},
		escrow.RemoveContact{Organization: "none", Contact: "a@example.com"},
		escrow.SetClientState{Client: fingerprint(9), State: escrow.ClientDisabled, MAC: client(9, "").MAC},
		escrow.RemoveClient{Client: fingerprint(9)},
		escrow.RetireCertificate{Key: keyHash(9), Retired: at(1)},
		escrow.Authenticate{Client: fingerprint(9), MAC: mac("x")},
		escrow.Authenticate{Organization: "none", MAC: mac("x")},
		escrow.Authenticate{Organization: "acme", Contact: "none@example.com", MAC: mac("x")},
		escrow.Authenticate{Certificate: new(keyHash(9)), MAC: mac("x")},
		escrow.Purge{Client: fingerprint(1), UUID: uuid(1), Purged: at(1)},
		escrow.SetDeleted{Client: fingerprint(1), UUID: uuid(1), Deleted: at(1)}, // it is client 2's
		escrow.ForgetRecords{},
		escrow.ForgetRecords{IDs: []string{record(1).ID}},
	)
	w.same("after changes of what is not there", w.state(), before, nil)
	found, err := w.store.Fetch(context.Background(), keyHash(2), escrow.Selector{UUID: uuid(1)})
	w.same("another client's deposit", found.Deposit, fetched(new(deposit(2, 1, "h", 1))), err)
}

// testKEKs: check values come back byte for byte, for any generation.
func testKEKs(w *world) {
	want := map[uint32][]byte{1: {0, 255, 0}, 2: []byte("check"), 1<<31 + 1: make([]byte, 16)}
	for generation, check := range want {
		w.change(escrow.AddKEK{Generation: generation, Check: check, Created: at(int(generation % 9))})
	}
	got, err := w.store.KEKs(context.Background())
	w.same("KEKs", got, want, err)
}
