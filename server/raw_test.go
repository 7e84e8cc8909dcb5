package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// Requests made by hand, as curl would, without package client in between.

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   []byte
	proto  string
}

// detail is what an error answer says; its zero value for any other answer.
func (r reply) detail() api.ErrorDetail {
	var e api.Error
	_ = json.Unmarshal(r.body, &e)
	return e.Error
}

func (r reply) String() string { return fmt.Sprintf("%d %s", r.status, bytes.TrimSpace(r.body)) }

// request makes a request and reads the answer.
func request(t testing.TB, c *http.Client, method, target string, body []byte) reply {
	t.Helper()
	r, err := tryRequest(c, method, target, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return r
}

// tryRequest is request for where the connection may break.
func tryRequest(c *http.Client, method, target string, body []byte) (reply, error) {
	return tryRequestContext(context.Background(), c, method, target, body)
}

// tryRequestContext is tryRequest until ctx ends, and with it the connection or,
// over HTTP/2, the stream.
func tryRequestContext(ctx context.Context, c *http.Client, method, target string, body []byte) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body == nil {
		req.Body = nil
	}
	resp, err := c.Do(req)
	if err != nil {
		return reply{}, err
	}
	return readReply(resp)
}

func readReply(resp *http.Response) (reply, error) {
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, data, resp.Proto}, err
}

// wantKind fails the test unless the answer is an error of that kind, with its
// status and a request id.
func wantKind(t testing.TB, what string, r reply, kind fault.Kind) {
	t.Helper()
	d := r.detail()
	if d.Kind != kind || r.status != api.Status(kind) {
		t.Errorf("%s: got %v, want kind %s with status %d", what, r, kind, api.Status(kind))
	}
	if d.RequestID == "" || d.RequestID != r.header.Get(api.HeaderRequestID) {
		t.Errorf("%s: got request id %q in the body and %q in the header, want one in both", what, d.RequestID, r.header.Get(api.HeaderRequestID))
	}
}

// wantOK fails the test at once unless the answer is 200, and decodes it.
func wantOK(t testing.TB, what string, r reply, into any) {
	t.Helper()
	if r.status != http.StatusOK {
		t.Fatalf("%s: got %v, want 200", what, r)
	}
	if into != nil {
		if err := json.Unmarshal(r.body, into); err != nil {
			t.Fatalf("%s: got %q, want JSON: %v", what, r.body, err)
		}
	}
}

var requestID = regexp.MustCompile(`"request_id":"[0-9a-f]+"`)

// anonymous is an answer without what differs from one request to the next:
// status, headers and body.
func anonymous(r reply) string {
	h := r.header.Clone()
	h.Del("Date")
	h.Del(api.HeaderRequestID)
	var b bytes.Buffer
	fmt.Fprintln(&b, r.status)
	_ = h.Write(&b)
	b.Write(requestID.ReplaceAll(r.body, []byte(`"request_id":""`)))
	return b.String()
}

// tlsConfig trusts the server and shows certificates.
func tlsConfig(t testing.TB, s *ktest.Server, certificates ...tls.Certificate) *tls.Config {
	t.Helper()
	config := s.HTTP(t).Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName, config.NextProtos, config.Certificates = "localhost", nil, certificates
	return config
}

// from is an HTTP client that connects from another address of this host, as
// another host would.
func from(t testing.TB, s *ktest.Server, source string, certificates ...tls.Certificate) *http.Client {
	t.Helper()
	c := s.HTTP(t, certificates...)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	c.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", s.Addr)
	}
	return c
}

// dial opens a TLS connection for requests written by hand (HTTP/1.1).
func dial(t testing.TB, s *ktest.Server, certificates ...tls.Certificate) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", s.Addr, tlsConfig(t, s, certificates...))
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// write sends exactly these bytes and reads one answer.
func write(t testing.TB, s *ktest.Server, raw string, certificates ...tls.Certificate) reply {
	t.Helper()
	conn := dial(t, s, certificates...)
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatalf("writing a request: %v", err)
	}
	return readFrom(t, conn)
}

