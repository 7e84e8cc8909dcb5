package load_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/bench/internal/load"
)

// keeper is a server of deposits in memory.
type keeper struct {
	mu    sync.Mutex
	kept  map[string][]byte
	proto map[string]bool
	spoil func(contents []byte) []byte
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.proto[r.Proto] = true
	id := strings.TrimPrefix(r.URL.Path, "/v1/deposits/")
	if r.Method == http.MethodPut {
		k.kept[id], _ = io.ReadAll(r.Body)
		if r.URL.Query().Get("handle") != "bench/"+id {
			http.Error(w, "no handle", http.StatusBadRequest)
		}
		return
	}
	contents, ok := k.kept[id]
	if !ok {
		http.Error(w, "no such deposit", http.StatusNotFound)
		return
	}
	if k.spoil != nil {
		contents = k.spoil(contents)
	}
	w.Write(contents) // over 2 KB net/http sends it in chunks
}

// serve starts a server over TLS, and returns it as a target.
func serve(t *testing.T, h http.Handler) *load.Target {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &load.Target{
		Addr: s.Listener.Addr().String(), Host: "example.com", Dialect: load.Ktsd(),
		TLS: []*tls.Config{{RootCAs: roots}},
	}
}

// run works for a moment.
func run(t *testing.T, target *load.Target, w load.Work) *load.Result {
	t.Helper()
	w.Duration = 20 * time.Millisecond
	r, err := load.Run(t.Context(), target, w)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newKeeper() *keeper { return &keeper{kept: map[string][]byte{}, proto: map[string]bool{}} }

// TestPutAndGet: both versions of HTTP, sizes with and without chunks.
func TestPutAndGet(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, size := range []int{1, 100, 4096, 1 << 20} {
			t.Run(fmt.Sprintf("HTTP2=%v/%d", http2, size), func(t *testing.T) {
				k := newKeeper()
				target := serve(t, k)
				target.HTTP2 = http2
				bodies := load.NewBodies(size)
				kept, err := load.Fill(t.Context(), target, bodies, uuid.NewV7, 20)
				if err != nil || len(kept[0]) != 20 || len(k.kept) != 20 {
					t.Fatalf("filling: got %d kept of %d told, %v, want 20", len(k.kept), len(kept[0]), err)
				}
				for _, put := range []bool{true, false} {
					r := run(t, target, load.Work{Put: put, Connections: 3, Bodies: bodies, Kept: kept, NewID: uuid.NewRandom})
					if r.Errors != 0 || r.Rate() <= 0 {
						t.Errorf("put %v: got %d answers, %d errors %v", put, r.Latency.Count(), r.Errors, r.Failed)
					}
				}
				if got := k.proto["HTTP/2.0"]; got != http2 || len(k.proto) != 1 {
					t.Errorf("protocols: got %v, want HTTP/2 %v", k.proto, http2)
				}
			})
		}
	}
}

// TestWrongAnswers: what is not the deposit is an error.
func TestWrongAnswers(t *testing.T) {
	for what, spoil := range map[string]func([]byte) []byte{
		"a byte in the middle": func(c []byte) []byte { c = bytes.Clone(c); c[len(c)/2] ^= 1; return c },
		"the first byte":       func(c []byte) []byte { c = bytes.Clone(c); c[0] ^= 1; return c },
		"one byte short":       func(c []byte) []byte { return c[1:] },
		"nothing":              func([]byte) []byte { return nil },
	} {
		k := newKeeper()
		target := serve(t, k)
		bodies := load.NewBodies(1000)
		kept, err := load.Fill(t.Context(), target, bodies, uuid.NewV7, 5)
		if err != nil {
			t.Fatal(err)
		}
		k.mu.Lock()
		k.spoil = spoil
		k.mu.Unlock()
		r := run(t, target, load.Work{Connections: 1, Bodies: bodies, Kept: kept})
		if r.Latency.Count() != 0 || r.Errors == 0 || len(r.Failed) != 1 {
			t.Errorf("%s: got %d answers taken for right, errors %d %v", what, r.Latency.Count(), r.Errors, r.Failed)
		}
	}
	target := serve(t, http.NotFoundHandler())
	r := run(t, target, load.Work{Connections: 1, Bodies: load.NewBodies(10), Kept: load.Kept{{uuid.New()}}})
	if r.Errors == 0 || !strings.Contains(r.Failed[0], "404") {
		t.Errorf("a server without the deposit: got %d errors %v, want some with status 404", r.Errors, r.Failed)
	}
}

