package storetest

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/internal/escrow"
)

// fetch asks for one thing with the certificate n.
func (w *world) fetch(n int, sel escrow.Selector) escrow.Fetched {
	w.Helper()
	found, err := w.store.Fetch(context.Background(), keyHash(n), sel)
	if err != nil {
		w.Fatalf("Fetch(%d, %+v): got error %v, want none", n, sel, err)
	}
	return found
}

// testFetch: a deposit is found by uuid, by handle (then the latest version, a
// deleted one too) or by handle and version, among those of the certificate's
// client.
func testFetch(w *world) {
	w.settle()
	first, second, third := deposit(1, 1, "h", 1), deposit(1, 2, "h", 2), deposit(1, 3, "h", 3)
	third.NotAfter, third.Deleted = at(100), at(50)
	theirs, only := deposit(2, 1, "h", 1), deposit(2, 4, "only theirs", 1)
	theirs.Sealed.Contents = []byte("theirs")
	w.put(first, second, third, theirs, only)

	tests := []struct {
		name string
		cert int
		sel  escrow.Selector
		want *escrow.Deposit
	}{
		{"uuid", 1, escrow.Selector{UUID: uuid(1)}, &first},
		{"uuid of a deleted one", 1, escrow.Selector{UUID: uuid(3)}, &third},
		{"uuid that two clients have", 2, escrow.Selector{UUID: uuid(1)}, &theirs},
		{"uuid of another client", 1, escrow.Selector{UUID: uuid(4)}, nil},
		{"uuid of nobody", 1, escrow.Selector{UUID: uuid(9)}, nil},
		{"handle", 2, escrow.Selector{Handle: "h"}, &theirs},
		{"handle whose latest is deleted", 1, escrow.Selector{Handle: "h"}, &third},
		{"handle and version", 1, escrow.Selector{Handle: "h", Version: 2}, &second},
		{"handle and deleted version", 1, escrow.Selector{Handle: "h", Version: 3}, &third},
		{"handle and no such version", 1, escrow.Selector{Handle: "h", Version: 4}, nil},
		{"handle of another client", 1, escrow.Selector{Handle: "only theirs"}, nil},
		{"handle in capitals", 1, escrow.Selector{Handle: "H"}, nil},
		{"handle with a space", 1, escrow.Selector{Handle: "h "}, nil},
		{"nothing", 1, escrow.Selector{}, nil},
	}
	for _, test := range tests {
		w.same(test.name, w.fetch(test.cert, test.sel), escrow.Fetched{Standing: settled(test.cert), Deposit: fetched(test.want)}, nil)
	}
}

// testFetchStanding: a certificate leads to its client and organization in
// whatever state they are, and an unknown one to nothing.
func testFetchStanding(w *world) {
	w.settle()
	w.put(deposit(1, 1, "h", 1), deposit(3, 1, "h", 1))
	retired := certificate(4, 1)
	retired.Retired = at(60)
	w.change(escrow.AddCertificate{Certificate: retired},
		escrow.SetClientState{Client: fingerprint(3), State: escrow.ClientDisabled, MAC: client(3, "").MAC})

	for _, sel := range []escrow.Selector{{UUID: uuid(1)}, {Handle: "h"}, {Handle: "h", Version: 1}} {
		d := deposit(1, 1, "h", 1)
		w.same("retired certificate", w.fetch(4, sel),
			escrow.Fetched{Standing: standing(retired, client(1, "acme"), organization("acme")), Deposit: fetched(&d)}, nil)
		w.same("unknown certificate", w.fetch(9, sel), escrow.Fetched{}, nil)
		disabled, d := settled(3), deposit(3, 1, "h", 1)
		disabled.Client.State = escrow.ClientDisabled
		w.same("disabled client", w.fetch(3, sel), escrow.Fetched{Standing: disabled, Deposit: fetched(&d)}, nil)
	}
	found, err := w.store.Fetch(context.Background(), escrow.KeyHash{}, escrow.Selector{UUID: uuid(1)})
	w.same("no certificate", found, escrow.Fetched{}, err)
}

// oddHandles are valid handles that careless SQL gets wrong, in the order of
// their bytes.
func oddHandles() []escrow.Handle {
	return []escrow.Handle{
		" ", " leading", `"`, "%", "' OR '1'='1", "'; DROP TABLE deposits; --", "$1", "*", "?", "A", "[a-z]", `\`, `\%`, "_", "a", "a b", "a%", "a/b", "a0", "a_", "ab",
		"null", "trailing ", "ß", "ä", "\uffff", "\U00010000", "\U0010ffff",
	}
}

// testOddHandles: any valid handle finds its own deposit and no other.
func testOddHandles(w *world) {
	w.settle()
	for i, handle := range oddHandles() {
		w.put(deposit(1, i+1, handle, 1))
	}
	for i, handle := range oddHandles() {
		want := deposit(1, i+1, handle, 1)
		for _, sel := range []escrow.Selector{{Handle: handle}, {Handle: handle, Version: 1}, {UUID: want.UUID}} {
			w.same(fmt.Sprintf("handle %q", handle), w.fetch(1, sel), escrow.Fetched{Standing: settled(1), Deposit: fetched(&want)}, nil)
		}
	}
}
