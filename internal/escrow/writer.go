package escrow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// maxGroup bounds the changes in one group, so that a commit stays short.
const maxGroup = 64

// Patience is how long a change is waited for.
type Patience struct {
	Turn time.Duration // by then it is withdrawn, and nothing of it is written, unless it had its turn
	End  time.Duration // after that, until its outcome is called unknown
}

// defaultPatience is for people and programs who wait for an answer.
func defaultPatience() Patience { return Patience{Turn: 3 * time.Second, End: 2 * time.Second} }

// job is one change on its way through the writer. Its fields belong to the
// writer from do until done is closed, or until it was withdrawn.
type job struct {
	keys   Keys
	decide func(*Facts) ([]Mutation, error)
	record Record
	upkeep bool          // of the writer itself: nobody asked for it
	end    time.Duration // how long its end is waited for, once it had its turn; 0: as long as that of any change
	err    error
	turn   atomic.Bool // somebody took it: the writer, or who withdrew it
	done   chan struct{}
}

// take reports whether the job is the caller's: the writer's to write, or that of
// who asked for it, to withdraw.
func (j *job) take() bool { return j.turn.CompareAndSwap(false, true) }

// asked says whether somebody asked for the change.
func (j *job) asked() bool { return !j.upkeep }

// newJob makes a job whose audit record, begun as base and completed by decide,
// is written with its mutations.
func newJob(keys Keys, base Record, decide func(*Facts, *Record) ([]Mutation, error)) *job {
	j := &job{keys: keys, record: base, done: make(chan struct{})}
	j.decide = func(f *Facts) ([]Mutation, error) {
		j.record = base
		mutations, err := decide(f, &j.record)
		if err != nil {
			return nil, err
		}
		j.record.Outcome = OutcomeOK
		return append(mutations, AddRecord{j.record}), nil
	}
	return j
}

// writer makes changes one group at a time: whatever waits when a group has
// been written is the next group, so a change alone is not delayed, and many at
// once share a commit.
type writer struct {
	store  Store
	keeper *keeper
	log    *slog.Logger
	fail   func(error)
	wait   Patience
	queue  chan *job

	observer Observer

	began  atomic.Int64                // when the group under way began, in nanoseconds of the monotonic clock; 0 between groups
	broken atomic.Pointer[fault.Error] // set for good by a commit whose outcome nobody knows
	refuse atomic.Pointer[fault.Error] // why the store did not take the last group; nil once it took one
}

func newWriter(config Config, k *keeper, fail func(error)) *writer {
	w := &writer{store: config.Store, keeper: k, log: config.Log, fail: fail, wait: config.Patience, observer: config.Observer, queue: make(chan *job, maxGroup)}
	if w.wait == (Patience{}) {
		w.wait = defaultPatience()
	}
	if w.observer == nil {
		w.observer = unobserved{}
	}
	return w
}

// err returns nil while changes can be made.
func (w *writer) err() error {
	if f := w.broken.Load(); f != nil {
		return f
	}
	return nil
}

// epoch is what the monotonic clock is read against.
var epoch = time.Now()

// stuck tells whether the store has not come back with a group for longer than a
// change is waited for.
func (w *writer) stuck() bool {
	began := w.began.Load()
	return began != 0 && time.Since(epoch)-time.Duration(began) > w.wait.Turn
}

// do puts j into the queue and waits for its end. When ctx ends first, or the store
// is stuck, it is withdrawn (fault.Unavailable); where that is too late the change
// goes on, and the error is fault.OutcomeUnknown.
func (w *writer) do(ctx context.Context, j *job) error {
	if err := w.err(); err != nil {
		return err
	}
	if w.stuck() {
		return errNoTurn()
	}
	timeout := time.NewTimer(w.wait.Turn)
	defer timeout.Stop()
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return errNoTurn()
	case <-timeout.C:
		return errNoTurn()
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		if j.take() {
			return w.withdrawn(j)
		}
		return errNoEnd()
	case <-timeout.C:
		if j.take() {
			return w.withdrawn(j)
		}
	}
	timeout.Reset(cmp.Or(j.end, w.wait.End))
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
	case <-timeout.C:
	}
	return errNoEnd()
}

// withdrawn ends a job that had no turn.
func (w *writer) withdrawn(j *job) error {
	j.err = errNoTurn()
	if j.asked() {
		w.observer.Change(j.err)
	}
	return j.err
}

func errNoTurn() error {
	return fault.New(fault.Unavailable, "the server is too busy to take the change").WithHint("try again in a moment")
}

func errNoEnd() error {
	return fault.New(fault.OutcomeUnknown, "the change was not confirmed in time").
		WithHint("send exactly the same request again: it is done at most once")
}

