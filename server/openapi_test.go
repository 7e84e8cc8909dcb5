package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// spec is what a server says of its API, read from /v1/openapi.json.
type spec struct {
	Paths      map[string]map[string]*operation
	Components struct {
		Schemas map[string]rules
		Headers map[string]header
	}
}

// operation is one of its operations.
type operation struct {
	OperationID string
	Tags        []string
	Parameters  []parameter
	RequestBody *struct {
		MaxBytes int `json:"x-ktsd-max-bytes"`
		Content  map[string]struct{ Schema rules }
	}
	Responses map[string]struct {
		Headers map[string]rules
		Content map[string]struct{ Schema rules }
	}
	method, path string
}

type parameter struct {
	Name, In string
	Required bool
	Schema   rules
}

type header struct {
	Required bool
	Schema   rules
}

// openAPI asks a server for its API.
func openAPI(t testing.TB, s *ktest.Server) spec {
	t.Helper()
	var doc spec
	wantOK(t, "the API", request(t, s.HTTP(t), http.MethodGet, s.URL+"/v1/openapi.json", nil), &doc)
	for path, operations := range doc.Paths {
		for method, op := range operations {
			op.method, op.path = strings.ToUpper(method), path
		}
	}
	return doc
}

// operations returns all operations in the order of their names.
func (doc spec) operations() []*operation {
	var all []*operation
	for _, operations := range doc.Paths {
		for _, op := range operations {
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b *operation) int { return strings.Compare(a.OperationID, b.OperationID) })
	return all
}

// on says whether the operation is on the admin socket, or on the TLS listener.
func (op *operation) on(socket bool) bool {
	switch op.Tags[0] {
	case "client":
		return !socket
	case "operator":
		return socket
	case "host":
		return true
	}
	return !socket || op.OperationID == "openapi"
}

// addressed returns the operation that a request is for, or nil.
func (doc spec) addressed(method string, target *url.URL, socket bool) *operation {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	segments := strings.Split(target.EscapedPath(), "/")
	for _, op := range doc.operations() {
		template := strings.Split(op.path, "/")
		if op.method != method || !op.on(socket) || len(template) != len(segments) {
			continue
		}
		matches := true
		for i := range template {
			plain, err := url.PathUnescape(segments[i])
			isParameter := strings.HasPrefix(template[i], "{")
			matches = matches && err == nil && (isParameter && plain != "" || plain == template[i])
		}
		if matches {
			return op
		}
	}
	return nil
}

// check returns an error unless the answer is one that the document has for op; op
// may be nil, for what is for no operation.
func (doc spec) check(op *operation, method string, r reply) error {
	if r.header.Get("Location") != "" {
		return fmt.Errorf("a redirect to %s", r.header.Get("Location"))
	}
	if r.status >= 500 && r.status != http.StatusServiceUnavailable {
		return fmt.Errorf("status %d", r.status)
	}
	if got := r.header.Get("Cache-Control"); got != "no-store" {
		return fmt.Errorf("Cache-Control: %q", got)
	}
	status := fmt.Sprint(r.status)
	if op == nil || op.Responses[status].Content == nil {
		if r.status != http.StatusNotFound && r.status != http.StatusMethodNotAllowed {
			return fmt.Errorf("status %d, which is not documented", r.status)
		}
		if kind := r.detail().Kind; method != http.MethodHead && api.Status(kind) != r.status {
			return fmt.Errorf("status %d with an error of kind %q", r.status, kind)
		}
		return nil
	}
	response := op.Responses[status]
	for name := range response.Headers {
		h, value := doc.Components.Headers[name], r.header.Get(name)
		if value == "" && !h.Required {
			continue
		}
		if err := doc.text(h.Schema, value); err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	media, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
	content, ok := response.Content[media]
	if !ok {
		return fmt.Errorf("status %d with a body of type %s, which is not documented", r.status, media)
	}
	if method == http.MethodHead {
		return nil
	}
	switch media {
	case "application/json":
		var value any
		d := json.NewDecoder(bytes.NewReader(r.body))
		d.UseNumber()
		if err := d.Decode(&value); err != nil {
			return err
		}
		return doc.value(content.Schema, value, "the body")
	case "application/octet-stream":
		if r.header.Get(api.HeaderUUID) == "" || r.header.Get(api.HeaderVersion) == "" {
			return fmt.Errorf("a deposit without its headers: %v", r.header)
		}
	}
	return doc.text(content.Schema, string(r.body))
}

// socketHTTP is the operator's HTTP client.
func socketHTTP(t testing.TB, s *ktest.Server) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return confdir.Dir(s.Dir).DialSocket(ctx)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestOpenAPIIsServed: to everybody, on both listeners, the same.
func TestOpenAPIIsServed(t *testing.T) {
	t.Parallel()
	s, b, _ := service(t)
	want := api.OpenAPI()
	for who, c := range map[string]*http.Client{"a stranger": s.HTTP(t), "a client": b.http, "an unregistered one": s.HTTP(t, newIdentity(t).pair)} {
		r := request(t, c, http.MethodGet, s.URL+"/v1/openapi.json", nil)
		if r.status != http.StatusOK || !bytes.Equal(r.body, want) || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %d, %q, %d bytes, want the document of %d", who, r.status, r.header.Get("Content-Type"), len(r.body), len(want))
		}
	}
	r := request(t, socketHTTP(t, s), http.MethodGet, "http://ktsd/v1/openapi.json", nil)
	if r.status != http.StatusOK || !bytes.Equal(r.body, want) {
		t.Errorf("on the socket: got %d and %d bytes, want the document of %d", r.status, len(r.body), len(want))
	}
}
