package storetest

import (
	"context"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/escrow"
)

// What the tests of one store need beside the contract.

// Write makes a change that Records shows.
func Write(t testing.TB, s escrow.Store, id string) {
	t.Helper()
	if err := TryWrite(s, id); err != nil {
		t.Fatalf("Change: got %v, want no error", err)
	}
}

// TryWrite is Write, and returns what comes.
func TryWrite(s escrow.Store, id string) error {
	return s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
		return []escrow.Mutation{escrow.AddRecord{Record: escrow.Record{ID: id}}}, nil
	})
}

// Records returns the IDs that Write wrote, in the order of writing.
func Records(t testing.TB, s escrow.Store) string {
	t.Helper()
	pending, err := s.PendingAudit(context.Background())
	if err != nil {
		t.Fatalf("PendingAudit: %v", err)
	}
	var ids []string
	for _, r := range pending {
		ids = append(ids, r.ID)
	}
	return strings.Join(ids, " ")
}

// Settle writes what deposits need: a key-encryption key, and organizations with
// clients 1, 2 and 3, each with the certificate KeyHash of its number.
func Settle(t testing.TB, s escrow.Store) {
	t.Helper()
	(&world{TB: t, store: s}).settle()
}

// KeyHash is certificate n.
func KeyHash(n int) escrow.KeyHash { return keyHash(n) }

// UUID is that of deposit n.
func UUID(n int) escrow.UUID { return uuid(n) }

// Deposit returns deposit n of a client.
func Deposit(client, n int, handle escrow.Handle, version int64) escrow.Deposit {
	return deposit(client, n, handle, version)
}
