package escrow_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// get asks for a deposit and checks what comes: its contents, or a kind of error.
func (r *rig) get(h *host, sel escrow.Selector, contents string, kind fault.Kind) escrow.Deposit {
	r.Helper()
	d, got, err := r.Get(context.Background(), h.Caller, sel)
	if !is(err, kind) || string(got) != contents {
		r.Errorf("Get %+v: got %q, %v, want %q, %q", sel, got, err, contents, kind)
	}
	return d
}

// TestPutGet: what was put comes back byte for byte, to the client that put it,
// after a restart too, and the database shows none of it.
func TestPutGet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, other := r.client("acme"), r.client("acme")
	contents := "the contents of a deposit \x00\xff"
	d := r.put(h, 1, "a/handle", contents)
	want := escrow.Deposit{
		Client: h.fingerprint(), UUID: id(1), Handle: "a/handle", Version: 1, Size: int64(len(contents)),
		Created: micro(r.clock.Now()), Digest: escrow.DepositDigest("a/handle", time.Time{}, []byte(contents)),
	}
	d.Sealed = escrow.Sealed{}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("Put: (-want +got)\n%s", diff)
	}
	for range 2 {
		for _, sel := range []escrow.Selector{{UUID: id(1)}, {Handle: "a/handle"}, {Handle: "a/handle", Version: 1}} {
			got := r.get(h, sel, contents, "")
			got.Digest = want.Digest // which a read does not bring
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Get: (-want +got)\n%s", diff)
			}
			r.get(other, sel, "", fault.NotFound)
		}
		r.get(h, escrow.Selector{UUID: id(2)}, "", fault.NotFound)
		r.get(h, escrow.Selector{Handle: "a/handle", Version: 2}, "", fault.NotFound)
		r.stop()
		r.start()
	}
	for _, suffix := range []string{"", "-wal"} {
		if data, _ := os.ReadFile(r.database() + suffix); bytes.Contains(data, []byte(contents[:20])) {
			t.Errorf("the database%s holds the contents", suffix)
		}
	}
}

// TestPutAgain: a put sent again has one effect and one answer; under its UUID
// nothing else is ever kept.
func TestPutAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, other := r.client("acme"), r.client("acme")
	ctx := context.Background()
	first := r.put(h, 1, "h", "one")
	r.clock.add(time.Hour)
	r.put(h, 2, "h", "two")
	again := r.put(h, 1, "h", "one")
	again.Sealed, first.Sealed = escrow.Sealed{}, escrow.Sealed{}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same put again: (-first +again)\n%s", diff)
	}
	for name, put := range map[string]escrow.NewDeposit{
		"other contents":  {UUID: id(1), Handle: "h", Contents: []byte("other")},
		"other handle":    {UUID: id(1), Handle: "i", Contents: []byte("one")},
		"other not_after": {UUID: id(1), Handle: "h", Contents: []byte("one"), NotAfter: r.clock.Now().Add(time.Hour)},
	} {
		if _, err := r.Put(ctx, h.Caller, put); !is(err, fault.Conflict) {
			t.Errorf("%s: got %v, want %q", name, err, fault.Conflict)
		}
	}
	if _, err := r.Put(ctx, h.Caller, escrow.NewDeposit{UUID: id(9), Handle: "h"}); !is(err, fault.Invalid) {
		t.Errorf("no contents: got %v, want %q", err, fault.Invalid)
	}
	if theirs := r.put(other, 1, "h", "theirs"); theirs.Version != 1 {
		t.Errorf("another client's put under the same UUID: got version %d, want 1", theirs.Version)
	}
	r.get(h, escrow.Selector{Handle: "h"}, "two", "")
	r.get(h, escrow.Selector{UUID: id(1)}, "one", "")
	r.get(other, escrow.Selector{UUID: id(1)}, "theirs", "")
	if all, _, err := r.List(ctx, h.Caller, escrow.ListQuery{All: true}); err != nil || len(all) != 2 {
		t.Errorf("List: got %d deposits, %v, want 2", len(all), err)
	}
}

// TestDelete: a deleted deposit hides its handle; an older version is served only
// by its number, and a new put gets a number that was never used.
func TestDelete(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, other := r.client("acme"), r.client("acme")
	ctx := context.Background()
	r.put(h, 1, "h", "one")
	r.put(h, 2, "h", "two")
	deleted, err := r.Delete(ctx, h.Caller, id(2))
	if err != nil || !deleted.Deleted.Equal(micro(r.clock.Now())) || deleted.Version != 2 {
		t.Errorf("Delete: got %+v, %v", deleted, err)
	}
	r.clock.add(time.Hour)
	if again, err := r.Delete(ctx, h.Caller, id(2)); err != nil || !again.Deleted.Equal(deleted.Deleted) {
		t.Errorf("Delete again: got deleted %s, %v, want %s", again.Deleted, err, deleted.Deleted)
	}
	r.get(h, escrow.Selector{Handle: "h"}, "", fault.NotFound)
	r.get(h, escrow.Selector{UUID: id(2)}, "", fault.NotFound)
	r.get(h, escrow.Selector{Handle: "h", Version: 2}, "", fault.NotFound)
	r.get(h, escrow.Selector{Handle: "h", Version: 1}, "one", "")
	if d := r.put(h, 2, "h", "two"); d.Version != 2 || d.Deleted.IsZero() {
		t.Errorf("the deleted put again: got %+v, want version 2, deleted", d)
	}
	if d := r.put(h, 3, "h", "three"); d.Version != 3 {
		t.Errorf("put after delete: got version %d, want 3", d.Version)
	}
	for range 2 {
		if d, err := r.Undelete(ctx, h.Caller, id(2)); err != nil || !d.Deleted.IsZero() {
			t.Errorf("Undelete: got %+v, %v", d, err)
		}
	}
	r.get(h, escrow.Selector{UUID: id(2)}, "two", "")
	for _, set := range []func(context.Context, escrow.Caller, escrow.UUID) (escrow.Deposit, error){r.Delete, r.Undelete} {
		if _, err := set(ctx, other.Caller, id(1)); !is(err, fault.NotFound) {
			t.Errorf("another client's deposit: got %v, want %q", err, fault.NotFound)
		}
	}
	r.get(h, escrow.Selector{UUID: id(1)}, "one", "")
}

