package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/ktest"
)

// cutter is a TCP proxy in front of ktsd that cuts connections at random.
type cutter struct {
	target string
	addr   string
	share  float64 // of what it reads, in each direction, that it cuts somewhere
	seen   atomic.Int64
	cut    atomic.Int64
}

// newCutter starts a proxy that cuts the connection at that share of what it
// passes on.
func newCutter(t *testing.T, s *ktest.Server, share float64) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{target: s.Addr, addr: l.Addr().String(), share: share}
	var running sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { c.relay(conn) })
		}
	})
	return c
}

// relay connects the two ends until one closes, or the connection is cut.
func (c *cutter) relay(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer server.Close()
	c.seen.Add(1)
	var once sync.Once
	hangUp := func(cut bool) {
		once.Do(func() {
			if cut {
				c.cut.Add(1)
			}
			for _, end := range []net.Conn{client, server} {
				if cut && mathrand.IntN(2) == 0 {
					end.(*net.TCPConn).SetLinger(0) // RST, and what was not sent yet is lost
				}
				end.Close()
			}
		})
	}
	var both sync.WaitGroup
	both.Go(func() { hangUp(c.pass(server, client)) })
	both.Go(func() { hangUp(c.pass(client, server)) })
	both.Wait()
}

// pass passes on what comes, and says whether it stopped to have the connection
// cut: somewhere within what it has read.
func (c *cutter) pass(to, from net.Conn) (cut bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		cut = n > 0 && mathrand.Float64() < c.share
		if cut {
			n = mathrand.IntN(n + 1)
		}
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil || cut {
			return cut
		}
	}
}

// through is an HTTP client that goes through the proxy.
func (c *cutter) through(t *testing.T, s *ktest.Server, id *identity) *http.Client {
	t.Helper()
	h := s.HTTP(t, id.pair)
	h.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", c.addr)
	}
	return h
}

// insist makes a request until it is answered, as a client has to whose connection
// breaks.
func insist(c *http.Client, method, target string, body []byte) (r reply, err error) {
	deadline := time.Now().Add(time.Minute)
	for {
		if r, err = tryRequest(c, method, target, body); err == nil || time.Now().After(deadline) {
			return r, err
		}
	}
}

// TestSoakCuts: connections are cut all the time, in the middle of requests and of
// answers. Puts that are sent again until they are acknowledged are one deposit
// each, and gets bring what was put.
func TestSoakCuts(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s, b, id := serviceOn(t, dir)
		proxy := newCutter(t, s, 0.01)
		until := time.Now().Add(soak(10*time.Second, 5*time.Minute))
		var mu sync.Mutex
		var all []sentPut
		var workers sync.WaitGroup
		for worker := range 16 {
			c := proxy.through(t, s, id)
			if worker%2 == 0 {
				overHTTP1(c)
			}
			workers.Go(func() {
				var mine []sentPut
				for time.Now().Before(until) {
					p := sentPut{uuid: uuid.NewString(), handle: fmt.Sprintf("w%d", worker), contents: randomBytes(1 + mathrand.IntN(4000))}
					r, err := insist(c, http.MethodPut, s.URL+"/v1/deposits/"+p.uuid+"?handle="+p.handle, p.contents)
					if err != nil || r.status != http.StatusOK || json.Unmarshal(r.body, &p.answer) != nil {
						t.Errorf("a put through cuts: got %v (%v), want 200", r, err)
						return
					}
					mine = append(mine, p)
					p = mine[mathrand.IntN(len(mine))]
					r, err = insist(c, http.MethodGet, s.URL+"/v1/deposits/"+p.uuid, nil)
					if err != nil || r.status != http.StatusOK || !bytes.Equal(r.body, p.contents) {
						t.Errorf("a get through cuts: got %d with %d bytes (%v), want the %d that were put", r.status, len(r.body), err, len(p.contents))
						return
					}
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, mine...)
			})
		}
		workers.Wait()
		t.Logf("%d of %d connections cut, %d puts", proxy.cut.Load(), proxy.seen.Load(), len(all))
		if len(all) == 0 || proxy.cut.Load() == 0 {
			t.Fatalf("got %d puts and %d cuts, want some", len(all), proxy.cut.Load())
		}
		checkKept(t, b, all)
		s.Stop(t)
		checkAudited(t, s.Dir, all)
	})
}
