package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/postgres"
	"github.com/ktsd/ktsd/internal/storetest"
)

// away checks that everything is refused at once while PostgreSQL is away.
func away(t *testing.T, s *postgres.Store) {
	t.Helper()
	start := time.Now()
	for range 3 {
		is(t, "Change while PostgreSQL is away", put(s, 99), fault.Unavailable, "database")
		is(t, "Fetch while PostgreSQL is away", fetch(context.Background(), s, 1), fault.Unavailable, "database")
		is(t, "Ping while PostgreSQL is away", s.Ping(context.Background()), fault.Unavailable, "database")
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("nine refusals took %v", took)
	}
}

// back checks that everything works again by itself.
func back(t *testing.T, s *postgres.Store, n int) {
	t.Helper()
	until(t, "reads work again", func() bool { return fetch(context.Background(), s, 1) == nil })
	until(t, "changes work again", func() bool { return put(s, n) == nil })
	for i := range n + 1 {
		if err := fetch(context.Background(), s, i); i > 0 && err != nil {
			t.Errorf("deposit %d: %v", i, err)
		}
	}
	if err := s.Ping(context.Background()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

// TestRestarts: PostgreSQL is stopped for a while, restarted and killed; reads and
// changes fail cleanly and come back by themselves.
func TestRestarts(t *testing.T) {
	t.Parallel()
	cluster := ktest.Cluster(t)
	s := settled(t, cluster.Database(t))
	cluster.Stop(t)
	away(t, s)
	time.Sleep(3 * time.Second) // a renewal of the lease fails
	away(t, s)
	cluster.Start(t)
	back(t, s, 2)

	cluster.Stop(t)
	cluster.Start(t)
	if err := put(s, 3); err != nil {
		t.Errorf("the first change after a restart: %v", err)
	}
	if err := fetch(context.Background(), s, 3); err != nil {
		t.Errorf("the first read after a restart: %v", err)
	}

	for n := 4; n < 7; n++ {
		cluster.Kill(t)
		away(t, s)
		cluster.Start(t)
		back(t, s, n)
	}
}

// TestKilledUnderLoad: PostgreSQL is killed while changes are made. What was
// acknowledged is there, what was refused is not, and the store goes on.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	cluster := ktest.Cluster(t)
	s := settled(t, cluster.Database(t))
	ended := make(chan struct{})
	acknowledged := map[int]bool{}
	stop := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 10; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			err := put(s, n)
			acknowledged[n] = err == nil
			if err != nil && !errors.Is(err, fault.Unavailable) {
				t.Errorf("Change: got %v, want its outcome", err)
				return
			}
		}
	}()
	for range 4 {
		time.Sleep(200 * time.Millisecond)
		cluster.Kill(t)
		cluster.Start(t)
		until(t, "reads work again", func() bool { return fetch(context.Background(), s, 1) == nil })
	}
	close(stop)
	<-ended
	for n, want := range acknowledged {
		if err := fetch(context.Background(), s, n); (err == nil) != want {
			t.Errorf("deposit %d, acknowledged %t: %v", n, want, err)
		}
	}
}

// TestFrozen: PostgreSQL stands still. Reads end with their time, changes are
// refused, and both work again afterwards.
func TestFrozen(t *testing.T) {
	t.Parallel()
	cluster := ktest.Cluster(t)
	s := settled(t, cluster.Database(t))
	cluster.Freeze(t)
	for range 12 { // more than there are connections
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		if err := fetch(ctx, s, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Fetch from a frozen PostgreSQL: got %v, want %v", err, context.DeadlineExceeded)
		}
		cancel()
	}
	is(t, "Change of a frozen PostgreSQL", put(s, 2), fault.Unavailable, "cannot be reached")
	is(t, "the next one", put(s, 2), fault.Unavailable, "cannot be reached")
	cluster.Thaw(t)
	back(t, s, 2)
}

