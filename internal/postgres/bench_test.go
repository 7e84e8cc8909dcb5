package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/storetest"
)

// large is a deposit of 4 KB.
func large(n int) escrow.Deposit {
	d := storetest.Deposit(1, n, escrow.Handle(fmt.Sprint("h", n)), 1)
	d.Sealed.Contents = make([]byte, 4096)
	return d
}

func BenchmarkFetch(b *testing.B) {
	s := create(b, ktest.Postgres(b))
	storetest.Settle(b, s)
	err := s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
		return []escrow.Mutation{escrow.AddDeposit{Deposit: large(1)}}, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Fetch(ctx, storetest.KeyHash(1), escrow.Selector{Handle: "h1"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPut(b *testing.B) {
	for _, group := range []int{1, 8, 64} {
		b.Run(fmt.Sprint("group of ", group), func(b *testing.B) {
			s := create(b, ktest.Postgres(b))
			storetest.Settle(b, s)
			b.ReportAllocs()
			for n := 0; b.Loop(); n += group {
				var keys escrow.Keys
				var mutations []escrow.Mutation
				for i := n; i < n+group; i++ {
					d := large(i)
					keys.Certificates = append(keys.Certificates, storetest.KeyHash(1))
					keys.Deposits = append(keys.Deposits, escrow.DepositKey{Certificate: storetest.KeyHash(1), UUID: d.UUID, Handle: d.Handle})
					mutations = append(mutations, escrow.AddDeposit{Deposit: d}, escrow.AddRecord{Record: escrow.Record{ID: fmt.Sprint(i), Action: "deposit.put"}})
				}
				if err := s.Change(keys, func(*escrow.Facts) ([]escrow.Mutation, error) { return mutations, nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*group), "µs/put")
		})
	}
}
