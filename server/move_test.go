package main_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestReloadOnOnePort: an address that the old one is in the way of is taken all
// the same, and connections of before go on; where it cannot be had, the old one
// is listened on again.
func TestReloadOnOnePort(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	old := dial(t, s)
	wantOK(t, "before", getOver(t, old, "/healthz"), nil)
	for _, host := range []string{"", "127.0.0.1", "localhost"} {
		ktest.SetConf(t, s.Dir, func(c *confdir.Conf) { c.Listen = net.JoinHostPort(host, port) })
		if err := s.Admin().Reload(t.Context()); err != nil {
			t.Fatalf("listen %s:%s: %v", host, port, err)
		}
		wantOK(t, "the open connection", getOver(t, old, "/healthz"), nil)
		wantOK(t, "a new connection", getOver(t, dial(t, s), "/healthz"), nil)
	}
	taken, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ktest.SetConf(t, s.Dir, func(c *confdir.Conf) { c.Listen = ":" + port })
	if err := s.Admin().Reload(t.Context()); err == nil {
		t.Error("an address that another program has a part of: got no error")
	}
	wantOK(t, "a new connection after the refusal", getOver(t, dial(t, s), "/healthz"), nil)
	wantOK(t, "the open connection after it", getOver(t, old, "/healthz"), nil)
}

// TestHandOverUnderLoad: while ktsd goes from one address of the host to all of them
// and back, on one port, no request fails, each of which opens a connection of its own.
// It is not parallel, since these take ports that other tests think free.
func TestHandOverUnderLoad(t *testing.T) {
	s := ktest.Start(t, ktest.Dir(t))
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	served := make(chan struct{}, 64) // a request each
	for range 4 {
		c := s.HTTP(t)
		transport := c.Transport.(*http.Transport)
		transport.DialContext, transport.DisableKeepAlives = dialer(s.Addr), true
		group.Go(func() {
			for ctx.Err() == nil {
				if r, err := tryRequest(c, http.MethodGet, s.URL+"/healthz", nil); err != nil || r.status != http.StatusOK {
					t.Errorf("during a hand-over: got %v (%v), want 200", r, err)
				}
				select {
				case served <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	for i := range 12 {
		for range max(len(served), 8) {
			<-served
		}
		if err := listenOn(t, s, []string{":" + port, s.Addr, "localhost:" + port}[i%3]); err != nil {
			t.Errorf("change %d: %v", i, err)
		}
	}
	stop()
	group.Wait()
}