func TestNotAfter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	ctx := context.Background()
	until := r.clock.Now().Add(time.Hour)
	put := escrow.NewDeposit{UUID: id(1), Handle: "h", Contents: []byte("contents"), NotAfter: until}
	for range 2 {
		if d, err := r.Put(ctx, h.Caller, put); err != nil || !d.NotAfter.Equal(micro(until)) {
			t.Fatalf("Put: got not_after %s, %v, want %s", d.NotAfter, err, until)
		}
	}
	r.clock.set(until.Add(-time.Millisecond))
	r.get(h, escrow.Selector{Handle: "h"}, "contents", "")
	r.clock.set(until)
	r.get(h, escrow.Selector{Handle: "h"}, "", fault.Gone)
	r.get(h, escrow.Selector{UUID: id(1)}, "", fault.Gone)
	if _, err := r.Put(ctx, h.Caller, put); err != nil {
		t.Errorf("the same put again, later: got %v, want the first answer", err)
	}
	put.UUID = id(2)
	if _, err := r.Put(ctx, h.Caller, put); !is(err, fault.Invalid) {
		t.Errorf("a put that is never served: got %v, want %q", err, fault.Invalid)
	}
}

// TestListPages: at most 500 a page; the pages give everything once, in order.
func TestListPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	ctx := context.Background()
	for i := range 7 {
		r.put(h, i, escrow.Handle(fmt.Sprintf("h%d", i)), "c")
	}
	for _, limit := range []int{-1, 0, 1, 3, 6, 7, 8, 100_000} {
		var got []string
		for q, more := (escrow.ListQuery{Limit: limit}), true; more; {
			var page []escrow.Deposit
			var err error
			if page, more, err = r.List(ctx, h.Caller, q); err != nil || len(page) == 0 || limit > 0 && len(page) > limit {
				t.Fatalf("List(%+v): got %d deposits, %v", q, len(page), err)
			}
			for _, d := range page {
				got = append(got, string(d.Handle))
			}
			q.AfterHandle, q.AfterVersion = page[len(page)-1].Handle, page[len(page)-1].Version
		}
		if want := "h0 h1 h2 h3 h4 h5 h6"; strings.Join(got, " ") != want {
			t.Errorf("pages of %d: got %v, want %s", limit, got, want)
		}
	}
}

// TestEdited: a row that was changed behind the server's back is named and not
// served.
func TestEdited(t *testing.T) {
	t.Parallel()
	edits := map[string]string{
		"a byte of the contents":      `UPDATE deposits SET contents = substr(contents, 1, 20) || CASE substr(contents, 21, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(contents, 22) WHERE uuid = $1`,
		"contents cut":                `UPDATE deposits SET contents = substr(contents, 1, length(contents) - 1) WHERE uuid = $1`,
		"a byte of the key":           `UPDATE deposits SET data_key = substr(data_key, 1, 20) || CASE substr(data_key, 21, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(data_key, 22) WHERE uuid = $1`,
		"handle":                      `UPDATE deposits SET handle = 'other' WHERE uuid = $1`,
		"version":                     `UPDATE deposits SET version = 5 WHERE uuid = $1`,
		"not_after":                   `UPDATE deposits SET not_after = 99999999999999999 WHERE uuid = $1`,
		"created":                     `UPDATE deposits SET created = created + 1 WHERE uuid = $1`,
		"contents of another deposit": `UPDATE deposits SET contents = (SELECT contents FROM deposits WHERE handle = 'second') WHERE uuid = $1`,
		"all of another deposit":      `UPDATE deposits SET (contents, data_key) = (SELECT contents, data_key FROM deposits WHERE handle = 'second') WHERE uuid = $1`,
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.organization("beta", escrow.ApprovalAutomatic, "")
			h := r.client("acme")
			r.put(h, 1, "first", "contents of the first")
			r.put(h, 2, "second", "contents of the second")
			r.get(h, escrow.Selector{UUID: id(1)}, "contents of the first", "")
			r.edit(edit, id(1))
			_, contents, err := r.Get(context.Background(), h.Caller, escrow.Selector{UUID: id(1)})
			if !is(err, fault.Corrupt) || contents != nil || !strings.Contains(fmt.Sprint(err), string(id(1))) {
				t.Errorf("got %q, %v, want %q that names the deposit", contents, err, fault.Corrupt)
			}
			r.get(h, escrow.Selector{UUID: id(2)}, "contents of the second", "")
			events := r.chain()
			for _, e := range events {
				if e.Object == string(id(1)) && e.Action == "deposit.get" && e.Outcome == escrow.OutcomeFailed && e.Detail == string(fault.Corrupt) {
					return
				}
			}
			t.Errorf("no event tells of it: %+v", events)
		})
	}
}
