package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/sqlite"
	"github.com/ktsd/ktsd/internal/storetest"
)

// downgrade brings a database back to an older schema, as an earlier release
// left it.
func downgrade(t *testing.T, path string, version int64) {
	t.Helper()
	p, err := goose.NewProvider(goose.DialectSQLite3, raw(t, path), os.DirFS("migrations"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(context.Background(), version); err != nil {
		t.Fatalf("going back to schema %d: %v", version, err)
	}
	if have, want, err := p.GetVersions(context.Background()); err != nil || have != version || have == want {
		t.Fatalf("schema: got version %d of %d (%v), want %d and newer ones", have, want, err, version)
	}
}

// TestOlderSchema: a database of an earlier release is brought up to date when it
// is opened; what it holds stays, in its order, and changes go on.
func TestOlderSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	s := create(t, path)
	for _, id := range []string{"c", "a", "b"} {
		storetest.Write(t, s, id)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	downgrade(t, path, 1)
	s = open(t, path)
	if got := storetest.Records(t, s); got != "c a b" {
		t.Errorf("after the upgrade: got records %q, want %q", got, "c a b")
	}
	if err := storetest.TryWrite(s, "a"); !errors.Is(err, fault.Internal) {
		t.Errorf("a record that exists: got %v, want %v", err, fault.Internal)
	}
	storetest.Write(t, s, "0")
	if got := storetest.Records(t, s); got != "c a b 0" {
		t.Errorf("after a change: got records %q, want %q", got, "c a b 0")
	}
}

// TestLogStaysSmall: however much is written, the log is brought into the file
// while changes go on, and begins anew.
func TestLogStaysSmall(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	s := create(t, path)
	storetest.Write(t, s, "0")
	size := func(suffix string) int64 {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	const all, most = 100 << 20, 40 << 20
	contents := make([]byte, 64<<10)
	for n := range all / len(contents) {
		putOne(t, s, n, contents)
	}
	if got := size("-wal"); got > most {
		t.Errorf("the log after %d bytes of deposits: got %d bytes, want at most %d", all, got, most)
	}
	if got := size(""); got < all/2 {
		t.Errorf("the database file: got %d bytes, want most of %d", got, all)
	}
	if err := s.Ping(context.Background()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

// putOne writes a deposit with what it needs.
func putOne(t *testing.T, s *sqlite.Store, n int, contents []byte) {
	t.Helper()
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	const client = "0000000000000000000000000000000000000001"
	err := s.Change(escrow.Keys{}, func(*escrow.Facts) (m []escrow.Mutation, _ error) {
		if n == 0 {
			m = append(m, escrow.AddKEK{Generation: 1, Check: []byte("x"), Created: at},
				escrow.AddOrganization{Organization: escrow.Organization{Name: "acme", Created: at, Expires: at}},
				escrow.AddClient{Client: escrow.Client{Fingerprint: client, Organization: "acme", PublicKey: []byte("x"), Created: at}},
				escrow.AddCertificate{Certificate: escrow.Certificate{Key: escrow.KeyHash{1}, Client: client, Created: at}})
		}
		return append(m, escrow.AddDeposit{Deposit: escrow.Deposit{
			Client: client, UUID: escrow.UUID(fmt.Sprintf("00000000-0000-4000-8000-%012x", n)), Handle: "h", Version: int64(n + 1), Created: at,
			Sealed: escrow.Sealed{Generation: 1, Key: []byte("x"), Contents: contents},
		}}), nil
	})
	if err != nil {
		t.Fatalf("putting deposit %d: %v", n, err)
	}
}