// run writes groups until ctx ends, and then what is still in the queue.
func (w *writer) run(ctx context.Context) {
	for {
		select {
		case j := <-w.queue:
			w.write(w.gather(j))
		case <-ctx.Done():
			for {
				select {
				case j := <-w.queue:
					w.write(w.gather(j))
				default:
					return
				}
			}
		}
	}
}

// gather returns first and what waits behind it, up to the bound of a group,
// without what was withdrawn.
func (w *writer) gather(first *job) []*job {
	var group []*job
	for j := first; ; {
		if j.take() {
			group = append(group, j)
		}
		if len(group) == maxGroup {
			return group
		}
		select {
		case j = <-w.queue:
		default:
			return group
		}
	}
}

// write commits a group, has its records chained, and answers its jobs. A group
// that the store rolled back for what is in it is tried again one by one, so that
// one change cannot fail another.
func (w *writer) write(group []*job) {
	if len(group) == 0 {
		return
	}
	w.began.Store(int64(time.Since(epoch)))
	defer w.began.Store(0)
	records, err := w.try(group)
	if err != nil && len(group) > 1 && w.err() == nil && !errors.Is(err, fault.Unavailable) {
		for _, j := range group {
			more, _ := w.try([]*job{j}) // j.err says how it ended
			records = append(records, more...)
		}
	}
	w.keeper.committed(records) // before anybody can read what was written, and be chained
	for _, j := range group {
		if j.asked() {
			w.observer.Change(j.err)
		}
		close(j.done)
	}
}

// try writes one group in one transaction, sets how each job ended, and returns
// the records that were written.
func (w *writer) try(group []*job) ([]Record, error) {
	var keys Keys
	for _, j := range group {
		keys.merge(j.keys)
	}
	var written int
	var records []Record
	err := w.err()
	if err == nil {
		started := time.Now()
		err = w.store.Change(keys, func(f *Facts) (all []Mutation, _ error) {
			all, records = decideAll(group, f)
			written = len(all)
			return all, nil
		})
		w.observer.Group(len(group), time.Since(started), err)
	}
	if err == nil {
		if written > 0 {
			w.refuse.Store(nil)
		}
		return records, nil
	}
	refusal, rolledBack := errors.AsType[*fault.Error](err)
	if !rolledBack {
		err = w.lose(err)
	} else if refusal.Kind == fault.Unavailable && slices.ContainsFunc(group, (*job).asked) {
		w.refuse.Store(refusal)
	}
	for _, j := range group {
		j.err = err
	}
	return nil, err
}

// decideAll takes the decisions of a group in turn, each over what those before
// it leave.
func decideAll(group []*job, f *Facts) (all []Mutation, records []Record) {
	for _, j := range group {
		var mutations []Mutation
		mutations, j.err = j.decide(f)
		for _, m := range mutations {
			f.apply(m)
			if r, ok := m.(AddRecord); ok {
				records = append(records, r.Record)
			}
		}
		all = append(all, mutations...)
	}
	return lastUsage(all), records
}

// lastUsage leaves out all SetUsage but the last one of each holder.
func lastUsage(all []Mutation) []Mutation {
	type holder struct {
		client Fingerprint
		org    OrgName
	}
	seen := map[holder]bool{}
	for i := len(all) - 1; i >= 0; i-- {
		if u, ok := all[i].(SetUsage); ok {
			h := holder{u.Client, u.Organization}
			if seen[h] {
				all[i] = nil
			}
			seen[h] = true
		}
	}
	return slices.DeleteFunc(all, func(m Mutation) bool { return m == nil })
}

// lose ends all writing after a commit whose outcome nobody knows.
func (w *writer) lose(cause error) error {
	unknown := fault.New(fault.OutcomeUnknown, "the change may or may not have been written").
		WithHint("send exactly the same request again: it is done at most once").Because(cause)
	w.broken.Store(fault.New(fault.Unavailable, "writing stopped after an error of the store").
		WithHint("the server restarts by itself; its log has the error").Because(cause))
	w.log.Error("writing stopped", "error", cause)
	w.fail(fmt.Errorf("writing: %w", cause))
	return unknown
}

// forget removes records that the chain holds on disk, in the next group.
func (w *writer) forget(ctx context.Context, ids []string) error {
	j := &job{upkeep: true, done: make(chan struct{}), decide: func(*Facts) ([]Mutation, error) {
		return []Mutation{ForgetRecords{ids}}, nil
	}}
	return w.do(ctx, j)
}

// forgetNow does the same once run has ended.
func (w *writer) forgetNow(_ context.Context, ids []string) error {
	if err := w.err(); err != nil {
		return err
	}
	return w.store.Change(Keys{}, func(*Facts) ([]Mutation, error) {
		return []Mutation{ForgetRecords{ids}}, nil
	})
}
