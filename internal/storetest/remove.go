package storetest

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/internal/escrow"
)

// holding is what an organization holds, as reads and changes tell it.
func (w *world) holding(org escrow.OrgName) *escrow.Holding {
	w.Helper()
	got, err := w.store.Holding(context.Background(), org)
	want := escrow.NewFacts()
	if got != nil {
		want.AddHolding(org, *got)
	}
	w.same(fmt.Sprintf("facts of what %q holds", org), w.facts(escrow.Keys{Holdings: []escrow.OrgName{org, org}}), want, err)
	return got
}

// testHolding: it is counted, whatever the usage says: deleted deposits are, purged
// ones are not.
func testHolding(w *world) {
	w.settle()
	check := func(what string, acme, beta escrow.Holding) {
		w.Helper()
		w.same(what+": acme", w.holding("acme"), &acme, nil)
		w.same(what+": beta", w.holding("beta"), &beta, nil)
	}
	check("before any deposit", escrow.Holding{Clients: 2}, escrow.Holding{Clients: 1})
	w.put(deposit(1, 1, "h", 1), deposit(1, 2, "h", 2), deposit(2, 3, "h", 1), deposit(3, 4, "h", 1))
	w.change(escrow.SetUsage{Organization: "acme", Usage: escrow.Usage{Deposits: 99, Bytes: 99}})
	check("put", escrow.Holding{Clients: 2, Deposits: 3, Bytes: 6}, escrow.Holding{Clients: 1, Deposits: 1, Bytes: 4})
	w.change(escrow.SetDeleted{Client: fingerprint(1), UUID: uuid(1), Deleted: at(5)})
	check("deleted", escrow.Holding{Clients: 2, Deposits: 3, Bytes: 6}, escrow.Holding{Clients: 1, Deposits: 1, Bytes: 4})
	w.change(escrow.Purge{Client: fingerprint(1), UUID: uuid(1), Purged: at(6)})
	check("purged", escrow.Holding{Clients: 2, Deposits: 2, Bytes: 5}, escrow.Holding{Clients: 1, Deposits: 1, Bytes: 4})
	w.change(escrow.AddClient{Client: client(5, "beta")})
	check("another client", escrow.Holding{Clients: 2, Deposits: 2, Bytes: 5}, escrow.Holding{Clients: 2, Deposits: 1, Bytes: 4})
	for _, none := range []escrow.OrgName{"none", "ACME", "", "%"} {
		w.same(fmt.Sprintf("of %q, which is not there", none), w.holding(none), (*escrow.Holding)(nil), nil)
	}
	got, err := w.store.Holding(context.Background(), "\x00")
	w.same("of what is no name", got, (*escrow.Holding)(nil), err)
}

// testRemoveOrganization: it goes with all below it, and nothing of another one does.
// Of its certificates the keys of those that were retired stay, as spent.
func testRemoveOrganization(w *world) {
	w.settle()
	retired := certificate(4, 2)
	retired.Retired = at(3)
	deleted, purged := deposit(1, 2, "h", 2), deposit(2, 3, "h", 1)
	deleted.Deleted, purged.Deleted = at(5), at(5)
	w.put(deposit(1, 1, "h", 1), deleted, purged, deposit(3, 4, "h", 1))
	w.change(
		escrow.AddCertificate{Certificate: retired}, escrow.Purge{Client: fingerprint(2), UUID: uuid(3), Purged: at(6)},
		escrow.SetUsage{Client: fingerprint(1), Usage: escrow.Usage{Deposits: 2, Bytes: 3}}, escrow.SetUsage{Organization: "acme", Usage: escrow.Usage{Deposits: 2, Bytes: 3}},
		escrow.SetUsage{Client: fingerprint(3), Usage: escrow.Usage{Deposits: 1, Bytes: 4}}, escrow.SetUsage{Organization: "beta", Usage: escrow.Usage{Deposits: 1, Bytes: 4}},
		escrow.AddRecord{Record: record(1)},
	)
	others := func() []any {
		ctx := context.Background()
		who, list, err := w.store.List(ctx, keyHash(3), escrow.ListQuery{All: true, Limit: 10})
		w.same("List of another organization's", nil, nil, err)
		certs, err := w.store.Certificates(ctx, fingerprint(3))
		w.same("Certificates of another organization's", nil, nil, err)
		return []any{who, list, certs, w.pending(), w.holding("beta"), w.facts(escrow.Keys{
			Certificates: []escrow.KeyHash{keyHash(3)}, Clients: []escrow.Fingerprint{fingerprint(3)}, Organizations: []escrow.OrgName{"beta"},
		})}
	}
	before := others()
	w.change(escrow.RemoveOrganization{Organization: "acme"})
	w.same("what is another's", others(), before, nil)
	w.gone("acme")

	spent := escrow.NewFacts()
	spent.AddSpent(retired.Key)
	keys := escrow.Keys{Spent: []escrow.KeyHash{keyHash(1), keyHash(2), keyHash(3), keyHash(4), keyHash(4), keyHash(9)}}
	w.same("spent keys", w.facts(keys), spent, nil)
	w.store = w.reopen()
	w.same("spent keys after a restart", w.facts(keys), spent, nil)

	w.settleAgain()
	w.same("an organization of the same name", w.holding("acme"), &escrow.Holding{Clients: 2}, nil)
	w.same("its client's deposits", w.list(escrow.ListQuery{All: true, Limit: 10}), []escrow.Deposit(nil), nil)
	who := settled(1)
	want := escrow.NewFacts()
	want.AddCertificate(*who.Certificate)
	want.AddClient(*who.Client)
	want.AddOrganization(*who.Organization)
	want.AddUsage(fingerprint(1), escrow.Usage{}, "acme", escrow.Usage{})
	w.same("its client", w.facts(escrow.Keys{
		Certificates: []escrow.KeyHash{keyHash(1)}, Deposits: []escrow.DepositKey{{Certificate: keyHash(1), UUID: uuid(1), Handle: "h"}},
	}), want, nil)
	w.put(deposit(1, 1, "h", 1))
}

