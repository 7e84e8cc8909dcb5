package main_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// setLimits edits the limits of a directory.
func setLimits(t *testing.T, dir string, edit func(*bounds.Limits)) {
	t.Helper()
	ktest.SetConf(t, dir, func(c *confdir.Conf) {
		l := c.LimitsInForce()
		edit(&l)
		c.Limits = &l
	})
}

// TestReloadTakesOnBounds: the operator is told what is in force, by default and
// after a reload, and a value that is wrong is refused by name, at a reload and at a
// start.
func TestReloadTakesOnBounds(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Limits = nil })
	s := ktest.Start(t, dir)
	told := func() (client, segment int64, purge string) {
		t.Helper()
		server, err := s.Admin().Server(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return server.Limits.ClientDeposits, server.Audit.SegmentSize, server.Limits.PurgeAfter
	}
	if client, segment, purge := told(); client != 100_000 || segment != 64<<20 || purge != "168h0m0s" {
		t.Errorf("by default: got %d deposits, segments of %d, purge after %s", client, segment, purge)
	}
	setLimits(t, dir, func(l *bounds.Limits) { l.ClientDeposits, l.PurgeAfter = 7, 30*24*time.Hour })
	ktest.SetConf(t, dir, func(c *confdir.Conf) {
		a := c.AuditInForce()
		a.SegmentSize = 1 << 20
		c.Audit = &a
	})
	if err := s.Admin().Reload(context.Background()); err != nil {
		t.Fatalf("reload: %v", err)
	}
	if client, segment, purge := told(); client != 7 || segment != 1<<20 || purge != "720h0m0s" {
		t.Errorf("after a reload: got %d deposits, segments of %d, purge after %s", client, segment, purge)
	}

	file := confdir.Dir(dir).Conf()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(data), `"client_deposits": 7`, `"client_deposits": 0`, 1)
	if wrong == string(data) {
		t.Fatalf("keytrustee.conf has no client_deposits:\n%s", data)
	}
	if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	const message = "LIMITS: client_deposits: it must be from 1 to "
	if err := s.Admin().Reload(context.Background()); err == nil || !strings.Contains(err.Error(), message) {
		t.Errorf("a reload with a wrong limit: got %v, want %q", err, message)
	}
	if client, _, _ := told(); client != 7 {
		t.Errorf("after a reload that was refused: got %d deposits, want 7", client)
	}
	s.Stop(t)
	contains(t, "starting with a wrong limit", refuses(t, dir), message)
}

// TestConnectionsPerAddress: an address that has all the connections it may is
// closed at once when it wants one more, others are not, and once it has fewer it
// is served again. The bound can be changed while ktsd runs. What is closed takes
// nobody's place.
func TestConnectionsPerAddress(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	setLimits(t, dir, func(l *bounds.Limits) { l.Connections, l.ConnectionsPerAddress = 8, 3 })
	s := ktest.Start(t, dir)
	config := tlsConfig(t, s)
	open := func(source string) (*tls.Conn, bool) {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}, Timeout: 30 * time.Second}
		raw, err := d.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { raw.Close() })
		raw.SetDeadline(time.Now().Add(30 * time.Second))
		conn := tls.Client(raw, config)
		return conn, conn.Handshake() == nil
	}
	until := func(what, source string) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if _, ok := open(source); ok {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: the address is still refused", what)
			}
		}
	}
	var conns []*tls.Conn
	for i := range 3 {
		conn, ok := open("127.0.0.1")
		if !ok {
			t.Fatalf("connection %d of 3: got none", i+1)
		}
		conns = append(conns, conn)
	}
	for i := 4; i < 14; i++ { // nor do those that are closed take a place of the 8
		if _, ok := open("127.0.0.1"); ok {
			t.Errorf("connection %d of 3: got one", i)
		}
	}
	if _, ok := open("127.0.0.2"); !ok {
		t.Error("another address: got none")
	}
	logged(t, s, "connections that were closed", "their address has all that one can")
	if _, err := io.WriteString(conns[0], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := conns[0].Read(make([]byte, 1)); err != nil {
		t.Errorf("one of the 3: got %v, want it to be served", err)
	}
	conns[0].Close()
	until("one of 3 closed", "127.0.0.1")
	setLimits(t, dir, func(l *bounds.Limits) { l.ConnectionsPerAddress = 10 })
	if err := s.Admin().Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	until("10 allowed", "127.0.0.1")
}
