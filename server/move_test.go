package main_test

import (
	"net"
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
