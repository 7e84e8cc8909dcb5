package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/sqlite"
	"github.com/ktsd/ktsd/internal/storetest"
)

// TestDiskFull: on a full disk a change is refused for now, nothing of it is
// there, reads go on, and once there is room changes do too, without a restart.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := ktest.SmallDisk(t, "size=2m")
	s := create(t, filepath.Join(dir, "keytrustee.db"))
	storetest.Write(t, s, "before")
	ballast := filepath.Join(dir, "ballast")
	ktest.FillDisk(t, ballast)

	var err error
	var acknowledged []string
	for i := 0; err == nil && i < 1000; i++ {
		id := fmt.Sprintf("%04d %s", i, strings.Repeat("x", 4000))
		if err = storetest.TryWrite(s, id); err == nil {
			acknowledged = append(acknowledged, id)
		}
	}
	for range 3 {
		if !errors.Is(err, fault.Unavailable) || !strings.Contains(fmt.Sprint(err), "disk") {
			t.Errorf("Change on a full disk: got %v, want %v that names the disk", err, fault.Unavailable)
		}
		err = storetest.TryWrite(s, strings.Repeat("y", 100_000))
	}
	want := strings.Join(append([]string{"before"}, acknowledged...), " ")
	if got := storetest.Records(t, s); got != want {
		t.Errorf("on a full disk: got %d bytes of records, want %d", len(got), len(want))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	storetest.Write(t, s, "after")
	if got := storetest.Records(t, s); got != want+" after" {
		t.Errorf("with room again: got %d bytes of records, want %d", len(got), len(want+" after"))
	}
	if err := s.Ping(context.Background()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

// TestDiskFullAtCreate: Create on a full disk fails, and works once there is room.
func TestDiskFullAtCreate(t *testing.T) {
	t.Parallel()
	dir := ktest.SmallDisk(t, "size=1m")
	ballast, path := filepath.Join(dir, "ballast"), filepath.Join(dir, "keytrustee.db")
	ktest.FillDisk(t, ballast)
	if s, err := sqlite.Create(context.Background(), path, node); err == nil {
		s.Close()
		t.Error("Create on a full disk: got no error")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	storetest.Write(t, create(t, path), "1")
}

// TestOpenOnFullDisk: a database whose disk is full is opened and read, whether the
// run before was broken off, with more in its log than the file has room for, or
// ended in order, whatever was given free then.
func TestOpenOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := ktest.SmallDisk(t, "size=8m")
	path := filepath.Join(dir, "keytrustee.db")
	create(t, path).Close()
	aside := t.TempDir()
	s := open(t, path)
	big := strings.Repeat("x", 500_000)
	storetest.Write(t, s, big)
	for _, suffix := range []string{"", "-wal"} { // as a kill -9 leaves them
		data, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(filepath.Join(aside, "keytrustee.db"+suffix), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	killed := filepath.Join(dir, "killed")
	if err := os.CopyFS(killed, os.DirFS(aside)); err != nil {
		t.Fatal(err)
	}
	shm := filepath.Join(killed, "keytrustee.db-shm")
	if err := os.WriteFile(shm, make([]byte, 32<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for suffix, empty := range map[string]bool{"-wal": true, "-shm": false} {
		if info, err := os.Stat(path + suffix); err != nil || (info.Size() == 0) != empty {
			t.Errorf("%s after Close: got %v (%v), want it to be empty: %v", suffix, info, err, empty)
		}
	}
	ktest.FillDisk(t, filepath.Join(dir, "ballast"))
	for _, path := range []string{path, filepath.Join(killed, "keytrustee.db")} {
		for range 2 {
			s, err := sqlite.Open(context.Background(), path, node)
			if err != nil {
				t.Fatalf("Open on a full disk: %v", err)
			}
			if got := storetest.Records(t, s); got != big {
				t.Errorf("got %d bytes of records, want %d", len(got), len(big))
			}
			if err := storetest.TryWrite(s, "more"+big); !errors.Is(err, fault.Unavailable) {
				t.Errorf("Change: got %v, want %v", err, fault.Unavailable)
			}
			if err := s.Close(); err != nil {
				t.Errorf("Close on a full disk: %v", err)
			}
		}
	}
}

// TestReadOnly: a database on a read-only file system is refused when it is
// opened, not at the first change.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	dir := ktest.SmallDisk(t, "size=2m")
	path := filepath.Join(dir, "keytrustee.db")
	s := create(t, path)
	storetest.Write(t, s, "1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(context.Background(), path, node)
	if err == nil {
		s.Close()
	}
	if err == nil || errors.Is(err, sqlite.ErrNoDatabase) {
		t.Errorf("Open on a read-only file system: got %v, want an error that is not ErrNoDatabase", err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	if got := storetest.Records(t, open(t, path)); got != "1" {
		t.Errorf("writable again: got records %q, want %q", got, "1")
	}
}

// TestLocked: a change waits for another program's lock, and is refused for now
// when that takes too long. Reads go on.
func TestLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	s := create(t, path)
	storetest.Write(t, s, "1")
	other, err := raw(t, path).Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	lock := func(statement string) {
		t.Helper()
		if _, err := other.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	lock("BEGIN IMMEDIATE")
	decided := false
	err = s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
		decided = true
		return nil, nil
	})
	if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "locked by another program") {
		t.Errorf("Change of a locked database: got %v, want %v", err, fault.Unavailable)
	}
	if decided {
		t.Error("decide was called without the lock")
	}
	if got := storetest.Records(t, s); got != "1" {
		t.Errorf("reading a locked database: got records %q, want %q", got, "1")
	}
	released := make(chan struct{})
	go func() {
		defer close(released)
		time.Sleep(300 * time.Millisecond)
		other.ExecContext(context.Background(), "COMMIT")
	}()
	storetest.Write(t, s, "2")
	<-released
}

// TestAfterClose: a store that was closed answers with errors; after the first
// change that cannot have an outcome, with fault.Unavailable.
func TestAfterClose(t *testing.T) {
	t.Parallel()
	s := create(t, filepath.Join(t.TempDir(), "keytrustee.db"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*fault.Error](storetest.TryWrite(s, "1")); ok {
		t.Error("the first change after Close: got a fault, want an error without a kind")
	}
	if err := storetest.TryWrite(s, "1"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("the second change after Close: got %v, want %v", err, fault.Unavailable)
	}
	if err := s.Ping(context.Background()); err == nil {
		t.Error("Ping after Close: got no error")
	}
}

// TestUnknownMutation: what a store does not know it does not skip.
func TestUnknownMutation(t *testing.T) {
	t.Parallel()
	s := create(t, filepath.Join(t.TempDir(), "keytrustee.db"))
	err := s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
		return []escrow.Mutation{escrow.AddRecord{Record: escrow.Record{ID: "1"}}, nil}, nil
	})
	if err == nil {
		t.Error("Change with an unknown mutation: got no error")
	}
	if got := storetest.Records(t, s); got != "" {
		t.Errorf("got records %q, want none", got)
	}
}
