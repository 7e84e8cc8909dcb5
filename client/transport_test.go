package client_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// TestRedirectsAreNotFollowed: neither a question nor a deposit goes anywhere
// else because a server says so.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "one")
	var hits atomic.Int32
	target := impostor(t, s, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := useServers(t, dir, impostor(t, s, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target+r.URL.String(), status)
		}))
		if _, got, err := c.Get(context.Background(), "a", 0); err == nil || got != nil {
			t.Errorf("get, answered %d: got %q, %v, want an error", status, got, err)
		}
		if _, err := c.Put(context.Background(), "a", []byte("two"), nil); err == nil {
			t.Errorf("put, answered %d: got no error, want one", status)
		}
		if _, err := c.List(context.Background(), "", false); err == nil {
			t.Errorf("list, answered %d: got no error, want one", status)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the client followed %d redirects, want none", n)
	}
	if kept := waiting(t, dir); len(kept) == 0 {
		t.Error("a put that was redirected does not wait, want it to")
	}
}

// TestHugeAnswers: of what a server sends without end, some MiB are read.
func TestHugeAnswers(t *testing.T) {
	t.Parallel()
	const huge, bound = 64 << 20, 16 << 20
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "one")
	var sent atomic.Int64
	body := func(w http.ResponseWriter, _ *http.Request) {
		sent.Store(0)
		chunk := bytes.Repeat([]byte(" "), 64<<10)
		for sent.Load() < huge {
			n, err := w.Write(chunk)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
	header := func(w http.ResponseWriter, _ *http.Request) {
		for i := range 200 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1<<10))
		}
	}
	for name, handler := range map[string]http.HandlerFunc{"body": body, "header": header} {
		c := useServers(t, dir, impostor(t, s, handler))
		if _, _, err := c.Get(context.Background(), "a", 0); !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("get, huge %s: got %v, want ErrUnavailable", name, err)
		}
		if _, err := c.Put(context.Background(), "a", []byte("two"), nil); !errors.Is(err, client.ErrOutcomeUnknown) {
			t.Errorf("put, huge %s: got %v, want ErrOutcomeUnknown", name, err)
		}
		if n := sent.Load(); n > bound {
			t.Errorf("huge %s: the client let %d bytes come, want %d at most", name, n, bound)
		}
	}
}

// stub is a server that answers every request alike, and notes that it was asked.
func stub(t *testing.T, s *ktest.Server, name string, asked func(string), status int, body string) string {
	t.Helper()
	return impostor(t, s, func(w http.ResponseWriter, _ *http.Request) {
		asked(name)
		w.WriteHeader(status)
		w.Write([]byte(body))
	})
}

