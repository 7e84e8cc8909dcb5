package escrow

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// refusals bounds what refused requests add to the audit log. In each minute the
// first few of a source, and the first some of all, have records of their own; the
// rest is counted, and told by one record for each of the loudest sources and one
// for all others.
type refusals struct {
	mu      sync.Mutex
	began   time.Time // of the minute; zero before the first refusal of one
	sources map[string]*tally
	others  tally // of sources beyond those that are remembered
	singles int
	counted int64 // ever
}

// What refusals cost at most, in a minute: singlesOfAll + summaries + 1 records, and
// the memory of maxTallies.
const (
	summaryInterval = time.Minute
	singlesOfEach   = 5    // of one source
	singlesOfAll    = 50   // together
	maxTallies      = 1024 // sources counted apart
	summaries       = 20   // sources told apart
	kindsTold       = 10   // of one source
)

// othersSource is the source of the summary of those that are not told apart.
const othersSource = "others"

// tally counts the refusals of a source.
type tally struct {
	source      string // an address, of IPv6 the network of 64 bits; of those whom ktsd knows the actor
	sources     int    // how many are counted here, or more
	more        bool   // than that
	singles     int
	kinds       map[string]int // "client.register denied": 4211
	total       int
	first, last time.Time
}

func (t *tally) add(what string, at time.Time) {
	if t.kinds == nil {
		t.kinds = map[string]int{}
	}
	if t.total == 0 {
		t.first = at
	}
	t.kinds[what]++
	t.total++
	t.last = at
}

// merge adds what another source did.
func (t *tally) merge(u *tally) {
	if u.total == 0 {
		return
	}
	if t.total == 0 || u.first.Before(t.first) {
		t.first = u.first
	}
	if u.last.After(t.last) {
		t.last = u.last
	}
	if t.kinds == nil {
		t.kinds = map[string]int{}
	}
	for what, n := range u.kinds {
		t.kinds[what] += n
	}
	t.total += u.total
	t.sources += u.sources
}

// single reports whether a refusal is to have a record of its own; where it is not
// it is counted. sum has it counted in any case.
func (r *refusals) single(rec *Record, sum bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.began.IsZero() {
		r.began, r.sources = rec.Time, map[string]*tally{}
	}
	source := neighborhood(rec.Source)
	if strings.HasPrefix(rec.Actor, actorClient) {
		source = rec.Actor // wherever it comes from
	}
	t := r.of(source)
	if !sum && t.singles < singlesOfEach && r.singles < singlesOfAll && t != &r.others {
		t.singles++
		r.singles++
		return true
	}
	r.counted++
	t.add(rec.Action+" "+rec.Detail, rec.Time)
	return false
}

// of returns the tally of a source.
func (r *refusals) of(source string) *tally {
	if t, ok := r.sources[source]; ok {
		return t
	}
	if len(r.sources) >= maxTallies {
		return &r.others
	}
	t := &tally{source: source, sources: 1}
	r.sources[source] = t
	return t
}

// total counts the refusals that are told by summaries.
func (r *refusals) total() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counted
}

// take ends a minute and returns what was counted in it, the loudest source first;
// nothing before the minute is over, unless it is to end now. A clock that was set
// back ends it too.
func (r *refusals) take(now time.Time, end bool) []tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	age := now.Sub(r.began)
	if r.began.IsZero() || !end && age >= 0 && age < summaryInterval {
		return nil
	}
	all := slices.Collect(maps.Values(r.sources))
	all = slices.DeleteFunc(all, func(t *tally) bool { return t.total == 0 })
	slices.SortFunc(all, func(a, b *tally) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.source, b.source))
	})
	others := r.others
	others.more = others.total > 0
	var told []tally
	for i, t := range all {
		if i < summaries {
			told = append(told, *t)
		} else {
			others.merge(t)
		}
	}
	if others.total > 0 {
		others.source = othersSource
		told = append(told, others)
	}
	r.began, r.sources, r.others, r.singles = time.Time{}, nil, tally{}, 0
	return told
}

// detail tells what a tally counted, the most frequent first:
//
//	4228 refused from 12:00:00Z to 12:00:59Z: client.register denied ×4211, deposit.get unauthenticated ×17
func (t *tally) detail() string {
	kinds := slices.SortedFunc(maps.Keys(t.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.kinds[b], t.kinds[a]), cmp.Compare(a, b))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "%d refused", t.total)
	if t.source == othersSource {
		b.WriteString(" of ")
		if t.more {
			b.WriteString("more than ")
		}
		fmt.Fprintf(&b, "%d addresses", t.sources)
	}
	fmt.Fprintf(&b, " from %s to %s: ", t.first.UTC().Format("15:04:05Z"), t.last.UTC().Format("15:04:05Z"))
	told := 0
	for i, what := range kinds[:min(len(kinds), kindsTold)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s ×%d", what, t.kinds[what])
		told += t.kinds[what]
	}
	if told < t.total {
		fmt.Fprintf(&b, ", others ×%d", t.total-told)
	}
	return b.String()
}

// summarizeRefusals chains a summary after each minute in which there is something
// to sum up, until ctx ends.
func (s *Service) summarizeRefusals(ctx context.Context) {
	tick := time.NewTicker(auditInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.summarize(false)
		case <-ctx.Done():
			return
		}
	}
}

// summarize chains what was counted, if its minute is over or ends now. While
// nothing can be chained it goes on counting.
func (s *Service) summarize(end bool) {
	if s.keeper.err() != nil {
		return
	}
	var records []Record
	for _, t := range s.refusals.take(s.now(), end) {
		rec := s.record(Caller{Source: t.source}, "refusals.summary", "")
		if client, known := strings.CutPrefix(t.source, actorClient); known {
			rec.Source, rec.Object = "", client
		}
		rec.Actor, rec.Outcome, rec.Detail = "ktsd", OutcomeRefused, t.detail()
		records = append(records, rec)
	}
	if len(records) == 0 {
		return
	}
	if err := s.keeper.append(records...); err != nil {
		s.config.Log.Error("the summary of refusals is not in the audit log yet", "error", err)
	}
}
