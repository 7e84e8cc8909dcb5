package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// list asks with certificate 1, which must be known.
func (w *world) list(q escrow.ListQuery) []escrow.Deposit {
	w.Helper()
	who, found, err := w.store.List(context.Background(), keyHash(1), q)
	w.same(fmt.Sprintf("List(%+v): standing", q), who, settled(1), err)
	return found
}

// testListOrder: the order is that of the handles' bytes and then of the versions
// as numbers, whatever the order of writing.
func testListOrder(w *world) {
	w.settle()
	if !slices.IsSorted([]string{"a", "a/b", "a0", "ä", "\uffff", "\U00010000"}) {
		w.Fatal("the test is wrong about the order of bytes")
	}
	handles := oddHandles()
	slices.Sort(handles)
	var want []escrow.Deposit
	for i, handle := range handles {
		for version := int64(9); version <= 11; version++ {
			want = append(want, deposit(1, 3*i+int(version), handle, version))
		}
	}
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(want)) {
		w.put(want[i])
	}
	w.same("all versions", w.list(escrow.ListQuery{All: true, Limit: 1000}), described(want...), nil)
	var latest []escrow.Deposit
	for i := 2; i < len(want); i += 3 {
		latest = append(latest, want[i])
	}
	w.same("latest versions", w.list(escrow.ListQuery{Limit: 1000}), described(latest...), nil)
}

// testListVersions: All shows every version, deleted ones too; else the latest of
// each handle comes, and none where that is deleted.
func testListVersions(w *world) {
	w.settle()
	a1, a2 := deposit(1, 1, "a", 1), deposit(1, 2, "a", 2)
	b1, b2 := deposit(1, 3, "b", 1), deposit(1, 4, "b", 2)
	c1 := deposit(1, 5, "c", 1)
	a1.Deleted, b2.Deleted, c1.NotAfter = at(70), at(71), at(72)
	w.put(a1, a2, b1, b2, c1, deposit(2, 1, "a", 3), deposit(3, 1, "z", 1))
	w.same("latest", w.list(escrow.ListQuery{Limit: 10}), described(a2, c1), nil)
	w.same("all", w.list(escrow.ListQuery{All: true, Limit: 10}), described(a1, a2, b1, b2, c1), nil)

	w.change(escrow.SetDeleted{Client: fingerprint(1), UUID: uuid(4)})
	b2.Deleted = time.Time{}
	w.same("latest after undelete", w.list(escrow.ListQuery{Limit: 10}), described(a2, b2, c1), nil)
}

// testListPages: pages of any size, each begun where the last one ended, give
// everything once and in order.
func testListPages(w *world) {
	w.settle()
	var all, latest []escrow.Deposit
	for i, handle := range []escrow.Handle{"a", "a/b", "a0", "b", "ä", "\uffff", "\U00010000"} {
		for version := int64(1); version <= 3; version++ {
			all = append(all, deposit(1, 10*i+int(version), handle, version))
		}
		latest = append(latest, all[len(all)-1])
	}
	w.put(all...)
	for _, limit := range []int{1, 2, 3, 7, 21, 22} {
		for _, every := range []bool{true, false} {
			want := described(latest...)
			if every {
				want = described(all...)
			}
			q := escrow.ListQuery{All: every, Limit: limit}
			var got []escrow.Deposit
			for range len(all) + 1 {
				page := w.list(q)
				if len(page) > limit {
					w.Fatalf("List(%+v): got %d deposits", q, len(page))
				}
				if len(page) == 0 {
					break
				}
				got = append(got, page...)
				q.AfterHandle, q.AfterVersion = page[len(page)-1].Handle, page[len(page)-1].Version
			}
			w.same(fmt.Sprintf("pages of %d, all %t", limit, every), got, want, nil)
		}
	}
	w.same("a cursor between two", w.list(escrow.ListQuery{AfterHandle: "a/", AfterVersion: 99, Limit: 1}), described(latest[1]), nil)
	w.same("a cursor behind the last", w.list(escrow.ListQuery{AfterHandle: "\U0010ffff", Limit: 9}), []escrow.Deposit(nil), nil)
}

