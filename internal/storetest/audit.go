package storetest

import (
	"context"
	"slices"

	"github.com/ktsd/ktsd/internal/escrow"
)

func (w *world) pending() []escrow.Record {
	w.Helper()
	records, err := w.store.PendingAudit(context.Background())
	if err != nil {
		w.Fatalf("PendingAudit: got error %v, want none", err)
	}
	return records
}

// testAudit: records come back as they were written, in the order of writing,
// also behind a change that failed and after some were forgotten.
func testAudit(w *world) {
	bare := escrow.Record{ID: record(2).ID, Time: at(-5), Action: "a", Outcome: escrow.OutcomeRefused, Actor: "anonymous"}
	w.change(escrow.AddRecord{Record: record(9)}, escrow.AddRecord{Record: bare})
	if err := w.try(escrow.AddRecord{Record: record(8)}, escrow.AddRecord{Record: record(9)}); err == nil {
		w.Error("the same record again: got no error")
	}
	w.change(escrow.AddRecord{Record: record(8)})
	w.change(escrow.AddRecord{Record: record(1)})
	w.same("in order of writing", w.pending(), []escrow.Record{record(9), bare, record(8), record(1)}, nil)

	w.change(escrow.ForgetRecords{IDs: []string{record(8).ID, record(9).ID, record(77).ID}})
	w.same("after some were forgotten", w.pending(), []escrow.Record{bare, record(1)}, nil)
	w.store = w.reopen()
	w.change(escrow.AddRecord{Record: record(0)})
	w.change(escrow.AddRecord{Record: record(9)}) // forgotten, so it can come again
	w.same("after a restart", w.pending(), []escrow.Record{bare, record(1), record(0), record(9)}, nil)

	w.change(escrow.ForgetRecords{IDs: []string{bare.ID, record(1).ID, record(0).ID, record(9).ID}})
	w.same("after all were forgotten", w.pending(), []escrow.Record(nil), nil)
	w.store = w.reopen()
	w.change(escrow.AddRecord{Record: record(3)})
	w.same("after a restart with none", w.pending(), []escrow.Record{record(3)}, nil)
}

// testAuditMany: 5,000 records can be forgotten at once.
func testAuditMany(w *world) {
	const all, forgotten = 5600, 5000
	var ids []string
	var mutations []escrow.Mutation
	var rest []escrow.Record
	for n := range all {
		mutations = append(mutations, escrow.AddRecord{Record: record(n)})
		if n%28 < 25 {
			ids = append(ids, record(n).ID)
		} else {
			rest = append(rest, record(n))
		}
	}
	if len(ids) != forgotten {
		w.Fatalf("the test forgets %d", len(ids))
	}
	for some := range slices.Chunk(mutations, 700) {
		w.change(some...)
	}
	if got := len(w.pending()); got != all {
		w.Errorf("got %d records, want %d", got, all)
	}
	w.change(escrow.ForgetRecords{IDs: ids})
	w.same("the rest", w.pending(), rest, nil)
}
