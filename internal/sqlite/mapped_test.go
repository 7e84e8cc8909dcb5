package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/sqlite"
	"github.com/ktsd/ktsd/internal/storetest"
)

// TestCutFile: where the file was cut behind the store's back, or its disk does not
// give a part of it, a read of that part ends with an error, and not the process.
// Writing stops, for the process to be started anew.
func TestCutFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	s := create(t, path)
	for n := range 400 {
		putOne(t, s, n, make([]byte, 64<<10))
	}
	if err := s.Close(); err != nil { // with everything in the file
		t.Fatal(err)
	}
	s = open(t, path)
	storetest.Write(t, s, "1") // from the log on, SQLite believes that it knows the file's size
	ctx, key := context.Background(), escrow.KeyHash{1}
	fetch := func(version int64) error {
		found, err := s.Fetch(ctx, key, escrow.Selector{Handle: "h", Version: version})
		if err == nil && found.Deposit == nil {
			t.Fatalf("version %d: got no deposit and no error", version)
		}
		return err
	}
	for range 20 { // more than there are connections
		if err := fetch(399); err != nil {
			t.Fatalf("a deposit of the whole file: %v", err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := fetch(399); !errors.Is(err, fault.Corrupt) {
			t.Errorf("a deposit behind the cut: got %v, want %v", err, fault.Corrupt)
		}
	}
	if err := storetest.TryWrite(s, "2"); err == nil || errors.Is(err, fault.Unavailable) {
		t.Errorf("the next change: got %v, want an error without a kind", err)
	}
	if err := s.Ping(ctx); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Ping: got %v, want %v", err, fault.Unavailable)
	}
	if _, err := os.Stat(path + "-unmapped"); err != nil {
		t.Errorf("the file that keeps the next start from mapping: %v", err)
	}
}

// TestUnmapped: where a part of a mapped file could not be read once, nothing is
// mapped any more.
func TestUnmapped(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	create(t, path).Close()
	for want, name := range map[string]string{"1073741824": "", "0": "-unmapped"} {
		if name != "" {
			if err := os.WriteFile(path+name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		} else {
			os.Remove(path + "-unmapped")
		}
		if got, err := sqlite.ReaderPragma(open(t, path), "mmap_size"); err != nil || got != want {
			t.Errorf("with %q: got mmap_size %q, %v, want %q", name, got, err, want)
		}
	}
}

// TestRest: a store that rests answers as before, also those who ask meanwhile.
func TestRest(t *testing.T) {
	t.Parallel()
	s := create(t, filepath.Join(t.TempDir(), "keytrustee.db"))
	putOne(t, s, 0, []byte("contents"))
	fetch := func() {
		found, err := s.Fetch(context.Background(), escrow.KeyHash{1}, escrow.Selector{Handle: "h"})
		if err != nil || found.Deposit == nil || string(found.Deposit.Sealed.Contents) != "contents" {
			t.Errorf("Fetch: got %+v, %v", found.Deposit, err)
		}
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				fetch()
			}
		})
	}
	for n := range 20 {
		s.Rest()
		putOne(t, s, n+1, []byte("contents"))
	}
	group.Wait()
	s.Rest()
	fetch()
}