// testListPrefix: a prefix is taken by its bytes; nothing in it is a pattern.
func testListPrefix(w *world) {
	w.settle()
	byHandle := map[escrow.Handle]escrow.Deposit{}
	for i, handle := range append(oddHandles(), "a/", "a/b/c", "%x", "_x", `\x`, "äb", "Ä") {
		byHandle[handle] = deposit(1, i+1, handle, 1)
		w.put(byHandle[handle])
	}
	tests := []struct {
		prefix  string
		handles []escrow.Handle
	}{
		{"a", []escrow.Handle{"a", "a b", "a%", "a/", "a/b", "a/b/c", "a0", "a_", "ab"}},
		{"a/", []escrow.Handle{"a/", "a/b", "a/b/c"}},
		{"a/b/c", []escrow.Handle{"a/b/c"}},
		{"a/b/c/", nil},
		{"%", []escrow.Handle{"%", "%x"}},
		{"_", []escrow.Handle{"_", "_x"}},
		{`\`, []escrow.Handle{`\`, `\%`, `\x`}},
		{"'", []escrow.Handle{"' OR '1'='1", "'; DROP TABLE deposits; --"}},
		{" ", []escrow.Handle{" ", " leading"}},
		{"ä", []escrow.Handle{"ä", "äb"}},
		{"\uffff", []escrow.Handle{"\uffff"}},
		{"\U0010ffff", []escrow.Handle{"\U0010ffff"}},
		{"zz", nil},
	}
	for _, test := range tests {
		var want []escrow.Deposit
		for _, handle := range test.handles {
			want = append(want, byHandle[handle])
		}
		w.same(fmt.Sprintf("prefix %q", test.prefix), w.list(escrow.ListQuery{Prefix: test.prefix, Limit: 100}), described(want...), nil)
		if len(want) > 1 {
			q := escrow.ListQuery{Prefix: test.prefix, AfterHandle: want[0].Handle, AfterVersion: 1, Limit: 1}
			w.same(fmt.Sprintf("prefix %q, second page of one", test.prefix), w.list(q), described(want[1]), nil)
		}
	}
	w.same("cursor before the prefix", w.list(escrow.ListQuery{Prefix: "ä", AfterHandle: "A", AfterVersion: 1, Limit: 1}), described(byHandle["ä"]), nil)
	w.same("cursor behind the prefix", w.list(escrow.ListQuery{Prefix: "A", AfterHandle: "b", Limit: 9}), []escrow.Deposit(nil), nil)
}

// testListNUL: no handle has a NUL, but whoever asks may send one, or what is not
// UTF-8 at all.
func testListNUL(w *world) {
	w.settle()
	a, ab, b := deposit(1, 1, "a", 1), deposit(1, 2, "a b", 1), deposit(1, 3, "b", 1)
	w.put(a, ab, b)
	for _, odd := range []string{"\x00", "\xff", "\xc3"} {
		for _, prefix := range []string{odd, "a" + odd, odd + "a", "a" + odd + "b"} {
			w.same(fmt.Sprintf("prefix %q", prefix), w.list(escrow.ListQuery{Prefix: prefix, Limit: 9}), []escrow.Deposit(nil), nil)
		}
		for _, sel := range []escrow.Selector{{Handle: escrow.Handle("a" + odd)}, {Handle: escrow.Handle("a" + odd), Version: 1}, {UUID: escrow.UUID(odd)}} {
			w.same(fmt.Sprintf("%+v", sel), w.fetch(1, sel), escrow.Fetched{Standing: settled(1)}, nil)
		}
		clients, err := w.store.Clients(context.Background(), escrow.OrgName("acme"+odd))
		w.same("clients", clients, []escrow.Client(nil), err)
	}
	w.same("cursor with a NUL", w.list(escrow.ListQuery{AfterHandle: "a\x00", Limit: 9}), described(ab, b), nil)
	w.same("cursor with a NUL inside", w.list(escrow.ListQuery{AfterHandle: "a\x00z", AfterVersion: 1, Limit: 9}), described(ab, b), nil)
}

// testListStanding: who asks is told whether or not there is anything to list.
func testListStanding(w *world) {
	w.settle()
	w.put(deposit(1, 1, "h", 1))
	retired := certificate(4, 3)
	retired.Retired = at(80)
	w.change(escrow.AddCertificate{Certificate: retired}, escrow.SetClientState{Client: fingerprint(2), State: escrow.ClientPending, MAC: client(2, "").MAC})
	pending := settled(2)
	pending.Client.State = escrow.ClientPending
	for n, want := range map[int]escrow.Standing{
		2: pending,
		4: standing(retired, client(3, "beta"), organization("beta")),
		9: {},
	} {
		for _, q := range []escrow.ListQuery{{Limit: 5}, {Limit: 5, All: true}, {Limit: 5, Prefix: "none"}} {
			who, found, err := w.store.List(context.Background(), keyHash(n), q)
			w.same(fmt.Sprintf("certificate %d", n), who, want, err)
			w.same(fmt.Sprintf("deposits of certificate %d", n), found, []escrow.Deposit(nil), nil)
		}
	}
	w.same("nothing under a prefix", w.list(escrow.ListQuery{Prefix: "i", Limit: 5}), []escrow.Deposit(nil), nil)
}
