package main_test

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/ktest"
)

// stuck is a client that goes no further, and when the server is to let it go.
type stuck struct {
	what  string
	conn  *tls.Conn
	bound time.Duration
}

// stuckEach is how many clients are stuck in each way on each route: together more
// than there is memory for large bodies or answers, and places.
const stuckEach = 3

// TestStuckOnEveryRoute: clients that stop in the middle of the headers, in the
// middle of the body, or never read the answer, on each public route, over both
// versions of HTTP. While they hang, another client's requests are served, and a
// new client is. Those that the shortest bounds are for, 10 s for headers and for
// short bodies, are seen cut off; the others, of up to 2 minutes, under "make soak".
func TestStuckOnEveryRoute(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	setLimits(t, dir, func(l *bounds.Limits) {
		l.Bodies, l.Answers, l.Verifications, l.ConnectionsPerAddress = 2<<20, 2<<20, 1, 1e6
	})
	s, hostile, id := serviceOn(t, dir)
	large := hostile.keep(t, "large", randomBytes(api.MaxDeposit))
	b, _ := newBox(t, s, "acme")
	mine := b.keep(t, "mine", randomBytes(api.MaxDeposit))

	var all []stuck
	for _, route := range api.Routes() {
		if route.Who == api.ByOperator {
			continue
		}
		target := strings.NewReplacer("{uuid}", large.UUID, "{$}", "").Replace(route.Path)
		switch route.Name {
		case "find":
			target += "?handle=large"
		case "put":
			target = "/v1/deposits/" + uuid.NewString() + "?handle=h"
		case "delete": // there is no such deposit: the large one stays
			target = "/v1/deposits/" + uuid.NewString()
		}
		for range stuckEach {
			all = append(all, stickHTTP1(t, s, id, route, target)...)
			all = append(all, stickHTTP2(t, s, id, route, target)...)
		}
	}
	began := time.Now()
	for i := range 5 {
		b.keep(t, fmt.Sprintf("small %d", i), []byte("x"))
		b.keep(t, fmt.Sprintf("large %d", i), randomBytes(api.MaxDeposit))
		wantContents(t, "a get meanwhile", b.getHandle(t, fmt.Sprintf("small %d", i)), []byte("x"))
		if r := b.get(t, mine.UUID); r.status != http.StatusOK || len(r.body) != api.MaxDeposit {
			t.Errorf("a large get meanwhile: got status %d and %d bytes", r.status, len(r.body))
		}
	}
	newcomer := newIdentity(t)
	wantOK(t, "a registration meanwhile", newcomer.register(t, s, newcomer.registration(t, s, "acme")), nil)
	took := time.Since(began)
	t.Logf("%d clients are stuck; 21 requests of others took %s", len(all), took)
	if took > time.Minute {
		t.Errorf("21 requests of others took %s, want them not to wait", took)
	}
	checkCutOff(t, all)
	b.keep(t, "after", randomBytes(api.MaxDeposit))
}

// checkCutOff waits until ktsd has closed the connections, as far as there is time
// to wait for that.
func checkCutOff(t *testing.T, all []stuck) {
	t.Helper()
	began := time.Now()
	longest := soak(10*time.Second, 3*time.Minute)
	var group sync.WaitGroup
	for _, c := range all {
		if c.bound > longest {
			continue
		}
		group.Go(func() {
			c.conn.SetReadDeadline(began.Add(c.bound + 30*time.Second)) // on a loaded machine
			if _, err := io.Copy(io.Discard, c.conn); err != nil && strings.Contains(err.Error(), "i/o timeout") {
				t.Errorf("%s: the connection is still open 30 s after its bound of %s", c.what, c.bound)
			}
		})
	}
	group.Wait()
}

// Bounds of what no route has its own for.
const (
	headerBound  = 10 * time.Second
	header2Bound = 75 * time.Second // a ping after one minute, and 15 s for its answer
	answerBound  = 2 * time.Minute
	idleBound    = 3 * time.Minute
)

