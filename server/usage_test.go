package main_test

import (
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// checkUsage makes sure that the counters, which quotas are decided by, say of each
// client and organization what the database holds: all but what was purged.
func checkUsage(t *testing.T, dir string) {
	t.Helper()
	rows := func(statement string) []string {
		t.Helper()
		all := strings.Split(behind(t, dir, statement), "\n")
		slices.Sort(all)
		return all
	}
	held := rows(`SELECT 'client/' || client, count(*), sum(size) FROM deposits WHERE purged IS NULL GROUP BY client
		UNION ALL SELECT 'organization/' || k.organization, count(*), sum(d.size)
		FROM deposits d JOIN clients k ON k.fingerprint = d.client WHERE d.purged IS NULL GROUP BY k.organization`)
	counted := rows(`SELECT holder, deposits, bytes FROM usage WHERE deposits <> 0 OR bytes <> 0`)
	if diff := cmp.Diff(held, counted); diff != "" {
		t.Errorf("counters (-what is held +what is counted):\n%s", diff)
	}
	if len(held) < 2 {
		t.Errorf("what is held: got %q, want some", held)
	}
}

// spender is a client that puts, deletes and has the operator purge, all the time.
type spender struct {
	id  *identity
	org string
}

// spend does so over one connection until a request fails.
func (p spender) spend(t *testing.T, s *ktest.Server, acknowledged func()) {
	b := box{s.HTTP(t, p.id.pair), s.URL}
	try := func(method, target string, body []byte) bool {
		r, err := tryRequest(b.http, method, target, body)
		if err == nil && r.status == http.StatusOK {
			acknowledged()
			return true
		}
		return false
	}
	for n := 0; ; n++ {
		id := uuid.NewString()
		if !try(http.MethodPut, b.at(id)+"?handle=h", randomBytes(1+mathrand.IntN(3000))) {
			return
		}
		if n%3 != 0 {
			continue
		}
		if !try(http.MethodDelete, b.at(id), nil) {
			return
		}
		if _, err := s.Admin().Purge(t.Context(), p.id.key.Fingerprint(), id, "test"); err != nil {
			return
		}
		acknowledged()
	}
}

// TestUsageAfterKill: a kill -9 in the middle of groups of puts, deletes and purges
// of two organizations' clients leaves counters that are right to the byte.
func TestUsageAfterKill(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s := ktest.Start(t, dir)
		var spenders []spender
		for _, org := range []string{"acme", "umbrella"} {
			s.Organization(t, org)
			for range 2 {
				_, id := newBox(t, s, org)
				spenders = append(spenders, spender{id, org})
			}
		}
		for range soak(3, 20) {
			var mu sync.Mutex
			var group sync.WaitGroup
			left := 100 + mathrand.IntN(200)
			for _, p := range spenders {
				for range 8 {
					group.Go(func() {
						p.spend(t, s, func() {
							mu.Lock()
							defer mu.Unlock()
							if left--; left == 0 {
								group.Go(func() { s.Kill(t) })
							}
						})
					})
				}
			}
			group.Wait()
			s.Wait(t)
			checkUsage(t, dir) // as it lies there
			s = ktest.Start(t, dir)
			checkUsage(t, dir)
		}
	})
}

// TestQuotaOfBytes: who keeps as many bytes as a client or an organization may is
// told so, deleted ones included; a purge makes room, to the byte; others work.
func TestQuotaOfBytes(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		setLimits(t, dir, func(l *bounds.Limits) { l.ClientBytes, l.OrganizationBytes = 1<<20, 3<<19 })
		s, full, id := serviceOn(t, dir)
		s.Organization(t, "umbrella")
		colleague, _ := newBox(t, s, "acme")
		other, _ := newBox(t, s, "umbrella")
		refused := func(what string, r reply, wants ...string) {
			t.Helper()
			wantKind(t, what, r, fault.Quota)
			contains(t, what+": message", r.detail().Message, wants...)
			contains(t, what+": hint", r.detail().Hint, "limits")
		}
		var kept []api.Deposit
		for i := range 4 {
			kept = append(kept, full.keep(t, fmt.Sprintf("quarter %d", i), randomBytes(1<<18)))
		}
		byte1 := func(b box) reply { return b.put(t, uuid.NewString(), "one-more", []byte("x")) }
		refused("one byte more", byte1(full), "client "+id.key.Fingerprint(), "1048576 bytes")
		colleague.keep(t, "half", randomBytes(1<<19))
		refused("one byte more of a colleague's", byte1(colleague), "organization acme", "1572864 bytes")
		other.keep(t, "whole", randomBytes(1<<20))

		wantOK(t, "a delete", full.delete(t, kept[0].UUID), nil)
		refused("after a delete", byte1(full), "client ")
		ktest.Must(t, "orgtool", "purge", "--confdir", dir, "--fingerprint", id.key.Fingerprint(), "--uuid", kept[0].UUID, "--reason", "TICKET-1")
		wantKind(t, "what was purged", full.get(t, kept[0].UUID), fault.Gone)
		refused("one byte more than was purged", full.put(t, uuid.NewString(), "again", randomBytes(1<<18+1)), "client ")
		full.keep(t, "again", randomBytes(1<<18))
		refused("full again", byte1(full), "client ")
		refused("a colleague's", byte1(colleague), "organization acme")
		checkUsage(t, dir)
		s.Kill(t)
		s = ktest.Start(t, dir)
		refused("after a restart", byte1(box{s.HTTP(t, id.pair), s.URL}), "client ")

		s.Stop(t)
		contains(t, "the refusals in the audit log", ktest.Must(t, "ktadmin", "audit", "search", "--confdir", dir, "--outcome", "refused", "--action", "deposit.put"),
			"(quota) by client "+id.key.Fingerprint())
		contains(t, "the purge in the audit log", ktest.Must(t, "ktadmin", "audit", "search", "--confdir", dir, "--action", "deposit.purge-now"),
			kept[0].UUID+" (TICKET-1) by operator uid ")
	})
}
