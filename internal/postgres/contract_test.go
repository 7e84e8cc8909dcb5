package postgres_test

import (
	"context"
	"testing"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/postgres"
	"github.com/ktsd/ktsd/internal/storetest"
)

// node is the options of the node that most tests are.
var node = postgres.Options{Node: "kts01.example.com", Instance: "0011223344556677"}

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) (escrow.Store, func() escrow.Store) {
		url := ktest.Postgres(t)
		store := create(t, url)
		return store, func() escrow.Store {
			if err := store.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			store = open(t, url, node)
			return store
		}
	})
}

// create makes the schema and opens the database, which the test's end closes.
func create(t testing.TB, url string) *postgres.Store {
	t.Helper()
	if err := postgres.Create(context.Background(), url); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return open(t, url, node)
}

// open opens a database, which the test's end closes.
func open(t testing.TB, url string, opts postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(context.Background(), url, opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
