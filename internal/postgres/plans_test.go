package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/postgres"
	"github.com/ktsd/ktsd/internal/storetest"
)

// TestPlans: statements that were planned while the tables were empty read a few
// rows, and not the tables, once these have grown.
func TestPlans(t *testing.T) {
	t.Parallel()
	const deposits, versions = 50_000, 500
	database := ktest.Postgres(t)
	s := create(t, database)
	storetest.Settle(t, s)
	ctx := context.Background()
	key := storetest.KeyHash(1)
	look := func(n int) {
		t.Helper()
		handle := escrow.Handle(fmt.Sprintf("h%05d", n))
		for _, sel := range []escrow.Selector{{UUID: storetest.UUID(n)}, {Handle: handle}, {Handle: handle, Version: 1}, {Handle: "many"}} {
			if _, err := s.Fetch(ctx, key, sel); err != nil {
				t.Fatal(err)
			}
		}
		for _, q := range []escrow.ListQuery{{Limit: 5}, {Limit: 5, All: true}, {Prefix: "h0", AfterHandle: handle, AfterVersion: 1, Limit: 5}} {
			if _, _, err := s.List(ctx, key, q); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Clients(ctx, "beta"); err != nil {
			t.Fatal(err)
		}
		mutations := []escrow.Mutation{
			escrow.SetDeleted{Client: "none", UUID: storetest.UUID(n), Deleted: time.Now()},
			escrow.AddRecord{Record: escrow.Record{ID: fmt.Sprint("plan ", n)}},
			escrow.ForgetRecords{IDs: []string{fmt.Sprint("plan ", n), "none"}},
		}
		err := s.Change(escrow.Keys{
			Certificates: []escrow.KeyHash{key, storetest.KeyHash(2), key}, Clients: []escrow.Fingerprint{"none"}, Organizations: []escrow.OrgName{"acme"},
			Deposits: []escrow.DepositKey{{Certificate: key, UUID: storetest.UUID(n), Handle: handle}, {Certificate: storetest.KeyHash(2), UUID: storetest.UUID(1), Handle: "many"}},
		}, func(*escrow.Facts) ([]escrow.Mutation, error) { return mutations, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	look(1)
	add := func(from, to int, deposit func(n int) escrow.Deposit) {
		err := s.Change(escrow.Keys{}, func(*escrow.Facts) (all []escrow.Mutation, _ error) {
			for n := from; n < to; n++ {
				all = append(all, escrow.AddDeposit{Deposit: deposit(n)})
			}
			return all, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := 0; n < deposits; n += 5000 {
		add(n, n+5000, func(n int) escrow.Deposit {
			return storetest.Deposit(1, n, escrow.Handle(fmt.Sprintf("h%05d", n)), 1)
		})
	}
	add(deposits, deposits+versions, func(n int) escrow.Deposit {
		return storetest.Deposit(1, n, "many", int64(n-deposits+1))
	})

	other := session(t, database)
	read := func() int64 {
		t.Helper()
		if err := postgres.FlushCounters(s); err != nil {
			t.Fatal(err)
		}
		return scan[int64](t, other, `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE relname <> 'lease'`)
	}
	before := read()
	const rounds = 10
	for n := range rounds {
		look(1000 * n)
	}
	if got := read() - before; got == 0 || got > 150*rounds {
		t.Errorf("got %d rows read in a round, want at most 150 and not none", got/rounds)
	} else {
		t.Logf("%d rows read in a round", got/rounds)
	}
}
