package escrow_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/seal"
)

// unsigned makes the rows of an organization with two clients as an earlier build
// wrote them.
func unsigned(t *testing.T) (*rig, *host, *host) {
	t.Helper()
	r := newRig(t)
	a, b := r.client("acme"), r.client("acme")
	if err := r.AddContacts(context.Background(), operator(), "acme", []string{"a@x"}); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"organizations", "contacts", "clients", "certificates"} {
		r.edit(`UPDATE ` + table + ` SET mac = NULL`)
	}
	return r, a, b
}

func (r *rig) read() escrow.Rows {
	r.Helper()
	rows, err := escrow.ReadRows(context.Background(), r.store, r.sealer)
	if err != nil {
		r.Fatalf("ReadRows: %v", err)
	}
	return rows
}

// TestAuthenticateRows: rows without a MAC are refused with what to do, and authentic
// once they were authenticated; one with another MAC is not.
func TestAuthenticateRows(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r, a, b := unsigned(t)
	_, err := r.Self(ctx, a.Caller)
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Corrupt || !strings.Contains(f.Hint, "ktadmin db authenticate") {
		t.Errorf("Self without MACs: got %v, want %q with the command", err, fault.Corrupt)
	}
	r.edit(`UPDATE clients SET mac = x'01' WHERE fingerprint = $1`, b.fingerprint())
	rows := r.read()
	if got, want := escrow.Counts(rows.Unauthenticated), "organization 1, contact 1, client 1, certificate 2"; got != want {
		t.Errorf("without a MAC: got %s, want %s", got, want)
	}
	if len(rows.Foreign) != 1 || rows.Foreign[0].Name != string(b.fingerprint()) || rows.Authentic != 0 {
		t.Errorf("got foreign %+v, %d authentic, want client %s alone", rows.Foreign, rows.Authentic, b.fingerprint())
	}
	if err := escrow.AuthenticateRows(ctx, r.store, r.sealer, rows.Unauthenticated, operator()); err != nil {
		t.Fatalf("AuthenticateRows: %v", err)
	}
	if rows := r.read(); len(rows.Unauthenticated) != 0 || len(rows.Foreign) != 1 || rows.Authentic != 5 {
		t.Errorf("afterwards: got %+v, want 5 authentic and one foreign", rows)
	}
	if _, err := r.Self(ctx, a.Caller); err != nil {
		t.Errorf("Self: %v", err)
	}
	if _, err := r.Self(ctx, b.Caller); !is(err, fault.Corrupt) {
		t.Errorf("Self by a row with another MAC: got %v, want %q", err, fault.Corrupt)
	}
	var found []escrow.Record
	for _, rec := range r.pending() {
		if rec.Action == "rows.authenticate" {
			found = append(found, rec)
		}
	}
	if len(found) != 1 || found[0].Actor != "operator uid 0" || found[0].Outcome != escrow.OutcomeOK || found[0].Detail != escrow.Counts(rows.Unauthenticated) {
		t.Errorf("audit records: got %+v, want one by the operator, with the counts", found)
	}
}

// TestAuthenticateWhatWasShown: what is changed between the list and the yes is not
// made authentic, nor anything else.
func TestAuthenticateWhatWasShown(t *testing.T) {
	t.Parallel()
	r, a, _ := unsigned(t)
	rows := r.read()
	r.edit(`UPDATE clients SET name = 'mallory' WHERE fingerprint = $1`, a.fingerprint())
	err := escrow.AuthenticateRows(context.Background(), r.store, r.sealer, rows.Unauthenticated, operator())
	if !is(err, fault.Conflict) {
		t.Errorf("got %v, want %q", err, fault.Conflict)
	}
	if after := r.read(); len(after.Unauthenticated) != len(rows.Unauthenticated) {
		t.Errorf("rows without a MAC: got %d, want the %d of before", len(after.Unauthenticated), len(rows.Unauthenticated))
	}
	if err := escrow.AuthenticateRows(context.Background(), r.store, r.sealer, nil, a.Caller); !is(err, fault.NotFound) {
		t.Errorf("by a client: got %v, want %q", err, fault.NotFound)
	}
}

// TestAuthenticateWithAnotherRing: the key-encryption key has to be the database's.
func TestAuthenticateWithAnotherRing(t *testing.T) {
	t.Parallel()
	r, _, _ := unsigned(t)
	other, err := seal.New(seal.NewRing(r.clock.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := escrow.ReadRows(context.Background(), r.store, other); !is(err, fault.Unavailable) || !strings.Contains(err.Error(), "is not the key") {
		t.Errorf("got %v, want that the ring is another one", err)
	}
}
