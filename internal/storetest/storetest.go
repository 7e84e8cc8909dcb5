// Package storetest is the contract of escrow.Store as tests. Every store runs
// all of it, so that the domain can rely on each in the same way: on what is
// written, on what is found, and on which error comes. It knows nothing of any
// one store, and asks for no order of time between its tests.
package storetest

import (
	"context"
	"testing"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Open makes an empty store for one test, which closes it when the test ends.
// reopen closes the store and opens it again, as a restart does.
type Open func(t *testing.T) (store escrow.Store, reopen func() escrow.Store)

// Run runs the contract against stores that open makes.
func Run(t *testing.T, open Open) {
	tests := []struct {
		name string
		test func(*world)
	}{
		{"Empty", testEmpty},
		{"DecideOnce", testDecideOnce},
		{"DecideError", testDecideError},
		{"NoMutations", testNoMutations},
		{"AllOrNothing", testAllOrNothing},
		{"Mutations", testMutations},
		{"Order", testOrder},
		{"AbsentIsNoError", testAbsentIsNoError},
		{"KEKs", testKEKs},
		{"FactsAsWritten", testFactsAsWritten},
		{"FactsOfCertificate", testFactsOfCertificate},
		{"FactsOfDeposit", testFactsOfDeposit},
		{"FactsLatest", testFactsLatest},
		{"Fetch", testFetch},
		{"FetchStanding", testFetchStanding},
		{"OddHandles", testOddHandles},
		{"ListOrder", testListOrder},
		{"ListVersions", testListVersions},
		{"ListPages", testListPages},
		{"ListPrefix", testListPrefix},
		{"ListNUL", testListNUL},
		{"ListStanding", testListStanding},
		{"Organizations", testOrganizations},
		{"Clients", testClients},
		{"Certificates", testCertificates},
		{"PendingBefore", testPendingBefore},
		{"Census", testCensus},
		{"RemoveClient", testRemoveClient},
		{"Authenticate", testAuthenticate},
		{"Purge", testPurge},
		{"Usage", testUsage},
		{"Holding", testHolding},
		{"RemoveOrganization", testRemoveOrganization},
		{"RemovalOrder", testRemovalOrder},
		{"SpendKey", testSpendKey},
		{"Audit", testAudit},
		{"AuditMany", testAuditMany},
		{"Reopen", testReopen},
		{"Concurrent", testConcurrent},
		{"ContextEnded", testContextEnded},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store, reopen := open(t)
			test.test(&world{TB: t, store: store, reopen: reopen})
		})
	}
}

// testEmpty: a new store answers every question with nothing, and no error.
func testEmpty(w *world) {
	ctx := context.Background()
	found, err := w.store.Fetch(ctx, keyHash(1), escrow.Selector{Handle: "h"})
	w.same("Fetch", found, escrow.Fetched{}, err)
	who, list, err := w.store.List(ctx, keyHash(1), escrow.ListQuery{Limit: 10})
	w.same("List: standing", who, escrow.Standing{}, err)
	w.same("List: deposits", list, []escrow.Deposit(nil), nil)
	orgs, err := w.store.Organizations(ctx)
	w.same("Organizations", orgs, []escrow.Organization(nil), err)
	clients, err := w.store.Clients(ctx, "")
	w.same("Clients", clients, []escrow.Client(nil), err)
	records, err := w.store.PendingAudit(ctx)
	w.same("PendingAudit", records, []escrow.Record(nil), err)
	keks, err := w.store.KEKs(ctx)
	w.same("KEKs", keks, map[uint32][]byte{}, err)
	w.same("Ping", nil, nil, w.store.Ping(ctx))
	w.same("facts", w.facts(escrow.Keys{
		Certificates: []escrow.KeyHash{keyHash(1)}, Clients: []escrow.Fingerprint{fingerprint(1)},
		Organizations: []escrow.OrgName{"acme"}, Deposits: []escrow.DepositKey{{Certificate: keyHash(1), UUID: uuid(1), Handle: "h"}},
	}), emptyFacts("acme"), nil)
}

// emptyFacts is what is found of organizations that are not there: nobody is
// pending in them.
func emptyFacts(orgs ...escrow.OrgName) *escrow.Facts {
	f := escrow.NewFacts()
	for _, org := range orgs {
		f.AddPending(org, 0)
		f.AddOrganizationUsage(org, escrow.Usage{})
	}
	return f
}
