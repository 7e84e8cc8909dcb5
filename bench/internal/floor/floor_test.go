package floor_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/bench/internal/floor"
	"github.com/ktsd/ktsd/bench/internal/rig"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "floor.db")
	testStore(t, func() (floor.Store, error) { return floor.OpenSQLite(file) })
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	p, err := rig.NewPostgres(t.Context(), filepath.Join(ktest.Public(t), "pg"))
	if errors.Is(err, fault.NotFound) {
		ktest.Missing(t, "postgresql")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	url, err := p.CreateDatabase(t.Context(), "floor")
	if err != nil {
		t.Fatal(err)
	}
	testStore(t, func() (floor.Store, error) { return floor.OpenPostgres(t.Context(), url) })
}

// testStore: what was put, alone or in a group, is there when the store is opened
// again, and a group of which one cannot be written is not there.
func testStore(t *testing.T, open func() (floor.Store, error)) {
	t.Helper()
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	all := map[uuid.UUID][]byte{}
	for _, n := range []int{1, 5, 256} {
		group := map[uuid.UUID][]byte{}
		for range n {
			id, contents := uuid.New(), make([]byte, 4096)
			rand.Read(contents)
			group[id], all[id] = contents, contents
		}
		if err := floor.Put(s, group); err != nil {
			t.Fatalf("putting %d: %v", n, err)
		}
	}
	unwritten := uuid.New()
	again := map[uuid.UUID][]byte{unwritten: {1}}
	for id := range all {
		again[id] = []byte{2}
		break
	}
	if err := floor.Put(s, again); err == nil {
		t.Error("a group with a deposit that is there: got no error")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = open(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for id, want := range all {
		if got, err := s.Get(t.Context(), id); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %d bytes, %v, want the %d that were put", len(got), err, len(want))
		}
	}
	if _, err := s.Get(t.Context(), unwritten); err == nil {
		t.Error("a deposit of a group that failed is there")
	}
}
