package main_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// freeAddresses returns n addresses that nobody listens on, all of them different, and
// every other one of IPv6 where the host has that.
func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	all := make([]string, n)
	for i := range all {
		host := "127.0.0.1:0"
		if i%2 == 1 && hasIPv6() {
			host = "[::1]:0"
		}
		l, err := net.Listen("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // only once all are had
		all[i] = l.Addr().String()
	}
	return all
}

func hasIPv6() bool {
	l, err := net.Listen("tcp", "[::1]:0")
	if err == nil {
		l.Close()
	}
	return err == nil
}

// listenOn has a server take up a list of addresses.
func listenOn(t *testing.T, s *ktest.Server, addresses ...string) error {
	t.Helper()
	ktest.SetConf(t, s.Dir, func(c *confdir.Conf) { c.Listen = strings.Join(addresses, ", ") })
	return s.Admin().Reload(t.Context())
}

// wantServed tries addresses: yes are served, and nobody listens on noes.
func wantServed(t *testing.T, name string, s *ktest.Server, yes, noes []string) {
	t.Helper()
	for _, address := range yes {
		c := s.HTTP(t)
		c.Transport.(*http.Transport).DialContext = dialer(address)
		if r, err := tryRequest(c, http.MethodGet, s.URL+"/healthz", nil); err != nil || r.status != http.StatusOK {
			t.Errorf("%s: %s: got %v (%v), want an answer", name, address, r, err)
		}
	}
	for _, address := range noes {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s: %s: got a connection, want none", name, address)
		}
	}
}

// dialer connects with one address, whatever is asked for.
func dialer(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// TestAddresses: ktsd serves on all addresses from the start, on IPv6 too; a reload
// opens the new ones, closes those that are gone, and does not touch the others: a
// connection in their queue is served. What it refuses changes nothing.
func TestAddresses(t *testing.T) {
	t.Parallel()
	a := freeAddresses(t, 6)
	dir := ktest.Dir(t)
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Listen = a[0] + ", " + a[1] + " " + a[2] })
	s := ktest.Start(t, dir)
	wantServed(t, "the start", s, a[:3], a[3:])

	if err := listenOn(t, s, a[2], a[3], a[1]); err != nil {
		t.Fatal(err)
	}
	wantServed(t, "another one", s, a[1:4], []string{a[0], a[4], a[5]})
	running, err := s.Admin().Server(t.Context())
	if want := a[2] + ", " + a[3] + ", " + a[1]; err != nil || running.Listen != want {
		t.Errorf("listen: got %s (%v), want %s", running.Listen, err, want)
	}

	taken, err := net.Listen("tcp", a[5])
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, bad := range [][]string{{a[1], a[4], a[5]}, {a[5], a[4]}, {a[4], "here"}, {a[4], a[4]}, {a[4], "192.0.2.1:1"}} {
		if err := listenOn(t, s, bad...); err == nil {
			t.Errorf("%s: got no error", bad)
		}
		wantServed(t, "after a refusal", s, a[1:4], []string{a[0], a[4]})
	}
	if err := listenOn(t, s, a[0]); err != nil {
		t.Fatal(err)
	}
	wantServed(t, "one alone", s, a[:1], a[1:5])
}

// TestAddressesOnOnePort: a list for which an address has to be closed first, and
// another one of which cannot be had, leaves all as it was.
func TestAddressesOnOnePort(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	two, three, other := "127.0.0.2:"+port, "127.0.0.3:"+port, ktest.FreeAddress(t)
	if err := listenOn(t, s, s.Addr, two, other); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.4:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := listenOn(t, s, ":"+port, other, taken.Addr().String()); err == nil {
		t.Error("an address that another program has: got no error")
	}
	wantServed(t, "after the refusal", s, []string{s.Addr, two, other}, []string{three})
	if err := listenOn(t, s, ":"+port, other); err != nil {
		t.Fatal(err)
	}
	wantServed(t, "all of the host's", s, []string{s.Addr, two, three, other}, nil)
	if err := listenOn(t, s, ":"+port, s.Addr, other); err == nil { // the one that stays is in the way
		t.Error("an address within another one: got no error")
	}
	wantServed(t, "after it", s, []string{s.Addr, two, three, other}, nil)
}

// TestStartOnAddressInUse: where one of the addresses cannot be had there is no start,
// and none is left open.
func TestStartOnAddressInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := ktest.Dir(t)
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Listen += ", " + taken.Addr().String() })
	s := ktest.Launch(t, dir)
	if code := s.Wait(t); code != 1 {
		t.Errorf("exit code: got %d, want 1", code)
	}
	contains(t, "the log", s.Log(), "listening", taken.Addr().String(), "in use")
}

// TestAddressesUnderLoad: while the list changes 30 times, no request that is made over
// the addresses that stay is dropped, each of which opens a connection of its own.
func TestAddressesUnderLoad(t *testing.T) {
	t.Parallel()
	s, _, id := service(t)
	a := freeAddresses(t, 6)
	stay := a[:2]
	if err := listenOn(t, s, stay...); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	served := make(chan struct{}, 64) // a request each
	for i := range 4 {
		c := s.HTTP(t, id.pair)
		transport := c.Transport.(*http.Transport)
		transport.DialContext = dialer(stay[i%2])
		transport.DisableKeepAlives = true
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		group.Go(func() {
			for ctx.Err() == nil {
				put, err := tryRequest(c, http.MethodPut, s.URL+"/v1/deposits/"+uuid.NewString()+fmt.Sprintf("?handle=h%d", i), []byte("x"))
				if err != nil || put.status != http.StatusOK {
					t.Errorf("while the addresses change: got %v (%v), want 200", put, err)
				}
				select {
				case served <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	for i := range 30 {
		for range max(len(served), 4) { // four more at least, and the workers go on
			<-served
		}
		list := append([]string{a[2+i%4], a[2+(i+1)%4]}, stay...)
		if i%3 == 0 {
			list = stay
		}
		if err := listenOn(t, s, list...); err != nil {
			t.Errorf("change %d: %v", i, err)
		}
		wantServed(t, fmt.Sprintf("change %d", i), s, list, nil)
	}
	stop()
	group.Wait()
}

// TestConnectionsOfAddresses: one place is enough for clients of every address, and
// none is kept for an address that has no client.
func TestConnectionsOfAddresses(t *testing.T) {
	t.Parallel()
	a := freeAddresses(t, 3)
	dir := ktest.Dir(t)
	ktest.SetConf(t, dir, func(c *confdir.Conf) {
		c.Listen, c.Limits.Connections = strings.Join(a, ","), 1
	})
	s := ktest.Start(t, dir)
	for range 3 {
		for _, address := range a {
			c := s.HTTP(t)
			transport := c.Transport.(*http.Transport)
			transport.DialContext, transport.DisableKeepAlives = dialer(address), true
			if r, err := tryRequest(c, http.MethodGet, s.URL+"/healthz", nil); err != nil || r.status != http.StatusOK {
				t.Fatalf("%s: got %v (%v), want an answer", address, r, err)
			}
		}
	}
}
