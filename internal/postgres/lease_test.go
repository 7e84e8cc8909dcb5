package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/postgres"
	"github.com/ktsd/ktsd/internal/storetest"
)

// second is the options of another node.
var second = postgres.Options{Node: "kts02.example.com", Instance: "8899aabbccddeeff"}

// TestSecondRefused: while one ktsd has the database open, no other opens it, and
// it says who has it; nor does the first one's copied state directory help, on
// another host. When the first one closes it, the next has it at once.
func TestSecondRefused(t *testing.T) {
	t.Parallel()
	url := ktest.Postgres(t)
	first := create(t, url)
	copied := second
	copied.Instance = node.Instance
	errs := make(chan error)
	for _, opts := range []postgres.Options{second, copied} {
		go func() {
			s, err := postgres.Open(context.Background(), url, opts)
			if err == nil {
				s.Close()
			}
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err == nil || !strings.Contains(err.Error(), "ktsd on "+node.Node) {
			t.Errorf("Open by another ktsd: got %v, want an error that names %s", err, node.Node)
		}
	}
	storetest.Write(t, first, "1")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if got := ktest.SQL(t, url, `SELECT instance = '' FROM lease`); got != "t" {
		t.Error("after Close the lease is somebody's")
	}
	s := open(t, url, second)
	storetest.Write(t, s, "2")
	if got := storetest.Records(t, s); got != "1 2" {
		t.Errorf("got records %q, want %q", got, "1 2")
	}
}

// TestTakenOver: a ktsd whose connections are gone without a word loses the lease
// once it was not renewed for a while. If it comes back it writes nothing, says so,
// and goes on reading.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	direct := ktest.Postgres(t)
	create(t, direct).Close()
	proxy, url := ktest.ProxyFor(t, direct)
	told := make(chan error, 9)
	opts := node
	opts.Fatal = func(err error) { told <- err }
	first := open(t, url, opts)
	storetest.Write(t, first, "first")
	proxy.Refuse(true)
	proxy.Cut()
	is(t, "a change without a connection", storetest.TryWrite(first, "none"), fault.Unavailable, "cannot be reached")

	s := open(t, direct, second)
	storetest.Write(t, s, "second")
	proxy.Refuse(false)
	// The renewal may notice before the change does.
	if err := storetest.TryWrite(first, "fenced"); err == nil {
		t.Error("a change of the ktsd that lost the lease: got no error")
	}
	is(t, "the change after that", storetest.TryWrite(first, "fenced"), fault.Unavailable, "since an earlier error")
	select {
	case err := <-told:
		if !strings.Contains(err.Error(), "another ktsd") {
			t.Errorf("Fatal: got %v, want another ktsd named", err)
		}
	case <-time.After(patience):
		t.Error("Fatal was not called")
	}
	for _, store := range []*postgres.Store{first, s} {
		if got := storetest.Records(t, store); got != "first second" {
			t.Errorf("got records %q, want %q", got, "first second")
		}
	}
	first.Close() // must not release what is not its own
	storetest.Write(t, s, "third")
	if len(told) != 0 {
		t.Error("Fatal was called twice")
	}
}

// TestFencedInFlight: a lease that is lost while a change is under way. The change
// holds the lease's row, so the next ktsd waits for its end; and a change that
// begins after the loss returns, the first time, no fault.
func TestFencedInFlight(t *testing.T) {
	t.Parallel()
	url := ktest.Postgres(t)
	first := create(t, url)
	other := session(t, url)
	stolen := make(chan error)
	err := first.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
		go func() {
			_, err := other.Exec(context.Background(), `UPDATE lease SET epoch = epoch + 1, holder = 'thief', instance = 'thief'`)
			stolen <- err
		}()
		select {
		case <-stolen:
			t.Error("the lease was taken in the middle of a change")
		case <-time.After(300 * time.Millisecond):
		}
		return []escrow.Mutation{escrow.AddRecord{Record: escrow.Record{ID: "1"}}}, nil
	})
	if err != nil {
		t.Errorf("the change that held the lease: %v", err)
	}
	if err := <-stolen; err != nil {
		t.Fatal(err)
	}
	decided := false
	err = first.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
		decided = true
		return []escrow.Mutation{escrow.AddRecord{Record: escrow.Record{ID: "2"}}}, nil
	})
	if err == nil || decided {
		t.Errorf("a change without the lease: got %v, decided %t", err, decided)
	}
	if got := storetest.Records(t, first); got != "1" {
		t.Errorf("got records %q, want %q", got, "1")
	}
}

// TestSameInstance: a ktsd that crashed opens the database again without waiting: the
// lock of its directory shows that the old process is gone. Should that one live
// after all, and go on renewing the lease, it writes nothing more.
func TestSameInstance(t *testing.T) {
	t.Parallel()
	url := ktest.Postgres(t)
	old := create(t, url)
	storetest.Write(t, old, "old")
	s := open(t, url, node)
	storetest.Write(t, s, "new")
	if err := storetest.TryWrite(old, "zombie"); err == nil {
		t.Error("a change of the old one: got no error")
	}
	if got := storetest.Records(t, s); got != "old new" {
		t.Errorf("got records %q, want %q", got, "old new")
	}
}

// TestIdle: a ktsd that writes nothing keeps the lease, and one that reads and
// writes nothing learns that it lost it.
func TestIdle(t *testing.T) {
	t.Parallel()
	url := ktest.Postgres(t)
	create(t, url).Close()
	told := make(chan error, 1)
	opts := node
	opts.Fatal = func(err error) { told <- err }
	s := open(t, url, opts)
	other := session(t, url)
	renewed := func() int64 { return scan[int64](t, other, `SELECT renewed FROM lease`) }
	first := renewed()
	until(t, "the lease is renewed", func() bool { return renewed() > first })
	storetest.Write(t, s, "1")

	must(t, other, `UPDATE lease SET epoch = epoch + 1`)
	select {
	case <-told:
	case <-time.After(patience):
		t.Error("Fatal was not called")
	}
}

// TestNameless: without a name nobody else could be told who has the lease.
func TestNameless(t *testing.T) {
	t.Parallel()
	for _, opts := range []postgres.Options{{}, {Node: "a"}, {Instance: "b"}} {
		if _, err := postgres.Open(context.Background(), "postgres://127.0.0.1:1/x", opts); err == nil || !strings.Contains(err.Error(), "without a name") {
			t.Errorf("Open(%s): got %v, want an error about the name", fmt.Sprint(opts.Node, opts.Instance), err)
		}
	}
}
