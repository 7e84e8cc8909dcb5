package storetest

import (
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// testFactsAsWritten: a change finds organizations and clients as they were
// written, and nothing that it did not ask for.
func testFactsAsWritten(w *world) {
	plain := organization("plain")
	plain.Code, plain.Approval = escrow.Sealed{}, escrow.ApprovalContacts
	plain.Expires = at(3)
	nameless := client(4, "plain")
	nameless.Name, nameless.State = "", escrow.ClientPending
	w.settle()
	w.change(escrow.AddOrganization{Organization: plain}, escrow.AddClient{Client: nameless})

	want := escrow.NewFacts()
	want.AddOrganization(organization("acme", "a@example.com", "b@example.com"))
	want.AddOrganization(plain)
	want.AddClient(client(3, "beta"))
	want.AddClient(nameless)
	for org, pending := range map[escrow.OrgName]int64{"acme": 0, "plain": 1, "none": 0, "ACME": 0} {
		want.AddPending(org, pending)
		want.AddOrganizationUsage(org, escrow.Usage{})
	}
	want.AddBound(fingerprint(3), 1)
	want.AddBound(fingerprint(4), 0)
	want.AddUsage(fingerprint(3), escrow.Usage{}, "beta", escrow.Usage{})
	want.AddUsage(fingerprint(4), escrow.Usage{}, "plain", escrow.Usage{})
	w.same("facts", w.facts(escrow.Keys{
		Organizations: []escrow.OrgName{"acme", "plain", "none", "ACME", "acme"},
		Clients:       []escrow.Fingerprint{fingerprint(3), fingerprint(4), fingerprint(9)},
	}), want, nil)
}

// testFactsOfCertificate: a certificate brings its client and organization along
// as a read does; where these are asked for too, they come whole.
func testFactsOfCertificate(w *world) {
	w.settle()
	retired := certificate(4, 1)
	retired.Retired = at(20)
	w.change(escrow.AddCertificate{Certificate: retired})

	want := escrow.NewFacts()
	who := settled(1)
	want.AddCertificate(*who.Certificate)
	want.AddCertificate(*standing(retired, client(1, "acme"), organization("acme")).Certificate)
	want.AddClient(*who.Client)
	want.AddOrganization(*who.Organization)
	want.AddUsage(fingerprint(1), escrow.Usage{}, "acme", escrow.Usage{})
	keys := escrow.Keys{Certificates: []escrow.KeyHash{keyHash(1), keyHash(4), keyHash(9), {}}}
	w.same("by certificate", w.facts(keys), want, nil)

	want.AddClient(client(1, "acme"))
	want.AddBound(fingerprint(1), 2)
	want.AddPending("acme", 0)
	want.AddOrganization(organization("acme", "a@example.com", "b@example.com"))
	keys.Clients, keys.Organizations = []escrow.Fingerprint{fingerprint(1)}, []escrow.OrgName{"acme"}
	w.same("by certificate and name", w.facts(keys), want, nil)
}

// testFactsOfDeposit: a deposit is found through a certificate of its client, be
// it deleted or not, and through no other.
func testFactsOfDeposit(w *world) {
	w.settle()
	kept, deleted := deposit(1, 1, "h", 1), deposit(1, 2, "h", 2)
	kept.NotAfter, deleted.Deleted = at(100), at(30)
	theirs := deposit(2, 1, "h", 1) // under the same uuid
	theirs.Digest[0] = 7
	w.put(kept, deleted, theirs)

	want := escrow.NewFacts()
	for _, d := range described(kept, deleted) {
		want.AddDeposit(d)
	}
	w.same("own deposits", w.facts(escrow.Keys{Deposits: []escrow.DepositKey{
		{Certificate: keyHash(1), UUID: uuid(1)}, {Certificate: keyHash(1), UUID: uuid(2)}, {Certificate: keyHash(1), UUID: uuid(3)},
		{Certificate: keyHash(3), UUID: uuid(1)}, {Certificate: keyHash(9), UUID: uuid(1)},
	}}), want, nil)

	want = escrow.NewFacts()
	want.AddDeposit(described(theirs)[0])
	w.same("another client's", w.facts(escrow.Keys{Deposits: []escrow.DepositKey{{Certificate: keyHash(2), UUID: uuid(1)}}}), want, nil)
}

// testFactsLatest: the latest version of a handle counts deleted ones, belongs to
// one client, and is found by the handle's very bytes.
func testFactsLatest(w *world) {
	w.settle()
	deleted := deposit(1, 3, "h", 3)
	deleted.Deleted = at(40)
	w.put(deposit(1, 1, "h", 1), deposit(1, 2, "h", 2), deleted, deposit(1, 4, "H", 9), deposit(2, 1, "h", 12), deposit(1, 5, "deep", 1<<40))
	w.change(escrow.SetDeleted{Client: fingerprint(1), UUID: uuid(2), Deleted: at(1)})

	ask := func(cert int, handle escrow.Handle) escrow.DepositKey {
		return escrow.DepositKey{Certificate: keyHash(cert), UUID: uuid(99), Handle: handle}
	}
	want := escrow.NewFacts()
	want.AddLatest(fingerprint(1), "h", 3)
	want.AddLatest(fingerprint(1), "H", 9)
	want.AddLatest(fingerprint(1), "deep", 1<<40)
	want.AddLatest(fingerprint(2), "h", 12)
	w.same("latest versions", w.facts(escrow.Keys{Deposits: []escrow.DepositKey{
		ask(1, "h"), ask(1, "H"), ask(1, "deep"), ask(1, "h "), ask(2, "h"), ask(3, "h"), ask(9, "h"),
	}}), want, nil)

	w.change(escrow.SetDeleted{Client: fingerprint(1), UUID: uuid(3), Deleted: time.Time{}})
	want = escrow.NewFacts()
	want.AddLatest(fingerprint(1), "h", 3)
	w.same("latest version after undelete", w.facts(escrow.Keys{Deposits: []escrow.DepositKey{ask(1, "h")}}), want, nil)
}