// TestFrozenInCommit: PostgreSQL stands still during a commit. The change waits, for
// nobody knows better, and ends as it really ends.
func TestFrozenInCommit(t *testing.T) {
	t.Parallel()
	cluster := ktest.Cluster(t)
	s := settled(t, cluster.Database(t))
	changed := make(chan error, 1)
	frozen := make(chan struct{})
	go func() {
		changed <- s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
			cluster.Freeze(t)
			close(frozen)
			return deposited(2), nil
		})
	}()
	<-frozen
	select {
	case err := <-changed:
		t.Errorf("Change: got %v from a frozen PostgreSQL", err)
	case <-time.After(3 * time.Second):
	}
	cluster.Thaw(t)
	err := <-changed
	if err != nil && !errors.Is(err, fault.Unavailable) {
		t.Errorf("Change: got %v, want its outcome", err)
	}
	until(t, "reads work again", func() bool { return s.Ping(context.Background()) == nil })
	if found := fetch(context.Background(), s, 2); (found == nil) != (err == nil) {
		t.Errorf("Change: got %v, but reading: %v", err, found)
	}
	back(t, s, 3)
}

// takeAll takes every connection there is, those of ktsd too, which may connect
// again in between.
func takeAll(t testing.TB, database string) (taken []*pgx.Conn) {
	t.Helper()
	ctx := context.Background()
	for others := int64(1); others > 0; {
		conn, err := pgx.Connect(ctx, database)
		if err == nil {
			taken = append(taken, conn)
			continue
		}
		if len(taken) == 0 {
			t.Fatal(err)
		}
		const ours = `FROM pg_stat_activity WHERE application_name = 'ktsd'`
		if err := taken[0].QueryRow(ctx, `SELECT count(*) `+ours).Scan(&others); err != nil {
			t.Fatal(err)
		}
		if _, err := taken[0].Exec(ctx, `SELECT pg_terminate_backend(pid, 1000) `+ours); err != nil {
			t.Fatal(err)
		}
	}
	return taken
}

// TestNoConnections: without a connection left, each refusal says so; with room
// again, everything works.
func TestNoConnections(t *testing.T) {
	t.Parallel()
	cluster := ktest.Cluster(t, "max_connections=12")
	database := cluster.Database(t)
	s := settled(t, database)
	taken := takeAll(t, database)
	is(t, "Change", put(s, 2), fault.Unavailable, "no connection left")
	is(t, "Fetch", fetch(context.Background(), s, 1), fault.Unavailable, "no connection left")
	for _, conn := range taken {
		conn.Close(context.Background())
	}
	back(t, s, 2)
}

// TestReadOnly: a database that takes no changes is said to be one, and is read.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	cluster := ktest.Cluster(t)
	database := cluster.Database(t)
	name := parsed(t, database).User.Username()
	s := settled(t, database)
	kick := func() {
		cluster.Exec(t, "postgres", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ktsd'`)
	}
	cluster.Exec(t, "postgres", `ALTER DATABASE `+name+` SET default_transaction_read_only = on`)
	kick()
	for range 3 {
		is(t, "Change", put(s, 2), fault.Unavailable, "read-only")
		if err := fetch(context.Background(), s, 1); err != nil {
			t.Errorf("Fetch: %v", err)
		}
	}
	if other, err := postgres.Open(context.Background(), database, node); err == nil || !strings.Contains(err.Error(), "read-only") {
		if err == nil {
			other.Close()
		}
		t.Errorf("Open: got %v, want it said that it is read-only", err)
	}
	cluster.Exec(t, "postgres", `ALTER DATABASE `+name+` RESET default_transaction_read_only`)
	back(t, s, 2)
}

