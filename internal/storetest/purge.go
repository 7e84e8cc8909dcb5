package storetest

import (
	"context"

	"github.com/ktsd/ktsd/internal/escrow"
)

// testPurge: the sealed bytes go, and all else stays; the version is not free.
func testPurge(w *world) {
	w.settle()
	w.put(deposit(1, 1, "h", 1), deposit(1, 2, "h", 2), deposit(2, 2, "h", 2))
	w.change(escrow.SetDeleted{Client: fingerprint(1), UUID: uuid(2), Deleted: at(5)})
	w.change(escrow.Purge{Client: fingerprint(1), UUID: uuid(2), Purged: at(6)})
	tombstone := deposit(1, 2, "h", 2)
	tombstone.Deleted, tombstone.Purged = at(5), at(6)
	want := fetched(&tombstone)
	want.Sealed = escrow.Sealed{Generation: 1, Key: []byte{}, Contents: []byte{}}
	for name, sel := range map[string]escrow.Selector{
		"uuid": {UUID: uuid(2)}, "version": {Handle: "h", Version: 2}, "latest": {Handle: "h"},
	} {
		found, err := w.store.Fetch(context.Background(), keyHash(1), sel)
		if d := found.Deposit; d != nil && len(d.Sealed.Key) == 0 && len(d.Sealed.Contents) == 0 {
			d.Sealed.Key, d.Sealed.Contents = []byte{}, []byte{} // a store may tell nothing as nil
		}
		w.same("Fetch by "+name, found.Deposit, want, err)
	}
	_, list, err := w.store.List(context.Background(), keyHash(1), escrow.ListQuery{All: true, Limit: 10})
	w.same("List of all", list, described(deposit(1, 1, "h", 1), tombstone), err)
	_, list, err = w.store.List(context.Background(), keyHash(1), escrow.ListQuery{Limit: 10})
	w.same("List", list, []escrow.Deposit(nil), err)
	other, err := w.store.Fetch(context.Background(), keyHash(2), escrow.Selector{UUID: uuid(2)})
	w.same("another client's of the same uuid", other.Deposit, fetched(new(deposit(2, 2, "h", 2))), err)

	facts := w.facts(escrow.Keys{Owned: []escrow.OwnedKey{{Client: fingerprint(1), UUID: uuid(2)}, {Client: fingerprint(1), UUID: uuid(9)}, {Client: fingerprint(9), UUID: uuid(1)}}})
	wantFacts := escrow.NewFacts()
	wantFacts.AddDeposit(described(tombstone)[0])
	w.same("facts of one's own", facts, wantFacts, nil)
}

// testUsage: what was set last comes with a certificate and with a client, and is
// nothing where it was never set.
func testUsage(w *world) {
	w.settle()
	keys := escrow.Keys{Certificates: []escrow.KeyHash{keyHash(1), keyHash(2), keyHash(3)}, Clients: []escrow.Fingerprint{fingerprint(1)}}
	check := func(what string, one, acme escrow.Usage) {
		w.Helper()
		want := escrow.NewFacts()
		for n, org := range map[int]escrow.OrgName{1: "acme", 2: "acme", 3: "beta"} {
			who := settled(n)
			want.AddCertificate(*who.Certificate)
			want.AddClient(*who.Client)
			want.AddOrganization(*who.Organization)
			want.AddUsage(fingerprint(n), escrow.Usage{}, org, escrow.Usage{})
		}
		want.AddUsage(fingerprint(1), one, "acme", acme)
		want.AddClient(client(1, "acme"))
		want.AddBound(fingerprint(1), 1)
		w.same(what, w.facts(keys), want, nil)
		alone := emptyFacts("acme")
		alone.AddOrganization(organization("acme", "a@example.com", "b@example.com"))
		alone.AddOrganizationUsage("acme", acme)
		w.same(what+", the organization's alone", w.facts(escrow.Keys{Organizations: []escrow.OrgName{"acme"}}), alone, nil)
	}
	check("before any", escrow.Usage{}, escrow.Usage{})
	w.change(
		escrow.SetUsage{Client: fingerprint(1), Usage: escrow.Usage{Deposits: 1, Bytes: 1}},
		escrow.SetUsage{Organization: "acme", Usage: escrow.Usage{Deposits: 5, Bytes: 1 << 40}},
		escrow.SetUsage{Client: fingerprint(1), Usage: escrow.Usage{Deposits: 2, Bytes: 1 << 41}},
	)
	check("set", escrow.Usage{Deposits: 2, Bytes: 1 << 41}, escrow.Usage{Deposits: 5, Bytes: 1 << 40})
	w.change(escrow.SetUsage{Organization: "acme", Usage: escrow.Usage{}})
	check("set again", escrow.Usage{Deposits: 2, Bytes: 1 << 41}, escrow.Usage{})
}