// gone checks that nothing is found of what settle wrote into an organization.
func (w *world) gone(org escrow.OrgName) {
	w.Helper()
	ctx := context.Background()
	w.same("what it holds", w.holding(org), (*escrow.Holding)(nil), nil)
	clients, err := w.store.Clients(ctx, org)
	w.same("its clients", clients, []escrow.Client(nil), err)
	w.same("what changes find of it", w.facts(escrow.Keys{
		Certificates: []escrow.KeyHash{keyHash(1), keyHash(2)}, Clients: []escrow.Fingerprint{fingerprint(1), fingerprint(2)}, Organizations: []escrow.OrgName{org},
		Deposits: []escrow.DepositKey{{Certificate: keyHash(1), UUID: uuid(1), Handle: "h"}},
		Owned:    []escrow.OwnedKey{{Client: fingerprint(1), UUID: uuid(1)}, {Client: fingerprint(2), UUID: uuid(3)}},
	}), emptyFacts(org), nil)
	for n := 1; n <= 2; n++ {
		certs, err := w.store.Certificates(ctx, fingerprint(n))
		w.same("its certificates", certs, []escrow.Certificate(nil), err)
		found, err := w.store.Fetch(ctx, keyHash(n), escrow.Selector{UUID: uuid(1)})
		w.same("its deposits", found, escrow.Fetched{}, err)
	}
}

// settleAgain writes organization acme as settle did, after it was removed.
func (w *world) settleAgain() {
	w.Helper()
	w.change(escrow.AddOrganization{Organization: organization("acme", "a@example.com", "b@example.com")},
		escrow.AddClient{Client: client(1, "acme")}, escrow.AddClient{Client: client(2, "acme")},
		escrow.AddCertificate{Certificate: certificate(1, 1)}, escrow.AddCertificate{Certificate: certificate(2, 2)})
}

// testRemovalOrder: what one change does before a removal goes with it, its usage too,
// and what it does after that stays.
func testRemovalOrder(w *world) {
	w.settle()
	w.change(
		escrow.AddDeposit{Deposit: deposit(1, 1, "h", 1)},
		escrow.SetUsage{Client: fingerprint(1), Usage: escrow.Usage{Deposits: 7, Bytes: 7}},
		escrow.SetUsage{Organization: "acme", Usage: escrow.Usage{Deposits: 7, Bytes: 7}},
		escrow.SetUsage{Organization: "beta", Usage: escrow.Usage{Deposits: 3, Bytes: 3}},
		escrow.AddRecord{Record: record(1)},
		escrow.SetManagement{Organization: "acme", ManagedBy: escrow.ManagedByFile, MAC: mac("x")},
		escrow.RemoveOrganization{Organization: "acme"},
		escrow.AddRecord{Record: record(2)},
		escrow.AddOrganization{Organization: organization("acme")},
		escrow.AddClient{Client: client(1, "acme")},
		escrow.AddCertificate{Certificate: certificate(1, 1)},
		escrow.AddDeposit{Deposit: deposit(1, 2, "h", 1)},
		escrow.SetUsage{Organization: "acme", Usage: escrow.Usage{Deposits: 1, Bytes: 2}},
	)
	w.same("records", w.pending(), []escrow.Record{record(1), record(2)}, nil)
	w.same("deposits", w.list(escrow.ListQuery{All: true, Limit: 10}), described(deposit(1, 2, "h", 1)), nil)
	want := escrow.NewFacts()
	who := standing(certificate(1, 1), client(1, "acme"), organization("acme"))
	want.AddCertificate(*who.Certificate)
	want.AddClient(*who.Client)
	want.AddOrganization(*who.Organization)
	want.AddUsage(fingerprint(1), escrow.Usage{}, "acme", escrow.Usage{Deposits: 1, Bytes: 2})
	w.same("what it uses", w.facts(escrow.Keys{Certificates: []escrow.KeyHash{keyHash(1)}}), want, nil)
	beta := emptyFacts("beta")
	beta.AddOrganization(organization("beta"))
	beta.AddOrganizationUsage("beta", escrow.Usage{Deposits: 3, Bytes: 3})
	w.same("what another uses", w.facts(escrow.Keys{Organizations: []escrow.OrgName{"beta"}}), beta, nil)
}

// testSpendKey: a key is spent once and for good, be it bound or not.
func testSpendKey(w *world) {
	w.settle()
	w.change(escrow.SpendKey{Key: keyHash(1), Spent: at(1)}, escrow.SpendKey{Key: keyHash(9), Spent: at(2)})
	w.change(escrow.SpendKey{Key: keyHash(9), Spent: at(3)})
	before := w.state()
	w.store = w.reopen()
	want := escrow.NewFacts()
	want.AddSpent(keyHash(1))
	want.AddSpent(keyHash(9))
	w.same("spent keys", w.facts(escrow.Keys{Spent: []escrow.KeyHash{keyHash(1), keyHash(2), keyHash(9), {}}}), want, nil)
	w.same("all else", w.state(), before, nil)
	retired := certificate(1, 1)
	w.change(escrow.RetireCertificate{Key: retired.Key, Retired: at(4), MAC: mac("retired")}, escrow.RemoveOrganization{Organization: "acme"})
	w.same("after the removal of one that was spent before", w.facts(escrow.Keys{Spent: []escrow.KeyHash{keyHash(1), keyHash(9)}}), want, nil)
}
