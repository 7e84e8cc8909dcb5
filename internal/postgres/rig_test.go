package postgres_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/postgres"
	"github.com/ktsd/ktsd/internal/storetest"
)

// TestMain lets more tests run at once than there are processors: most of their
// time they wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// until waits for a condition.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// session connects as another program would.
func session(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// must runs SQL in a session.
func must(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// scan asks a session for one value.
func scan[T any](t testing.TB, conn *pgx.Conn, sql string) (value T) {
	t.Helper()
	if err := conn.QueryRow(context.Background(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// is checks the kind of an error and a part of what it says.
func is(t testing.TB, what string, err error, kind fault.Kind, text string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: got %v, want %v with %q", what, err, kind, text)
	}
}

// noFault checks that an error is none whose outcome is known.
func noFault(t testing.TB, what string, err error) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); err == nil || ok {
		t.Errorf("%s: got %v (%v), want an error that is no fault", what, err, f)
	}
}

// put writes a deposit with a record, as the domain does.
func put(s escrow.Store, n int) error {
	return s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
		return []escrow.Mutation{
			escrow.AddDeposit{Deposit: storetest.Deposit(1, n, "h", int64(n))},
			escrow.AddRecord{Record: escrow.Record{ID: string(storetest.UUID(n))}},
		}, nil
	})
}

// fetch reads deposit n.
func fetch(ctx context.Context, s escrow.Store, n int) error {
	found, err := s.Fetch(ctx, storetest.KeyHash(1), escrow.Selector{UUID: storetest.UUID(n)})
	if err == nil && found.Deposit == nil {
		err = errors.New("the deposit is not there")
	}
	return err
}

// settled creates a database with what deposits need, and deposit 1.
func settled(t *testing.T, url string) *postgres.Store {
	t.Helper()
	s := create(t, url)
	storetest.Settle(t, s)
	if err := put(s, 1); err != nil {
		t.Fatalf("Change: %v", err)
	}
	return s
}
