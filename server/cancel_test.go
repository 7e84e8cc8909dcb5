package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestCancelledPuts: clients that give up on every second put, over both versions
// of HTTP, disturb nobody who shares a group with them. What they gave up is whole
// or absent, and sending it again is one deposit.
func TestCancelledPuts(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s, b, id := serviceOn(t, dir)
		until := time.Now().Add(soak(3*time.Second, time.Minute))
		var mu sync.Mutex
		var acknowledged, open []sentPut
		note := func(p sentPut, ok bool) {
			mu.Lock()
			defer mu.Unlock()
			if ok {
				acknowledged = append(acknowledged, p)
			} else {
				open = append(open, p)
			}
		}
		var workers sync.WaitGroup
		for worker := range 16 {
			c := s.HTTP(t, id.pair)
			if worker%2 == 0 {
				overHTTP1(c)
			}
			workers.Go(func() {
				for n := 0; time.Now().Before(until); n++ {
					p := sentPut{uuid: uuid.NewString(), handle: fmt.Sprintf("w%d", worker), contents: randomBytes(1 + mathrand.IntN(8000))}
					cancelled := n%2 == 1 && worker < 12
					note(p.send(t, c, s, cancelled))
				}
			})
		}
		workers.Wait()
		t.Logf("%d puts acknowledged, %d given up", len(acknowledged), len(open))
		if len(acknowledged) == 0 || len(open) == 0 {
			t.Fatalf("got %d puts acknowledged and %d given up, want some of both", len(acknowledged), len(open))
		}
		acknowledged = append(acknowledged, resend(t, b, open)...)
		checkKept(t, b, acknowledged)
		checkGoroutines(t, s)
		checkAudited(t, s.Dir, acknowledged)
	})
}

// overHTTP1 has a client speak HTTP/1.1.
func overHTTP1(c *http.Client) {
	transport := c.Transport.(*http.Transport)
	transport.ForceAttemptHTTP2 = false
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
}

// send sends a put, and gives it up after a moment if it is to be cancelled. It
// returns the put with its answer, and whether it was acknowledged.
func (p sentPut) send(t *testing.T, c *http.Client, s *ktest.Server, cancelled bool) (sentPut, bool) {
	ctx := t.Context()
	if cancelled {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(mathrand.IntN(5000))*time.Microsecond)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.URL+"/v1/deposits/"+p.uuid+"?handle="+p.handle, bytes.NewReader(p.contents))
	if err != nil {
		t.Error(err)
		return p, false
	}
	var r reply
	resp, err := c.Do(req)
	if err == nil {
		r, err = readReply(resp)
	}
	if err != nil {
		if ctx.Err() == nil {
			t.Errorf("a put that nobody cancelled: %v", err)
		}
		return p, false
	}
	if cancelled && r.status == http.StatusServiceUnavailable { // the answer crossed the cancellation
		return p, false
	}
	if r.status != http.StatusOK || json.Unmarshal(r.body, &p.answer) != nil {
		t.Errorf("a put that nobody cancelled: got %v, want 200", r)
		return p, false
	}
	return p, true
}

// checkGoroutines ends ktsd by SIGQUIT, which has the runtime print its
// goroutines, and makes sure that cancelled requests left none.
func checkGoroutines(t *testing.T, s *ktest.Server) {
	t.Helper()
	time.Sleep(2 * time.Second) // what is under way ends, and the audit log is on disk
	s.Signal(t, syscall.SIGQUIT)
	s.Wait(t)
	got := len(regexp.MustCompile(`(?m)^goroutine \d+ .*\[`).FindAllString(s.Log(), -1))
	t.Logf("%d goroutines", got)
	if got == 0 || got > 150 { // a connection takes up to three
		t.Errorf("goroutines once all puts are answered or cancelled: got %d, want 1 to 150", got)
	}
}
