package main_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
)

// TestPutIsIdempotent: the same put again is the same deposit, whatever happened
// in between; another one under its UUID is refused.
func TestPutIsIdempotent(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	id, contents := uuid.NewString(), []byte("contents")
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano)
	first := b.put(t, id, "h", contents, "not_after", later)
	wantOK(t, "the first put", first, nil)
	again := func(when string) {
		t.Helper()
		if r := b.put(t, id, "h", contents, "not_after", later); !bytes.Equal(r.body, first.body) || r.status != 200 {
			t.Errorf("the same put %s: got %v, want %v", when, r, first)
		}
	}
	again("at once")
	b.keep(t, "h", []byte("a second version"))
	again("after another version")
	if r := b.put(t, strings.ToUpper(id), "h", contents, "not_after", later); !bytes.Equal(r.body, first.body) {
		t.Errorf("the same UUID in upper case: got %v, want %v", r, first)
	}
	for what, r := range map[string]reply{
		"other contents":    b.put(t, id, "h", []byte("Contents"), "not_after", later),
		"another handle":    b.put(t, id, "h2", contents, "not_after", later),
		"another not_after": b.put(t, id, "h", contents, "not_after", time.Now().Add(2*time.Hour).UTC().Format(time.RFC3339)),
		"no not_after":      b.put(t, id, "h", contents),
	} {
		wantKind(t, what+" under the same UUID", r, fault.Conflict)
	}
	wantContents(t, "the deposit after it", b.get(t, id), contents)

	wantOK(t, "deleting", b.delete(t, id), nil)
	var d, before api.Deposit
	wantOK(t, "the same put after its delete", b.put(t, id, "h", contents, "not_after", later), &d)
	wantOK(t, "the first put", first, &before)
	if d.Deleted == nil {
		t.Errorf("the same put after its delete: got %+v, want it to say that it is deleted", d)
	}
	d.Deleted = nil
	if diff := cmp.Diff(before, d); diff != "" {
		t.Errorf("the same put after its delete (-first +now):\n%s", diff)
	}
	wantKind(t, "a deleted deposit that was put again", b.get(t, id), fault.NotFound)
	wantKind(t, "other contents under the UUID of a deleted one", b.put(t, id, "h", []byte("x"), "not_after", later), fault.Conflict)
}

// TestConcurrentPutsToOneHandle: each gets a version of its own.
func TestConcurrentPutsToOneHandle(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	const n = 50
	versions := make([]int64, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { versions[i] = b.keep(t, "h", fmt.Appendf(nil, "contents %d", i)).Version })
	}
	group.Wait()
	for i, version := range versions {
		wantContents(t, fmt.Sprintf("version %d", version), b.getHandle(t, "h", "version", fmt.Sprint(version)), fmt.Appendf(nil, "contents %d", i))
	}
	slices.Sort(versions)
	for i, version := range versions {
		if version != int64(i)+1 {
			t.Fatalf("versions: got %v, want 1 to %d", versions, n)
		}
	}
}

// TestConcurrentSamePut: a put that is sent several times at once is one deposit.
func TestConcurrentSamePut(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	id := uuid.NewString()
	answers := make([]reply, 20)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i] = b.put(t, id, "h", []byte("contents")) })
	}
	group.Wait()
	for _, r := range answers {
		if r.status != 200 || !bytes.Equal(r.body, answers[0].body) {
			t.Errorf("got %v, want %v", r, answers[0])
		}
	}
	if all, _ := b.list(t, "prefix", "", "show", "all"); len(all) != 1 {
		t.Errorf("deposits: got %d, want 1", len(all))
	}
}
