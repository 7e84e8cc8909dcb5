package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/fault"
)

// TestRetryAfter: when the server says how long to wait, the hint does too.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const body = `{"error": {"kind": "limited", "message": "too many requests a second", "hint": "ask less often"}}`
	for header, want := range map[string]string{
		"90": "ask less often; the server asks to wait 1m30s", "": "ask less often", "0": "ask less often", "-1": "ask less often",
		"soon": "ask less often", "99999999999999999999": "ask less often",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set("Retry-After", header)
			}
			w.WriteHeader(http.StatusTooManyRequests)
			w.Write([]byte(body))
		}))
		_, err := client.NewAdmin(dialer(s)).Server(context.Background())
		s.Close()
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Hint != want || !errors.Is(err, fault.Limited) {
			t.Errorf("Retry-After %q: got %v with hint %q, want %q", header, err, f.Hint, want)
		}
		if seconds := f.Retry.Seconds(); (seconds == 90) != strings.Contains(want, "1m30s") {
			t.Errorf("Retry-After %q: got %g s", header, seconds)
		}
	}
}

func dialer(s *httptest.Server) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", s.Listener.Addr().String())
	}
}
