package escrow_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// observed is what an Observer was told.
type observed struct {
	mu      sync.Mutex
	groups  map[int]int        // by size
	broken  int                // groups with an error, or that took no time
	changes map[fault.Kind]int // by the kind of the error; "" is none
}

func (o *observed) Group(changes int, took time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.groups == nil {
		o.groups = map[int]int{}
	}
	o.groups[changes]++
	if err != nil || took <= 0 {
		o.broken++
	}
}

func (o *observed) Change(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var kind fault.Kind
	if f, ok := errors.AsType[*fault.Error](err); ok {
		kind = f.Kind
	} else if err != nil {
		kind = "without a kind"
	}
	if o.changes == nil {
		o.changes = map[fault.Kind]int{}
	}
	o.changes[kind]++
}

// reset forgets what was told before.
func (o *observed) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.groups, o.changes, o.broken = nil, nil, 0
}

// told returns what was told, but for groups of one, which may be upkeep.
func (o *observed) told() (sizes map[int]int, changes map[fault.Kind]int, broken int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	sizes, changes = map[int]int{}, map[fault.Kind]int{}
	for size, n := range o.groups {
		if size > 1 {
			sizes[size] = n
		}
	}
	for kind, n := range o.changes {
		changes[kind] = n
	}
	return sizes, changes, o.broken
}

// TestObserver: each change is told once, with the error that is its answer, each
// try of a group with its size, and upkeep is no change of anybody's.
func TestObserver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.client("acme")
	r.put(h, 7, "there", "other contents")
	r.store.set(func(s *tapStore) {
		s.refuse = func(mutations []escrow.Mutation) error {
			if hasHandle(mutations, "poison") {
				return fault.New(fault.Internal, "the store refuses it")
			}
			return nil
		}
	})
	r.until("no row waits to be removed", func() bool { return len(r.pending()) == 0 })
	r.seen.reset()
	r.group(h, 12, func(i int) escrow.Handle {
		if i == 5 {
			return "poison"
		}
		return "h"
	})
	r.until("the rows are removed, which is upkeep", func() bool { return len(r.pending()) == 0 })
	sizes, changes, broken := r.seen.told()
	if len(sizes) != 1 || sizes[12]+sizes[13] != 1 { // upkeep may have joined it
		t.Errorf("groups of more than one: got %v, want one of 12", sizes)
	}
	if diff := cmp.Diff(map[fault.Kind]int{"": 11, fault.Internal: 1, fault.Conflict: 1}, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if broken != 2 {
		t.Errorf("tries that failed: got %d, want the group and the one change in it", broken)
	}
}
