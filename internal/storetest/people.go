package storetest

import (
	"context"
	"errors"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// testOrganizations: all come whole, in the order of their names' bytes, with
// their contacts in that order.
func testOrganizations(w *world) {
	sorted := []escrow.Organization{
		organization("A"), organization("B-1", "z@example.com"), organization("B_1"),
		organization("a", "A@example.com", "Z@example.com", "a'b@example.com", "a@example.com", "é@example.com"), organization("a-a"), organization("b"),
	}
	sorted[2].Code, sorted[2].Approval = escrow.Sealed{}, escrow.ApprovalAutomatic
	sorted[4].ManagedBy = escrow.ManagedByFile
	for _, i := range []int{3, 1, 5, 0, 2, 4} {
		o := sorted[i]
		var reversed []escrow.Contact
		for _, contact := range o.Contacts {
			reversed = append([]escrow.Contact{contact}, reversed...)
		}
		o.Contacts = reversed
		w.change(escrow.AddOrganization{Organization: o})
	}
	got, err := w.store.Organizations(context.Background())
	w.same("Organizations", got, sorted, err)
}

// testClients: they come whole, by organization and fingerprint, of one
// organization or of all.
func testClients(w *world) {
	for _, org := range []escrow.OrgName{"b", "a", "C", "a-b"} {
		w.change(escrow.AddOrganization{Organization: organization(org)})
	}
	sorted := []escrow.Client{client(7, "C"), client(3, "a"), client(0xA0, "a"), client(1, "a-b"), client(2, "b")}
	sorted[2].Name, sorted[2].State = "", escrow.ClientDisabled
	for _, i := range []int{2, 4, 0, 3, 1} {
		w.change(escrow.AddClient{Client: sorted[i]})
	}
	for org, want := range map[escrow.OrgName][]escrow.Client{
		"": sorted, "a": sorted[1:3], "a-b": sorted[3:4], "b": sorted[4:], "C": sorted[:1], "c": nil, "none": nil, "%": nil, "' OR 1=1 --": nil,
	} {
		got, err := w.store.Clients(context.Background(), org)
		w.same("Clients of "+string(org), got, want, err)
	}
}

// testCertificates: they come whole, by time and key; retiring one changes it alone.
func testCertificates(w *world) {
	w.settle()
	second, third := certificate(8, 1), certificate(5, 1)
	second.Created = third.Created
	w.change(escrow.AddCertificate{Certificate: second}, escrow.AddCertificate{Certificate: third})
	want := []escrow.Certificate{certificate(1, 1), third, second}
	check := func(what string) {
		w.Helper()
		got, err := w.store.Certificates(context.Background(), fingerprint(1))
		w.same(what, got, want, err)
	}
	check("Certificates")
	want[1].Retired, want[1].MAC = at(9), mac("retired")
	w.change(escrow.RetireCertificate{Key: third.Key, Retired: at(9), MAC: mac("retired")})
	check("after RetireCertificate")
	found, err := w.store.Fetch(context.Background(), third.Key, escrow.Selector{})
	w.same("standing of the retired one", found.Standing, standing(want[1], client(1, "acme"), organization("acme")), err)
	for _, none := range []escrow.Fingerprint{fingerprint(9), "", "\x00"} {
		got, err := w.store.Certificates(context.Background(), none)
		w.same("Certificates of nobody", got, []escrow.Certificate(nil), err)
	}
}

// testPendingBefore: those that are pending, the oldest first, and no others.
func testPendingBefore(w *world) {
	w.settle()
	for _, n := range []int{12, 11, 14, 13} {
		c := client(n, "acme")
		if n != 13 {
			c.State = escrow.ClientPending
		}
		w.change(escrow.AddClient{Client: c})
	}
	pending := func(n int) escrow.Client {
		c := client(n, "acme")
		c.State, c.PublicKey = escrow.ClientPending, nil
		return c
	}
	got, err := w.store.PendingBefore(context.Background(), at(14), 10)
	w.same("before the last one", got, []escrow.Client{pending(11), pending(12)}, err)
	got, err = w.store.PendingBefore(context.Background(), at(99), 1)
	w.same("at most one", got, []escrow.Client{pending(11)}, err)
	got, err = w.store.PendingBefore(context.Background(), at(11), 10)
	w.same("none so old", got, []escrow.Client(nil), err)
}

// testRemoveClient: it goes with its certificates, and can be added again; one with
// deposits stays, whole.
func testRemoveClient(w *world) {
	w.settle()
	w.put(deposit(2, 1, "h", 1))
	w.change(escrow.RemoveClient{Client: fingerprint(1)})
	state := w.state()
	w.same("certificates of a removed client", state.Certificates, []escrow.Certificate(nil), nil)
	w.same("standing of a removed client", state.Standing, escrow.Standing{}, nil)
	w.change(escrow.AddClient{Client: client(1, "beta")}, escrow.AddCertificate{Certificate: certificate(1, 1)})
	before := w.state()
	if err := w.try(escrow.RemoveClient{Client: fingerprint(2)}); !errors.Is(err, fault.Internal) {
		w.Errorf("removing a client with deposits: got %v, want %v", err, fault.Internal)
	}
	w.same("after that", w.state(), before, nil)
}

// testAuthenticate: each sets the MAC of the row it names alone.
func testAuthenticate(w *world) {
	w.settle()
	want := w.state()
	step := func(name string, m escrow.Authenticate) {
		w.Helper()
		m.MAC = mac(name)
		w.change(m)
		w.same(name, w.state(), want, nil)
	}
	want.Organizations[0].MAC, want.Standing.Organization.MAC = mac("organization"), mac("organization")
	step("organization", escrow.Authenticate{Organization: "acme"})
	want.Organizations[0].Contacts[1].MAC = mac("contact")
	step("contact", escrow.Authenticate{Organization: "acme", Contact: "b@example.com"})
	want.Clients[0].MAC, want.Standing.Client.MAC = mac("client"), mac("client")
	step("client", escrow.Authenticate{Client: fingerprint(1)})
	want.Certificates[0].MAC, want.Standing.Certificate.MAC = mac("certificate"), mac("certificate")
	step("certificate", escrow.Authenticate{Certificate: new(keyHash(1))})
}
