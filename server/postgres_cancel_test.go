package main_test

import (
	"context"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestNoCancelRequest: whatever clients give up, puts and gets, over both versions
// of HTTP, ktsd never asks PostgreSQL to cancel a statement: that would end a
// commit's wait for a standby, with success.
func TestNoCancelRequest(t *testing.T) {
	t.Parallel()
	proxy, through := ktest.ProxyFor(t, ktest.Postgres(t))
	s, b, id := serviceOn(t, ktest.DirOn(t, through))
	d := b.keep(t, "h", randomBytes(4096))
	until := time.Now().Add(soak(2*time.Second, time.Minute))
	var workers sync.WaitGroup
	for worker := range 12 {
		c := s.HTTP(t, id.pair)
		if worker%2 == 0 {
			overHTTP1(c)
		}
		workers.Go(func() {
			for n := 0; time.Now().Before(until); n++ {
				ctx, leave := context.WithTimeout(context.Background(), time.Duration(mathrand.IntN(6000))*time.Microsecond)
				method, target, body := http.MethodGet, b.at(d.UUID), []byte(nil)
				if n%2 == 0 {
					method, target, body = http.MethodPut, b.at(uuid.NewString())+"?handle=h", randomBytes(1000)
				}
				tryRequestContext(ctx, c, method, target, body)
				leave()
			}
		})
	}
	workers.Wait()
	b.keep(t, "h", []byte("after all that")) // ktsd is well
	if got := proxy.CancelRequests(); got != 0 {
		t.Errorf("got %d CancelRequests, want none", got)
	}
	if code := s.Stop(t); code != 0 {
		t.Errorf("stopping: got exit code %d, want 0", code)
	}
	if got := proxy.CancelRequests(); got != 0 {
		t.Errorf("after the stop: got %d CancelRequests, want none", got)
	}
}
