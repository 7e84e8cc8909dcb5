package main_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/names"
)

// idle opens n connections with a client certificate that ask for one thing and
// then stay as they are.
func idle(t *testing.T, s *ktest.Server, id *identity, n int) []*tls.Conn {
	t.Helper()
	config := tlsConfig(t, s, id.pair)
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1) // spares most of the handshake
	conns := make([]*tls.Conn, n)
	var group sync.WaitGroup
	for part := range 8 {
		group.Go(func() {
			for i := part; i < n; i += 8 {
				conn, err := tls.Dial("tcp", s.Addr, config)
				if err == nil {
					_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
				}
				if err == nil {
					_, err = conn.Read(make([]byte, 1))
				}
				if err != nil {
					t.Errorf("connection %d of %d: %v", i, n, err)
					return
				}
				conns[i] = conn
			}
		})
	}
	group.Wait()
	t.Cleanup(func() {
		for _, conn := range conns {
			if conn != nil {
				conn.Close()
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return conns
}

// resident is the memory of a process, in bytes (proc_pid_status(5)).
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^VmRSS:\s*(\d+) kB$`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no VmRSS in %s", status)
	}
	kilobytes, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// TestIdleConnections: thousands of clients that keep a connection open and say
// nothing hinder nobody, cost little, and are let go in time. It runs beside no
// other test, since it takes a good part of this host's ports.
func TestIdleConnections(t *testing.T) {
	dir := ktest.Dir(t)
	setLimits(t, dir, func(l *bounds.Limits) { l.ConnectionsPerAddress = 1e6 }) // as if from many addresses
	s, b, id := serviceOn(t, dir)
	d := b.keep(t, "before", []byte("contents"))
	before := resident(t, s.PID())
	n := soak(1000, 10_000)
	conns := idle(t, s, id, n)
	each := (resident(t, s.PID()) - before) / n
	t.Logf("%d idle connections: %d KiB of memory each, %d MiB in all", n, each>>10, resident(t, s.PID())>>20)
	if soaking() && each > 100<<10 { // the race detector takes many times as much
		t.Errorf("memory of an idle connection: got %d KiB, want less than 100", each>>10)
	}
	started := time.Now()
	for range 20 {
		b.keep(t, "meanwhile", []byte("x"))
		wantContents(t, "a get meanwhile", b.get(t, d.UUID), []byte("contents"))
	}
	newcomer, _ := newBox(t, s, "acme")
	newcomer.keep(t, "newcomer", []byte("x"))
	if took := time.Since(started); took > time.Minute {
		t.Errorf("41 requests and a registration meanwhile took %s, want them not to wait", took)
	}
	if soaking() {
		checkLetGo(t, conns)
	}
}

// checkLetGo waits until ktsd has closed connections that are idle: it does after
// three minutes.
func checkLetGo(t *testing.T, conns []*tls.Conn) {
	t.Helper()
	deadline := time.Now().Add(4 * time.Minute)
	for i, conn := range conns {
		conn.SetReadDeadline(deadline)
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("idle connection %d of %d was not closed within 4 minutes", i, len(conns))
		}
	}
}

// TestNoDescriptors: strangers can hold all connections that there may be, over as
// many addresses as there may be, and still there are descriptors for what ktsd itself
// needs: whoever was connected is served, the operator is, and once some are closed so
// are new clients.
func TestNoDescriptors(t *testing.T) {
	dir := ktest.Dir(t)
	setLimits(t, dir, func(l *bounds.Limits) { l.ConnectionsPerAddress = 1e6 }) // as if from many addresses
	addresses := freeAddresses(t, names.MaxAddresses-1)
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Listen = strings.Join(append([]string{c.Listen}, addresses...), ", ") })
	s, b, id := serviceOn(t, dir)
	d := b.keep(t, "before", []byte("contents"))
	descriptors := uint64(64+2*names.MaxAddresses+12*runtime.NumCPU()) + 100
	if err := unix.Prlimit(s.PID(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: descriptors, Max: descriptors}, nil); err != nil {
		t.Fatalf("limiting the descriptors: %v", err)
	}
	var conns []net.Conn
	for i := range descriptors { // the kernel lets in those that ktsd does not
		conn, err := net.Dial("tcp", append(addresses, s.Addr)[i%names.MaxAddresses])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	logged(t, s, "ktsd without descriptors", "clients have all the connections they can")
	b.keep(t, "meanwhile", []byte("x"))
	wantContents(t, "a get meanwhile", b.get(t, d.UUID), []byte("contents"))
	var group sync.WaitGroup
	for range 32 { // needs descriptors for the database
		group.Go(func() { wantContents(t, "one of many gets meanwhile", b.get(t, d.UUID), []byte("contents")) })
	}
	group.Wait()
	if _, err := s.Admin().Server(t.Context()); err != nil {
		t.Errorf("the admin socket meanwhile: got %v, want it to answer", err)
	}
	if log := s.Log(); strings.Contains(log, "too many open files") {
		t.Errorf("log: got \"too many open files\", want some kept back")
	}

	for _, conn := range conns {
		conn.Close()
	}
	fresh := box{s.HTTP(t, id.pair), s.URL}
	fresh.keep(t, "after", []byte("x"))
	wantContents(t, "a get after", fresh.get(t, d.UUID), []byte("contents"))
	if code := s.Stop(t); code != 0 {
		t.Errorf("stopping: got exit code %d, want 0", code)
	}
}
