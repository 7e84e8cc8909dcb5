package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// sentPut is a put of a storm.
type sentPut struct {
	uuid, handle string
	contents     []byte
	answer       api.Deposit // if acknowledged
	refusal      reply       // if refused; its zero value if the connection broke
}

// storm puts with all clients at once until each was refused or cut off, which end
// is to bring about: it is called once so many puts are acknowledged. It returns
// what was acknowledged and what was not.
func storm(t *testing.T, s *ktest.Server, clients []*http.Client, after int, end func()) (acknowledged, open []sentPut) {
	t.Helper()
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, c := range clients {
		group.Go(func() {
			for {
				p := sentPut{uuid: uuid.NewString(), handle: fmt.Sprintf("h%d", mathrand.IntN(5)), contents: randomBytes(1 + mathrand.IntN(8000))}
				r, err := tryRequest(c, http.MethodPut, s.URL+"/v1/deposits/"+p.uuid+"?handle="+p.handle, p.contents)
				ok := err == nil && r.status == http.StatusOK && json.Unmarshal(r.body, &p.answer) == nil
				mu.Lock()
				if ok {
					acknowledged = append(acknowledged, p)
					if len(acknowledged) == after {
						group.Go(end)
					}
				} else {
					p.refusal = r
					open = append(open, p)
				}
				mu.Unlock()
				if !ok {
					return
				}
			}
		})
	}
	group.Wait()
	if len(acknowledged) < after {
		t.Fatalf("storm: got %d puts acknowledged, want %d before anything breaks; the first refusal: %v", len(acknowledged), after, open[0].refusal)
	}
	t.Logf("%d puts acknowledged, %d not", len(acknowledged), len(open))
	return acknowledged, open
}

// connections returns n clients with a connection each.
func connections(t *testing.T, s *ktest.Server, id *identity, n int) []*http.Client {
	t.Helper()
	var clients []*http.Client
	for range n {
		clients = append(clients, s.HTTP(t, id.pair))
	}
	return clients
}

// TestKillInPutStorm: whatever was acknowledged before a kill -9 is there, whole
// and audited; what was not is whole or absent, and sending it again is one
// deposit. The same holds for a stop by SIGTERM. There are as many connections as
// a group has room for.
func TestKillInPutStorm(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s, _, id := serviceOn(t, dir)
		var acknowledged []sentPut
		for n := range soak(4, 20) {
			end := func() { s.Kill(t) }
			if n%4 == 3 {
				end = func() { s.Stop(t) }
			}
			done, open := storm(t, s, connections(t, s, id, 64), 50+mathrand.IntN(100), end)
			acknowledged = append(acknowledged, done...)
			s.Wait(t)
			s = ktest.Start(t, s.Dir)
			b := box{s.HTTP(t, id.pair), s.URL}
			acknowledged = append(acknowledged, resend(t, b, open)...)
			checkKept(t, b, acknowledged)
		}
		s.Stop(t)
		checkAudited(t, s.Dir, acknowledged)
	})
}

// resend sends puts again that were not acknowledged, each of which has to be
// whole or absent, and returns them with their answers.
func resend(t *testing.T, b box, open []sentPut) (acknowledged []sentPut) {
	t.Helper()
	for _, p := range open {
		if r := b.get(t, p.uuid); r.status == http.StatusOK {
			wantContents(t, "a put that was not acknowledged, and is there", r, p.contents)
		} else {
			wantKind(t, "a put that was not acknowledged", r, fault.NotFound)
		}
		wantOK(t, "the same put sent again", b.put(t, p.uuid, p.handle, p.contents), &p.answer)
		acknowledged = append(acknowledged, p)
	}
	return acknowledged
}

// checkKept makes sure that all that was acknowledged is there, and no version
// twice.
func checkKept(t *testing.T, b box, acknowledged []sentPut) {
	t.Helper()
	listed, _ := b.list(t, "prefix", "", "show", "all")
	versions := map[string][]int64{}
	byUUID := map[string]api.Deposit{}
	for _, d := range listed {
		versions[d.Handle] = append(versions[d.Handle], d.Version)
		byUUID[d.UUID] = d
	}
	for handle, have := range versions {
		slices.Sort(have)
		for i, version := range have {
			if version != int64(i)+1 {
				t.Fatalf("versions of %s: got %d at place %d, want each number once", handle, version, i+1)
			}
		}
	}
	if len(listed) != len(acknowledged) {
		t.Errorf("deposits: got %d, want the %d that were acknowledged", len(listed), len(acknowledged))
	}
	for _, p := range acknowledged {
		if got := byUUID[p.uuid]; got != p.answer {
			t.Errorf("deposit %s: got %+v, want what was acknowledged: %+v", p.uuid, got, p.answer)
		}
		wantContents(t, "an acknowledged put", b.get(t, p.uuid), p.contents)
	}
}

// auditRecord is what the tests read of a line of the audit log.
type auditRecord struct{ Kind, Action, Outcome, Object, Actor, Source, Detail string }

// auditRecords reads the audit log.
func auditRecords(t *testing.T, dir string) []auditRecord {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(confdir.Dir(dir).Audit(), "audit-*.jsonl"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("audit segments: got %v (%v), want some", segments, err)
	}
	var records []auditRecord
	for _, segment := range segments {
		data, err := os.ReadFile(segment)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			var r auditRecord
			if err := json.Unmarshal(line, &r); err == nil && r.Kind == "event" {
				records = append(records, r)
			}
		}
	}
	return records
}

// checkAudited makes sure that the chain holds and has a record of each put.
func checkAudited(t *testing.T, dir string, acknowledged []sentPut) {
	t.Helper()
	contains(t, "ktadmin audit verify", ktest.Must(t, "ktadmin", "audit", "verify", "--confdir", dir), "records")
	audited := map[string]string{}
	for _, r := range auditRecords(t, dir) {
		if r.Action == "deposit.put" && r.Outcome == "ok" {
			audited[r.Object] = r.Detail
		}
	}
	for _, p := range acknowledged {
		if handle, ok := audited[p.uuid]; !ok || handle != p.handle {
			t.Errorf("put of %s: got audited %v as of handle %q, want a record with %q", p.uuid, ok, handle, p.handle)
		}
	}
}

// TestReadsAreAudited: who read what, before the answer leaves, a kill -9 at
// once after it or not.
func TestReadsAreAudited(t *testing.T) {
	t.Parallel()
	s, b, id := service(t)
	d := b.keep(t, "h", []byte("x"))
	b.get(t, d.UUID)
	b.getHandle(t, "absent")
	s.Kill(t)
	want := auditRecord{Kind: "event", Action: "deposit.get", Outcome: "ok", Object: d.UUID, Actor: "client " + id.key.Fingerprint(), Source: "127.0.0.1", Detail: "h"}
	refused := want
	refused.Outcome, refused.Object, refused.Detail = "refused", "absent", "not_found"
	records := auditRecords(t, s.Dir)
	for _, w := range []auditRecord{want, refused} {
		if !slices.Contains(records, w) {
			t.Errorf("audit: got %+v, want %+v among them", records, w)
		}
	}
}