// TestDiskFull: on a full disk a change is refused for now, nothing of it is there,
// reads go on, and once there is room changes do too.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := ktest.SmallDisk(t, "size=64m,mode=1777")
	cluster := ktest.Cluster(t)
	space := filepath.Join(disk, "space")
	if err := os.Mkdir(space, 0o700); err != nil {
		t.Fatal(err)
	}
	cluster.Own(t, space)
	database := cluster.Database(t)
	name := parsed(t, database).User.Username()
	cluster.Exec(t, "postgres", `CREATE TABLESPACE small LOCATION '`+space+`'`)
	cluster.Exec(t, "postgres", `GRANT CREATE ON TABLESPACE small TO `+name)
	cluster.Exec(t, "postgres", `ALTER DATABASE `+name+` SET default_tablespace = small`)
	s := settled(t, database)
	ballast := filepath.Join(disk, "ballast")
	ktest.FillDisk(t, ballast)

	big := func(n int) error {
		d := storetest.Deposit(1, n, "big", int64(n))
		d.Sealed.Contents = []byte(strings.Repeat("x", 100_000))
		return s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
			return []escrow.Mutation{escrow.AddDeposit{Deposit: d}, escrow.AddRecord{Record: escrow.Record{ID: fmt.Sprint(n)}}}, nil
		})
	}
	var err error
	var acknowledged []int
	for n := 100; err == nil && n < 1000; n++ {
		if err = big(n); err == nil {
			acknowledged = append(acknowledged, n)
		}
	}
	for range 3 {
		is(t, "Change on a full disk", err, fault.Unavailable, "disk of the database is full")
		err = big(2000)
	}
	if err := fetch(context.Background(), s, 2000); err == nil {
		t.Error("got a deposit that was refused")
	}
	for _, n := range acknowledged {
		if err := fetch(context.Background(), s, n); err != nil {
			t.Errorf("deposit %d: %v", n, err)
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	until(t, "changes work again", func() bool { return big(2000) == nil })
	back(t, s, 2)
}

// TestCorrupt: what ktsd cannot have written is told as such, and not skipped.
func TestCorrupt(t *testing.T) {
	t.Parallel()
	database := ktest.Postgres(t)
	s := settled(t, database)
	ctx := context.Background()
	ktest.SQL(t, database, `INSERT INTO keks VALUES (-1, '\x00', 1); UPDATE deposits SET digest = '\x00', kek = -1; UPDATE audit_records SET record = '{'`)
	is(t, "Fetch", fetch(ctx, s, 1), fault.Corrupt, "has not written")
	_, _, err := s.List(ctx, storetest.KeyHash(1), escrow.ListQuery{Limit: 10})
	is(t, "List", err, fault.Corrupt, "has not written")
	_, err = s.PendingAudit(ctx)
	is(t, "PendingAudit", err, fault.Corrupt, "has not written")
	_, err = s.KEKs(ctx)
	is(t, "KEKs", err, fault.Corrupt, "has not written")
	err = s.Change(escrow.Keys{Deposits: []escrow.DepositKey{{Certificate: storetest.KeyHash(1), UUID: storetest.UUID(1)}}},
		func(*escrow.Facts) ([]escrow.Mutation, error) { return nil, nil })
	is(t, "Change", err, fault.Corrupt, "has not written")
	if err := put(s, 2); err != nil {
		t.Errorf("the next change: %v", err)
	}
}

// TestTerminated: an administrator ends the sessions, also in the middle of a
// change; each change ends as it really ended.
func TestTerminated(t *testing.T) {
	t.Parallel()
	database := ktest.Postgres(t)
	s := settled(t, database)
	other := session(t, database)
	const end = `SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ktsd'`
	scan[int](t, other, end)
	if err := put(s, 2); err != nil {
		t.Errorf("the change after: %v", err)
	}
	err := s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
		scan[int](t, other, end)
		return deposited(3), nil
	})
	is(t, "Change", err, fault.Unavailable, "before the change was written")
	if err := put(s, 3); err != nil {
		t.Errorf("the same again: %v", err)
	}
}

// TestAfterClose: a store that was closed answers with errors.
func TestAfterClose(t *testing.T) {
	t.Parallel()
	s := create(t, ktest.Postgres(t))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	is(t, "Change after Close", storetest.TryWrite(s, "1"), fault.Unavailable, "closed")
	if err := s.Ping(context.Background()); err == nil {
		t.Error("Ping after Close: got no error")
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

// TestUnknownMutation: what a store does not know it does not skip.
func TestUnknownMutation(t *testing.T) {
	t.Parallel()
	s := create(t, ktest.Postgres(t))
	err := s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
		return []escrow.Mutation{escrow.AddRecord{Record: escrow.Record{ID: "1"}}, nil}, nil
	})
	is(t, "Change", err, fault.Internal, "")
	if got := storetest.Records(t, s); got != "" {
		t.Errorf("got records %q, want none", got)
	}
	storetest.Write(t, s, "2")
}
