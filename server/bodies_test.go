package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
)

// TestBodyLimits: a deposit has 1 byte to 1 MiB, whether its length is told
// before or not.
func TestBodyLimits(t *testing.T) {
	t.Parallel()
	s, b, id := service(t)
	most := bytes.Repeat([]byte("x"), api.MaxDeposit)
	over := append(most[:len(most):len(most)], 'x')
	chunked := func(contents []byte) reply {
		t.Helper()
		req, err := http.NewRequest(http.MethodPut, b.at(uuid.NewString())+"?handle=h", io.MultiReader(bytes.NewReader(contents)))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := b.http.Do(req)
		if err != nil {
			t.Fatalf("a chunked put: %v", err)
		}
		r, err := readReply(resp)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	wantOK(t, "1 MiB", b.put(t, uuid.NewString(), "h", most), nil)
	wantOK(t, "1 MiB in chunks", chunked(most), nil)
	wantKind(t, "1 MiB and 1 byte", b.put(t, uuid.NewString(), "h", over), fault.TooLarge)
	wantKind(t, "1 MiB and 1 byte in chunks", chunked(over), fault.TooLarge)
	wantKind(t, "nothing", b.put(t, uuid.NewString(), "h", nil), fault.Invalid)
	wantKind(t, "an empty body", b.put(t, uuid.NewString(), "h", []byte{}), fault.Invalid)
	wantKind(t, "an empty body in chunks", chunked(nil), fault.Invalid)

	// A length of a tebibyte is refused before any of it is sent.
	r := write(t, s, "PUT /v1/deposits/"+uuid.NewString()+"?handle=h HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1099511627776\r\n\r\n", id.pair)
	wantKind(t, "a tebibyte told", r, fault.TooLarge)
	if all, _ := b.list(t, "prefix", "", "show", "all"); len(all) != 2 {
		t.Errorf("deposits: got %d, want the 2 that were taken", len(all))
	}
}

// TestBodyCutOff: a body that ends before its length leaves nothing.
func TestBodyCutOff(t *testing.T) {
	t.Parallel()
	s, b, id := service(t)
	for _, head := range []string{"Content-Length: 100\r\n\r\nhalf of it", "Transfer-Encoding: chunked\r\n\r\n64\r\nhalf of it"} {
		deposit := uuid.NewString()
		conn := dial(t, s, id.pair)
		if _, err := fmt.Fprintf(conn, "PUT /v1/deposits/%s?handle=h HTTP/1.1\r\nHost: localhost\r\n%s", deposit, head); err != nil {
			t.Fatal(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil && resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%.30q: got status %d, want 400 or no answer", head, resp.StatusCode)
		}
		wantKind(t, "the deposit that was cut off", b.get(t, deposit), fault.NotFound)
	}
	if all, _ := b.list(t, "prefix", "", "show", "all"); len(all) != 0 {
		t.Errorf("deposits: got %v, want none", all)
	}
}

// TestSlowClients: who stops sending is let go in the route's time, and meanwhile
// hinders nobody. All routes with a short time at once: 10 s.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	s, b, id := service(t)
	started := time.Now()
	var group sync.WaitGroup
	for what, raw := range map[string]string{
		"a body in its middle":   "POST /v1/clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
		"a body not begun":       "POST /v1/clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n",
		"a chunk in its middle":  "POST /v1/clients HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{",
		"a header in its middle": "POST /v1/clients HTTP/1.1\r\nHost: local",
		"nothing at all":         "",
	} {
		conn := dial(t, s, id.pair)
		if _, err := io.WriteString(conn, raw); err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			conn.SetReadDeadline(started.Add(15 * time.Second))
			data, err := io.ReadAll(conn)
			if err != nil && !strings.Contains(err.Error(), "EOF") && !strings.Contains(err.Error(), "reset") {
				t.Errorf("%s: after 15 s the connection is still open: %v", what, err)
			}
			if took := time.Since(started); took < 8*time.Second {
				t.Errorf("%s: let go after %s, want about 10 s", what, took)
			}
			if strings.Contains(what, "body") && !strings.HasPrefix(string(data), "HTTP/1.1 408 ") {
				t.Errorf("%s: got %.200q, want status 408", what, data)
			}
		})
	}
	group.Go(func() { // over HTTP/2
		body, feed := io.Pipe()
		go func() { _, _ = io.WriteString(feed, "{") }()
		defer feed.Close()
		resp, err := s.HTTP(t, id.pair).Post(s.URL+"/v1/clients", "application/json", body)
		if err != nil {
			t.Errorf("a body over HTTP/2: %v", err)
			return
		}
		r, _ := readReply(resp)
		wantKind(t, "a body over HTTP/2", r, fault.Timeout)
	})
	for time.Since(started) < 2*time.Second {
		b.keep(t, "meanwhile", []byte("x"))
	}
	group.Wait()
}

// TestManySlowPuts: neither strangers nor one client can keep others out by
// bodies that they begin and never end, however many.
func TestManySlowPuts(t *testing.T) {
	t.Parallel()
	s, hog, id := service(t)
	hog.keep(t, "before", []byte("x"))
	b, _ := newBox(t, s, "acme")
	begin := func(id *identity) {
		t.Helper()
		conn := dial(t, s, id.pair)
		if _, err := fmt.Fprintf(conn, "PUT /v1/deposits/%s?handle=h HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\nx", uuid.NewString(), api.MaxDeposit); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		stranger := newIdentity(t)
		for range 8 {
			begin(stranger)
		}
	}
	for range 80 {
		begin(id)
	}
	started := time.Now()
	b.keep(t, "small", []byte("x"))
	b.keep(t, "large", randomBytes(api.MaxDeposit))
	wantContents(t, "small", b.getHandle(t, "small"), []byte("x"))
	newcomer := newIdentity(t)
	wantOK(t, "a registration", newcomer.register(t, s, newcomer.registration(t, s, "acme")), nil)
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("other clients' requests took %s, want them not to wait for the slow ones", took)
	}
}