// TestTemplates: a peer that wants JSON and a token.
func TestTemplates(t *testing.T) {
	var mu sync.Mutex
	kept := map[string]string{}
	target := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("X-Token") != "sesame" {
			http.Error(w, "no token", http.StatusForbidden)
			return
		}
		if r.Method == http.MethodGet {
			json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"data": map[string]string{"value": kept[r.URL.Path]}}})
			return
		}
		var body struct{ Data struct{ Value string } }
		err := json.NewDecoder(r.Body).Decode(&body)
		contents, b64Err := base64.StdEncoding.DecodeString(body.Data.Value)
		if err != nil || b64Err != nil || len(contents) != 500 {
			http.Error(w, "not understood", http.StatusBadRequest)
			return
		}
		kept[r.URL.Path] = body.Data.Value
		w.WriteHeader(http.StatusNoContent)
	}))
	target.Dialect = load.Dialect{
		Method: "POST", Put: "/v1/secret/data/{id}", Get: "/v1/secret/data/{id}",
		Body: `{"data":{"value":"{base64}"}}`, Headers: []string{"X-Token: sesame"},
	}
	bodies := load.NewBodies(500)
	ids, err := load.Fill(t.Context(), target, bodies, uuid.NewV7, 5)
	if err != nil || len(kept) != 5 {
		t.Fatalf("filling: got %d, %v, want 5", len(kept), err)
	}
	work := load.Work{Connections: 2, Bodies: bodies, Kept: ids}
	if r := run(t, target, work); r.Errors != 0 || r.Latency.Count() == 0 {
		t.Errorf("got %d answers, errors %d %v", r.Latency.Count(), r.Errors, r.Failed)
	}
	mu.Lock()
	for path, value := range kept {
		kept[path] = value[:100] + strings.Map(func(c rune) rune { return c ^ 2 }, value[100:101]) + value[101:]
	}
	mu.Unlock()
	if r := run(t, target, work); r.Errors == 0 || r.Latency.Count() > 0 {
		t.Errorf("other contents: got %d answers taken for right, errors %d", r.Latency.Count(), r.Errors)
	}
}

// TestStranger: no load goes to a server that the settings do not vouch for.
func TestStranger(t *testing.T) {
	target := serve(t, newKeeper())
	target.TLS[0].RootCAs = x509.NewCertPool()
	_, err := load.Run(t.Context(), target, load.Work{Connections: 1, Bodies: load.NewBodies(1)})
	if err == nil {
		t.Error("a server that nothing vouches for: got no error")
	}
}

// TestHandshakes: sessions are resumed when asked to.
func TestHandshakes(t *testing.T) {
	target := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") }))
	for resume, want := range map[bool]int{false: 0, true: 9} {
		if got, err := load.Handshakes(t.Context(), target, "/", 10, resume); err != nil || got != want {
			t.Errorf("resume %v: got %d, %v, want %d", resume, got, err, want)
		}
	}
}

// TestClients: connections are spread over the clients.
func TestClients(t *testing.T) {
	target := &load.Target{TLS: make([]*tls.Config, 100)}
	for _, c := range []struct{ connection, connections, want int }{{0, 8, 0}, {7, 8, 87}, {1, 2, 50}, {150, 200, 50}, {99, 100, 99}} {
		if got := load.ClientOf(target, c.connection, c.connections); got != c.want {
			t.Errorf("connection %d of %d: got client %d, want %d", c.connection, c.connections, got, c.want)
		}
	}
}