// stickHTTP1 makes one client stuck in each way that the route has.
func stickHTTP1(t *testing.T, s *ktest.Server, id *identity, route api.Route, target string) []stuck {
	t.Helper()
	send := func(what string, bound time.Duration, raw string) stuck {
		t.Helper()
		conn := dial(t, s, id.pair)
		if _, err := io.WriteString(conn, raw); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return stuck{fmt.Sprintf("%s, HTTP/1.1, %s", route.Name, what), conn, bound}
	}
	line := route.Method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n"
	all := []stuck{send("in the headers", headerBound, line+"X-Half: ")}
	if route.MaxBody > 0 {
		all = append(all, send("in the body", route.Timeout, fmt.Sprintf("%sContent-Length: %d\r\n\r\n{", line, route.MaxBody)))
		return all
	}
	// More answers than the kernel keeps for a client that reads none.
	return append(all, send("not reading", answerBound, strings.Repeat(line+"\r\n", 8)))
}

// stickHTTP2 does the same over HTTP/2, whose windows say how much is read: none.
func stickHTTP2(t *testing.T, s *ktest.Server, id *identity, route api.Route, target string) []stuck {
	t.Helper()
	const ( // RFC 9113, 6
		data, headers, settings = 0, 1, 4
		endStream, endHeaders   = 1, 4
		initialWindowSize       = 4
	)
	send := func(what string, bound time.Duration, frames ...[]byte) stuck {
		t.Helper()
		config := tlsConfig(t, s, id.pair)
		config.NextProtos = []string{"h2"}
		conn, err := tls.Dial("tcp", s.Addr, config)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		t.Cleanup(func() { conn.Close() })
		hello := frame(settings, 0, 0, binary.BigEndian.AppendUint32([]byte{0, initialWindowSize}, 0))
		out := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), hello...)
		for _, f := range frames {
			out = append(out, f...)
		}
		if _, err := conn.Write(out); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return stuck{fmt.Sprintf("%s, HTTP/2, %s", route.Name, what), conn, bound}
	}
	block := fields(":method", route.Method, ":scheme", "https", ":authority", "localhost", ":path", target)
	all := []stuck{send("in the headers", header2Bound, frame(headers, endStream, 1, block[:len(block)/2]))}
	if route.MaxBody > 0 {
		return append(all, send("in the body", idleBound, frame(headers, endHeaders, 1, block), frame(data, 0, 1, []byte("{"))))
	}
	return append(all, send("not reading", idleBound, frame(headers, endStream|endHeaders, 1, block)))
}

// frame is one of HTTP/2 (RFC 9113, 4.1).
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	f := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return append(binary.BigEndian.AppendUint32(f, stream), payload...)
}

// fields are header fields as HPACK has them: literal, not indexed (RFC 7541, 6.2.2).
func fields(pairs ...string) []byte {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = append(b, 0, byte(len(pairs[i])))
		b = append(b, pairs[i]...)
		b = append(b, byte(len(pairs[i+1])))
		b = append(b, pairs[i+1]...)
	}
	return b
}

// TestSilentHandshakes: who connects and says nothing, or stops in the middle of the
// handshake, is let go after 10 s, and nobody waits for it.
func TestSilentHandshakes(t *testing.T) {
	t.Parallel()
	s, b, _ := service(t)
	var conns []net.Conn
	for i := range 100 {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 { // the beginning of a record that is a ClientHello
			if _, err := conn.Write([]byte{22, 3, 1, 2, 0, 1, 0}); err != nil {
				t.Fatal(err)
			}
		}
		conns = append(conns, conn)
	}
	b.keep(t, "meanwhile", []byte("x"))
	newcomer, _ := newBox(t, s, "acme")
	newcomer.keep(t, "newcomer", []byte("x"))
	deadline := time.Now().Add(headerBound + 30*time.Second)
	for i, conn := range conns {
		conn.SetReadDeadline(deadline)
		if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "i/o timeout") {
			t.Fatalf("connection %d of %d is still open 30 s after its bound of %s", i, len(conns), headerBound)
		}
	}
}

// TestNoRenegotiation: a client that wants another handshake on a connection of TLS
// 1.2, which costs the server more than the client, gets none.
func TestNoRenegotiation(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl")
	s := ktest.Start(t, ktest.Dir(t))
	cmd := exec.Command("openssl", "s_client", "-connect", s.Addr, "-tls1_2")
	stdin, err := cmd.StdinPipe() // it stays open: the end of the input is not what ends it
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	if _, err := io.WriteString(stdin, "R\n"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err = <-ended
	if !late.Stop() {
		t.Fatalf("30 s later the connection is still there:\n%s", out.String())
	}
	if err == nil || !strings.Contains(out.String(), "RENEGOTIATING") || !strings.Contains(out.String(), "alert") {
		t.Errorf("got %v, want openssl to be refused:\n%s", err, out.String())
	}
}
