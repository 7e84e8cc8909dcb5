package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/sqlite"
	"github.com/ktsd/ktsd/internal/storetest"
)

const node = "kts01.example.com"

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) (escrow.Store, func() escrow.Store) {
		path := filepath.Join(t.TempDir(), "keytrustee.db")
		store := create(t, path)
		return store, func() escrow.Store {
			if err := store.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			store = open(t, path)
			return store
		}
	})
}

// create makes a database, which the test's end closes.
func create(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Create(context.Background(), path, node)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// open opens a database, which the test's end closes.
func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), path, node)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
