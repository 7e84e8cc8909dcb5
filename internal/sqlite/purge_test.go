package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/storetest"
)

// TestRemovedBytes: nor is there anything of what an organization had that was removed.
func TestRemovedBytes(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 100_000} {
		path := filepath.Join(t.TempDir(), "keytrustee.db")
		s := create(t, path)
		marker := []byte("the sealed bytes to be removed ")
		sealed := bytes.Repeat(marker, size/len(marker))
		for n := range 50 {
			putOne(t, s, n, sealed)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if left(t, path, marker) == 0 {
			t.Fatalf("%d bytes: not in the file before", size)
		}
		s = open(t, path)
		err := s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
			return []escrow.Mutation{escrow.RemoveOrganization{Organization: "acme"}}, nil
		})
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		if n := left(t, path, marker); n > 0 {
			t.Errorf("%d bytes: %d pieces are still in the file", size, n)
		}
	}
}

// TestManyPurgedBytes: nor where the table has grown over many pages since.
func TestManyPurgedBytes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keytrustee.db")
	s := create(t, path)
	marker := []byte("the sealed bytes to be purged ")
	var purges []escrow.Mutation
	for n := range 50 {
		putOne(t, s, n, bytes.Repeat(marker, 3))
		purges = append(purges, escrow.Purge{Client: "0000000000000000000000000000000000000001", UUID: storetest.UUID(n), Purged: time.Now()})
	}
	err := s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) { return purges, nil })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if n := left(t, path, marker); n > 0 {
		t.Errorf("%d pieces are still in the file", n)
	}
}

// left counts what of a marker is in a store's files.
func left(t *testing.T, path string, marker []byte) (n int) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		n += bytes.Count(data, marker)
	}
	return n
}

// TestPurgedBytes: of what was purged nothing is left in the files of a store that
// was closed, be it small enough for a row's page or not.
func TestPurgedBytes(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 100_000} {
		path := filepath.Join(t.TempDir(), "keytrustee.db")
		s := create(t, path)
		marker := []byte("the sealed bytes to be purged ")
		sealed := bytes.Repeat(marker, size/len(marker))
		putOne(t, s, 0, []byte("before"))
		putOne(t, s, 1, sealed)
		putOne(t, s, 2, []byte("after"))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if left(t, path, marker) == 0 {
			t.Fatalf("%d bytes: not in the file before", size)
		}
		s = open(t, path)
		for _, uuid := range []escrow.UUID{"00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000001"} {
			err := s.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) {
				return []escrow.Mutation{escrow.Purge{Client: "0000000000000000000000000000000000000001", UUID: uuid, Purged: time.Now()}}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if n := left(t, path, marker); n > 0 {
			t.Errorf("%d bytes: %d pieces are still in the file", size, n)
		}
	}
}