// readFrom reads one answer from a connection.
func readFrom(t testing.TB, conn net.Conn) reply {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("reading an answer: %v", err)
	}
	r, err := readReply(resp)
	if err != nil {
		t.Fatalf("reading an answer: %v", err)
	}
	return r
}

// box is one client's deposits, over raw HTTPS.
type box struct {
	http *http.Client
	url  string
}

// newBox registers a client with an organization that lets everybody in.
func newBox(t testing.TB, s *ktest.Server, org string) (box, *identity) {
	t.Helper()
	id := newIdentity(t)
	wantOK(t, "registering", id.register(t, s, id.registration(t, s, org)), nil)
	return box{s.HTTP(t, id.pair), s.URL}, id
}

func (b box) at(id string) string { return b.url + "/v1/deposits/" + id }

func (b box) find(pairs ...string) string { return b.url + "/v1/deposits?" + query(pairs...) }

// query makes a query string of names and values.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

// put puts under a given UUID; more are further parameters.
func (b box) put(t testing.TB, id, handle string, contents []byte, more ...string) reply {
	t.Helper()
	return request(t, b.http, http.MethodPut, b.at(id)+"?"+query(append([]string{"handle", handle}, more...)...), contents)
}

// keep puts under a new UUID, which must be taken.
func (b box) keep(t testing.TB, handle string, contents []byte, more ...string) api.Deposit {
	t.Helper()
	var d api.Deposit
	wantOK(t, "putting "+handle, b.put(t, uuid.NewString(), handle, contents, more...), &d)
	return d
}

func (b box) get(t testing.TB, id string) reply {
	t.Helper()
	return request(t, b.http, http.MethodGet, b.at(id), nil)
}

func (b box) getHandle(t testing.TB, handle string, more ...string) reply {
	t.Helper()
	return request(t, b.http, http.MethodGet, b.find(append([]string{"handle", handle}, more...)...), nil)
}

func (b box) delete(t testing.TB, id string) reply {
	t.Helper()
	return request(t, b.http, http.MethodDelete, b.at(id), nil)
}

func (b box) undelete(t testing.TB, id string) reply {
	t.Helper()
	return request(t, b.http, http.MethodPost, b.at(id)+"/undelete", nil)
}

// list gathers all pages, and the number of deposits on each.
func (b box) list(t testing.TB, pairs ...string) (all []api.Deposit, pages []int) {
	t.Helper()
	cursor := ""
	for {
		params := pairs
		if cursor != "" {
			params = append(append([]string{}, pairs...), "cursor", cursor)
		}
		var page api.Deposits
		wantOK(t, "listing", request(t, b.http, http.MethodGet, b.find(params...), nil), &page)
		all, pages = append(all, page.Deposits...), append(pages, len(page.Deposits))
		if cursor = page.Cursor; cursor == "" {
			return all, pages
		}
	}
}

// wantContents fails the test unless the answer is 200 with exactly these bytes.
func wantContents(t testing.TB, what string, r reply, contents []byte) {
	t.Helper()
	if r.status != http.StatusOK || !bytes.Equal(r.body, contents) {
		t.Errorf("%s: got %d with %d bytes (%.60q), want 200 with the %d bytes that were put", what, r.status, len(r.body), r.body, len(contents))
	}
}

// contains fails the test unless text holds each of wants.
func contains(t testing.TB, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s: got\n%s\nwant %q in it", what, text, want)
		}
	}
}

// logged waits until ktsd's log, which comes through a pipe, holds each of wants.
func logged(t testing.TB, s *ktest.Server, what string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		deadline := time.Now().Add(30 * time.Second)
		for !strings.Contains(s.Log(), want) {
			if time.Now().After(deadline) {
				t.Errorf("%s: got a log without %q", what, want)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}
