package escrow

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// keeper brings audit records into the chain. A change's record is a row of the
// change's own transaction; the keeper chains it after the commit, waits until
// the chain is on disk, and only then has the row removed: between the two it
// exists at least once, whenever the power goes. A read's record goes directly.
type keeper struct {
	auditor Auditor
	log     *slog.Logger
	fail    func(error)

	mu      sync.Mutex
	waiting []Record // committed, not yet in the chain
	chained []string // IDs in the chain whose rows still stand
	dirty   bool     // something was appended since the last sync
	fresh   fresh    // what is in the chain and not known to be on disk
	rows    int      // the rows of chained, and of those that are being removed
	low     bool     // the alarm about the disk's room was raised
	lost    bool     // a sync failed: what is on disk nobody knows, so no row is removed any more
	trouble *fault.Error
}

func newKeeper(auditor Auditor, log *slog.Logger, fail func(error)) *keeper {
	return &keeper{auditor: auditor, log: log, fail: fail}
}

// committed chains the records of changes that are durable, in their order.
func (k *keeper) committed(records []Record) {
	if len(records) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = append(k.waiting, records...)
	k.chain()
}

// chain appends what waits. When that fails it goes on waiting, and changes and
// reads are refused until it succeeds.
func (k *keeper) chain() {
	if len(k.waiting) == 0 || k.lost {
		return
	}
	if err := k.auditor.Append(k.waiting...); err != nil {
		if k.trouble == nil {
			k.log.Error("the audit log cannot be written; requests are refused until it can", "error", err)
		}
		k.trouble, k.dirty = errNoAudit(err), true // a sync tells whether it can be written ever again
		return
	}
	if k.trouble != nil {
		k.log.Info("the audit log can be written again")
		k.trouble = nil
	}
	for _, r := range k.waiting {
		k.chained = append(k.chained, r.ID)
	}
	k.fresh.add(len(k.waiting))
	k.rows += len(k.waiting)
	k.waiting, k.dirty = nil, true
}

// append chains records that are no rows, before their request is answered. Those
// that fail first wait, as failed events: they show in the chain when requests
// began to be refused, and chaining them shows that they need be no longer.
func (k *keeper) append(records ...Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.trouble != nil {
		return k.trouble
	}
	if err := k.auditor.Append(records...); err != nil {
		k.log.Error("the audit log cannot be written; requests are refused until it can", "error", err)
		k.trouble, k.dirty = errNoAudit(err), true
		for _, r := range records {
			if r.Outcome == OutcomeOK { // not any more
				r.Outcome, r.Detail = OutcomeFailed, string(fault.Unavailable)
			}
			k.waiting = append(k.waiting, r)
		}
		return k.trouble
	}
	k.dirty = true
	k.fresh.add(len(records))
	return nil
}

func errNoAudit(err error) *fault.Error {
	return fault.New(fault.Unavailable, "the request cannot be audited, so it is refused").
		WithHint("the server's operator: make room for the audit log, or see ktsd's log").Because(err)
}

// err returns nil while events can be audited.
func (k *keeper) err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.trouble != nil {
		return k.trouble
	}
	return nil
}

// forgetTimeout is how long a flush waits for the writer, in each auditInterval, and
// forgetAtOnce how many rows go with one group: some more than a group's, so that
// the rows of whole groups without a pause are forgotten as fast as they come, and no
// group is much slower for it than others.
const (
	forgetTimeout = 500 * time.Millisecond
	forgetAtOnce  = 80
)

// run brings the chain to disk every interval, until ctx ends.
func (k *keeper) run(ctx context.Context, interval time.Duration, forget func(context.Context, []string) error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			k.flush(ctx, forget)
		case <-ctx.Done():
			return
		}
	}
}

// flush chains what waits, syncs the chain, and has the rows forgotten. After a
// sync that failed the rows stay, and the next start chains them again.
func (k *keeper) flush(ctx context.Context, forget func(context.Context, []string) error) {
	k.watchSpace()
	k.mu.Lock()
	k.chain()
	dirty, ids, synced, started := k.dirty, k.chained, k.fresh.records, time.Now()
	k.dirty, k.chained = false, nil
	k.mu.Unlock()

	if dirty {
		if err := k.auditor.Sync(); err != nil {
			k.mu.Lock()
			k.lost, k.trouble = true, errNoAudit(err)
			k.mu.Unlock()
			k.fail(fmt.Errorf("bringing the audit log to disk: %w", err))
			return
		}
		k.mu.Lock()
		k.fresh.synced(synced, started)
		k.mu.Unlock()
	}
	if len(ids) > 0 {
		k.forget(ctx, ids, forget)
	}
}

// forget has rows forgotten, some with each group, so that no put waits for the
// removal of all that came in a second. What is left over is for the next flush.
func (k *keeper) forget(ctx context.Context, ids []string, forget func(context.Context, []string) error) {
	ctx, cancel := context.WithTimeout(ctx, forgetTimeout) // so that reads' records are not kept from the disk
	defer cancel()
	left := ids
	for some := range slices.Chunk(ids, forgetAtOnce) {
		if err := forget(ctx, some); err != nil {
			k.log.Warn("audited rows stay in the database for now", "rows", len(left), "error", err)
			break
		}
		left = left[len(some):]
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows -= len(ids) - len(left)
	k.chained = append(left, k.chained...)
}

// backlog tells what is still to be done, and why events cannot be audited now.
func (k *keeper) backlog() (Backlog, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b := Backlog{Unchained: len(k.waiting), Unsynced: k.fresh.records, Rows: k.rows, Since: k.fresh.since}
	if k.trouble != nil {
		return b, k.trouble
	}
	return b, nil
}

// fresh counts records that are not known to be on disk.
type fresh struct {
	records int
	since   time.Time // not after the oldest of them was appended; zero if there is none
}

func (f *fresh) add(n int) {
	if f.records == 0 {
		f.since = time.Now()
	}
	f.records += n
}

// synced takes off n, after a sync that began at a time.
func (f *fresh) synced(n int, began time.Time) {
	f.records -= n
	f.since = began
	if f.records == 0 {
		f.since = time.Time{}
	}
}