// TestFailover: a server that cannot answer now is passed over for the next; what
// any other one says holds.
func TestFailover(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "one")

	var mu sync.Mutex
	var order []string
	asked := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, name)
	}
	kind := func(k string) string { return `{"error": {"kind": "` + k + `", "message": "told so"}}` }
	url := map[string]string{
		"live":       s.URL,
		"dead":       "https://" + ktest.FreeAddress(t),
		"readonly":   stub(t, s, "readonly", asked, 503, kind("unavailable")),
		"unknown":    stub(t, s, "unknown", asked, 503, kind("outcome_unknown")),
		"gateway":    stub(t, s, "gateway", asked, 502, "<html>bad gateway</html>"),
		"absent":     stub(t, s, "absent", asked, 404, kind("not_found")),
		"disabled":   stub(t, s, "disabled", asked, 403, kind("disabled")),
		"limited":    stub(t, s, "limited", asked, 429, kind("limited")),
		"broken":     stub(t, s, "broken", asked, 500, kind("internal")),
		"corrupt":    stub(t, s, "corrupt", asked, 500, kind("corrupt")),
		"mislabeled": stub(t, s, "mislabeled", asked, 404, kind("unavailable")), // the status counts
	}
	for _, test := range []struct {
		servers string
		want    error // of the get; nil: served
		asked   string
	}{
		{"live", nil, ""},
		{"dead live", nil, ""},
		{"readonly live", nil, "readonly"},
		{"dead readonly unknown gateway live", nil, "readonly unknown gateway"},
		{"live absent", nil, ""},
		{"absent live", client.ErrNotFound, "absent"},
		{"readonly disabled live", client.ErrDisabled, "readonly disabled"},
		{"corrupt live", client.ErrCorrupt, "corrupt"},
		{"dead", client.ErrUnavailable, ""},
		{"dead readonly", client.ErrUnavailable, "readonly"},
		{"dead unknown", client.ErrOutcomeUnknown, "unknown"},
	} {
		var servers []string
		for name := range strings.FieldsSeq(test.servers) {
			servers = append(servers, url[name])
		}
		order = nil
		c := useServers(t, dir, servers...)
		_, got, err := c.Get(context.Background(), "a", 0)
		if test.want == nil && (err != nil || string(got) != "one") || test.want != nil && (!errors.Is(err, test.want) || got != nil) {
			t.Errorf("%s: got %q, %v, want %v", test.servers, got, err, test.want)
		}
		if diff := cmp.Diff(strings.Fields(test.asked), order, cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
			t.Errorf("%s: asked (-want +got):\n%s", test.servers, diff)
		}
	}
	for _, name := range []string{"limited", "broken", "mislabeled"} {
		order = nil
		c := useServers(t, dir, url[name], s.URL)
		if _, got, err := c.Get(context.Background(), "a", 0); err == nil || errors.Is(err, client.ErrUnavailable) {
			t.Errorf("%s: got %q, %v, want its error", name, got, err)
		}
	}
	// A put too, and it is one deposit.
	c = useServers(t, dir, url["dead"], url["readonly"], url["unknown"], s.URL)
	if d := put(t, c, "b", "two"); d.Version != 1 {
		t.Errorf("a put by way of three others: got version %d, want 1", d.Version)
	}
}

// TestNothingIsSentToStrangers: a server that nobody vouches for, or only under
// another name, gets no request, and its certificate's fingerprint is told.
func TestNothingIsSentToStrangers(t *testing.T) {
	t.Parallel()
	s := shared()
	for _, stranger := range []struct {
		host    string
		vouched bool
		hint    string
	}{{"localhost", false, "register with --ca FILE"}, {"kts01.example.com", true, "use a name that its certificate has: kts01.example.com"}} {
		_, dir := s.Client(t, "q")
		certPEM, keyPEM, err := tlsconf.SelfSigned(stranger.host, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		if err != nil {
			t.Fatal(err)
		}
		ca := s.CA()
		if stranger.vouched {
			ca = filepath.Join(dir, "ca.pem")
			if err := os.WriteFile(ca, certPEM, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var hits atomic.Int32
		url := serveTLS(t, pair, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
		untrusted := func(what string, err error) {
			t.Helper()
			text := fmt.Sprint(err)
			if !errors.Is(err, client.ErrUntrusted) || !strings.Contains(text, tlsconf.CertificateFingerprint(pair.Leaf)) || strings.Contains(text, "hunter2") {
				t.Errorf("%s, %s: got %v, want ErrUntrusted and the fingerprint, without the secret", stranger.host, what, err)
			}
			if f, ok := errors.AsType[*fault.Error](err); !ok || !strings.Contains(f.Hint, stranger.hint) {
				t.Errorf("%s, %s: got %+v, want the hint %q", stranger.host, what, err, stranger.hint)
			}
		}

		c := useServers(t, dir, url, s.URL)
		_, err = c.Status(context.Background())
		untrusted("status", err)
		for range 2 {
			_, err = c.Put(context.Background(), "a", []byte("hunter2"), nil)
			untrusted("put", err)
		}
		if n := len(waiting(t, dir)); n != 1 {
			t.Errorf("%s: %d puts wait, want the one that was tried twice", stranger.host, n)
		}
		fresh := filepath.Join(t.TempDir(), "new")
		_, err = client.Register(context.Background(), fresh, client.Registration{Servers: []string{url}, Organization: "q", AuthCode: "hunter2", CA: ca})
		untrusted("register", err)
		if _, err := os.Stat(fresh); !os.IsNotExist(err) {
			t.Errorf("%s: a directory was made for it", stranger.host)
		}
		if n := hits.Load(); n != 0 {
			t.Errorf("%s: %d requests were sent to it, want none", stranger.host, n)
		}
	}
}
