package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/web"
)

// adminFront starts the admin handler on a socket, over a store of its own, and
// returns the operator's HTTP client.
func adminFront(t testing.TB) *http.Client {
	t.Helper()
	_, handler := web.New(web.Config{
		Service: service(t, "A"), Log: slog.New(slog.DiscardHandler), Server: func() api.Server { return api.Server{} },
		Reload: func() error { return errors.New("it is only a test") }, Check: func() error { return nil },
	})
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handler)
	s.Listener, s.Config.ConnContext = l, web.PeerContext
	s.Start()
	t.Cleanup(s.Close)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// FuzzAdminRequest sends whatever comes, as the operator. Every answer is a success
// or a refusal whose kind has its status, and never an error of the server's.
func FuzzAdminRequest(f *testing.F) {
	f.Add("POST", "/v1/organizations", "", []byte(`{"name":"acme","contacts":["finn@example.com"],"approval":"auth_code","auth_code":"OpenSesame"}`))
	f.Add("POST", "/v1/organizations", "", []byte(`{"name":"acme","name":"other"}`))
	f.Add("POST", "/v1/organizations/acme/contacts", "", []byte(`{"contacts":["a@b","a@b",""]}`))
	f.Add("PUT", "/v1/organizations/acme/admission", "", []byte(`{"approval":"contacts","auth_code":null}`))
	f.Add("PUT", "/v1/organizations/acme/admission", "", []byte(`[[[[`))
	f.Add("POST", "/v1/organizations", "", []byte(`{"name":"ended","expires":"2026-01-01T00:00:00Z","managed_by":"file"}`))
	f.Add("PUT", "/v1/organizations/acme/expiration", "", []byte(`{"expires":"9999-12-31T23:59:59-12:00"}`))
	f.Add("PUT", "/v1/organizations/acme/management", "", []byte(`{"managed_by":"nobody"}`))
	f.Add("GET", "/v1/organizations/acme/usage", "x=1", []byte{})
	f.Add("DELETE", "/v1/organizations/acme", "deposits=00", []byte{})
	f.Add("DELETE", "/v1/organizations/acme", "deposits=9223372036854775808", []byte("body"))
	f.Add("DELETE", "/v1/organizations/acme/contacts/finn@example.com", "", []byte{})
	f.Add("GET", "/v1/clients", "organization=acme", []byte{})
	f.Add("GET", "/v1/clients", "organization=a&organization=b", []byte{})
	f.Add("POST", "/v1/clients/4096R%2f"+strings.Repeat("A", 40)+"/disable", "", []byte{})
	f.Add("POST", "/v1/clients/x/enable", "", []byte{})
	f.Add("POST", "/v1/reload", "", []byte{})
	f.Add("POST", "/v1/check", "", []byte{})
	f.Add("GET", "/v1/server", "x", []byte("body"))
	f.Add("GET", "/v1/openapi.json", "", []byte{})
	c := adminFront(f)
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		req, err := http.NewRequest(method, "http://ktsd/", strings.NewReader(string(body)))
		if err != nil {
			t.Skip("no request")
		}
		req.URL = &url.URL{Scheme: "http", Host: "ktsd", Path: path, RawQuery: query}
		resp, err := c.Do(req)
		if err != nil {
			t.Skip("no request that net/http sends")
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || method == http.MethodHead || resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated {
			return
		}
		if resp.Header.Get(api.HeaderRequestID) == "" && resp.StatusCode == http.StatusBadRequest {
			return // net/http's own, of what is no HTTP
		}
		var e api.Error
		if err := json.Unmarshal(answer, &e); err != nil || api.Status(e.Error.Kind) != resp.StatusCode || resp.StatusCode < 400 || resp.StatusCode > 499 {
			t.Errorf("%s %q?%q: got %d %.200q, want a success or a refusal", method, path, query, resp.StatusCode, answer)
		}
	})
}
