package web_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/web"
)

// seen is what an Observer was told.
type seen struct {
	mu    sync.Mutex
	begun int
	ended map[string]int // by "route outcome"
}

func (s *seen) Begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun++
}

func (s *seen) End(route string, outcome fault.Kind, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if took <= 0 {
		outcome += " in no time"
	}
	if s.ended == nil {
		s.ended = map[string]int{}
	}
	s.ended[route+" "+string(outcome)]++
}

// take returns what has ended once n requests have, and forgets it. An answer can
// be read before its request has ended.
func (s *seen) take(t *testing.T, n int) map[string]int {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		total := 0
		for _, count := range s.ended {
			total += count
		}
		if total == n && s.begun == n {
			ended := s.ended
			s.ended, s.begun = nil, 0
			s.mu.Unlock()
			return ended
		}
		begun := s.begun
		s.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatalf("got %d requests begun and %d ended, want %d", begun, total, n)
		}
	}
}

// observedFront serves both handlers: the public one over TCP, the admin one over
// a Unix socket that does not tell who we are, and over one where we are the
// operator.
func observedFront(t *testing.T, metrics http.Handler) (_ *seen, public, stranger, operator func(method, path string)) {
	t.Helper()
	o := &seen{}
	publicHandler, adminHandler := web.New(web.Config{
		Service: service(t, escrow.Fingerprint(strings.Repeat("A", 40))), Log: slog.New(slog.DiscardHandler), Observer: o, Metrics: metrics,
	})
	serve := func(h http.Handler, network, address string, peer func(context.Context, net.Conn) context.Context) func(string, string) {
		s := httptest.NewUnstartedServer(h)
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		s.Listener.Close()
		s.Listener, s.Config.ConnContext = l, peer
		s.Start()
		t.Cleanup(s.Close)
		c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			addr := s.Listener.Addr()
			return new(net.Dialer).DialContext(ctx, addr.Network(), addr.String())
		}}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		t.Cleanup(c.CloseIdleConnections)
		return func(method, path string) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := t.TempDir()
	return o, serve(publicHandler, "tcp", "127.0.0.1:0", nil), serve(adminHandler, "unix", filepath.Join(dir, "stranger"), nil),
		serve(adminHandler, "unix", filepath.Join(dir, "operator"), web.PeerContext)
}

var parameter = regexp.MustCompile(`\{[a-z]+\}`)

// TestObserver: each request is told once, whoever makes it and however it ends,
// with its route and its outcome.
func TestObserver(t *testing.T) {
	t.Parallel()
	o, public, stranger, operator := observedFront(t, http.NotFoundHandler())
	asked, onPublic, onAdmin := 0, map[string]int{}, map[string]int{}
	ended := map[string]string{"root": "not_found", "health": "", "ready": "", "metrics": "", "register": "invalid"}
	for _, r := range api.Routes() {
		path := parameter.ReplaceAllString(strings.TrimSuffix(r.Path, "{$}"), "x")
		switch r.Who {
		case api.ByOperator:
			onAdmin[r.Name+" not_found"]++
			stranger(r.Method, path)
		case api.ByClient:
			onPublic[r.Name+" unauthenticated"]++
			public(r.Method, path)
		default:
			onPublic[r.Name+" "+ended[r.Name]]++
			public(r.Method, path)
		}
		asked++
	}
	want := onPublic
	for key, n := range onAdmin {
		want[key] = n
	}
	if diff := cmp.Diff(want, o.take(t, asked)); diff != "" {
		t.Errorf("each route once (-want +got):\n%s", diff)
	}

	public(http.MethodGet, "/nowhere")
	public(http.MethodGet, "/v1//self")
	public(http.MethodDelete, "/healthz")
	public(http.MethodGet, "/v1/server")     // of the other listener
	stranger(http.MethodGet, "/metrics")     // not the operator
	operator(http.MethodGet, "/v1/server")   // panics: the Config has no function Server
	operator(http.MethodGet, "/v1/clients")  // served
	operator(http.MethodHead, "/v1/clients") // as the GET
	want = map[string]int{" not_found": 3, " method": 1, "metrics denied": 1, "server internal": 1, "clients ": 2}
	if diff := cmp.Diff(want, o.take(t, 8)); diff != "" {
		t.Errorf("others (-want +got):\n%s", diff)
	}
}

// TestBrokenMetrics: metrics that cannot be told are no success.
func TestBrokenMetrics(t *testing.T) {
	t.Parallel()
	o, public, _, operator := observedFront(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "too slow", http.StatusServiceUnavailable)
	}))
	public(http.MethodGet, "/metrics")
	operator(http.MethodGet, "/metrics")
	if diff := cmp.Diff(map[string]int{"metrics unavailable": 2}, o.take(t, 2)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestMetricsByHost: over TCP the metrics are told to loopback addresses and to
// the address that was connected to, and to nobody else.
func TestMetricsByHost(t *testing.T) {
	t.Parallel()
	public, _ := web.New(web.Config{
		Service: service(t, escrow.Fingerprint(strings.Repeat("A", 40))), Log: slog.New(slog.DiscardHandler),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "told") }),
	})
	for _, c := range []struct {
		remote, local string
		want          int
	}{
		{"127.0.0.1:40000", "127.0.0.1", 200},
		{"127.8.9.10:40000", "127.0.0.1", 200},
		{"[::1]:40000", "::1", 200},
		{"[::ffff:127.0.0.1]:40000", "::ffff:127.0.0.1", 200},
		{"192.0.2.1:40000", "192.0.2.1", 200},
		{"[::ffff:192.0.2.1]:40000", "192.0.2.1", 200},
		{"[2001:db8::1]:40000", "2001:db8::1", 200},
		{"192.0.2.2:40000", "192.0.2.1", 403},
		{"192.0.2.2:40000", "127.0.0.1", 403},
		{"192.0.2.1:40000", "", 403},
		{"127.0.0.1:40000", "", 403}, // what a Unix socket can claim
		{"[2001:db8::2]:40000", "2001:db8::1", 403},
		{"[::ffff:192.0.2.2]:40000", "192.0.2.1", 403},
		{"0.0.0.0:40000", "192.0.2.1", 403},
		{"[::]:40000", "192.0.2.1", 403},
		{"@", "192.0.2.1", 403},
		{"", "192.0.2.1", 403},
		{"localhost:40000", "192.0.2.1", 403},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", "127.0.0.1")
		if c.local != "" {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(c.local), Port: 11371}))
		}
		w := httptest.NewRecorder()
		public.ServeHTTP(w, r)
		if w.Code != c.want || (w.Body.String() == "told") != (c.want == 200) {
			t.Errorf("from %q to %q: got %d %q, want %d", c.remote, c.local, w.Code, w.Body, c.want)
		}
	}
}
