package load

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Dialect is how a server wants deposits put and got. In its paths {id} stands
// for the deposit's UUID.
type Dialect struct {
	Get     string // path
	Put     string // path
	Method  string // of a put
	Body    string // of a put: with {base64} in it the contents stand there; "" for the bare contents
	Headers []string
}

// Ktsd is the dialect of ktsd, and of the floor.
func Ktsd() Dialect {
	return Dialect{Method: "PUT", Put: "/v1/deposits/{id}?handle=bench/{id}", Get: "/v1/deposits/{id}"}
}

// request is one request as the wire takes it. Its parts are used again.
type request struct {
	method string
	path   []byte
	body   []byte
}

// script builds the requests of one connection and judges the answers.
type script struct {
	Dialect
	bodies   *Bodies
	get, put []string // paths, cut at {id}
	before   string   // of {base64}
	after    string
	raw      bool
	req      request
	scratch  []byte
	id       [36]byte
}

func newScript(d Dialect, bodies *Bodies) *script {
	s := &script{Dialect: d, bodies: bodies, get: strings.Split(d.Get, "{id}"), put: strings.Split(d.Put, "{id}"), raw: d.Body == ""}
	s.before, s.after, _ = strings.Cut(d.Body, "{base64}")
	return s
}

// path fills in a path's UUID.
func (s *script) path(parts []string, id uuid.UUID) {
	text, _ := id.MarshalText()
	copy(s.id[:], text)
	s.req.path = s.req.path[:0]
	for i, part := range parts {
		if i > 0 {
			s.req.path = append(s.req.path, s.id[:]...)
		}
		s.req.path = append(s.req.path, part...)
	}
}

// toPut returns the request that puts a deposit.
func (s *script) toPut(id uuid.UUID) *request {
	s.path(s.put, id)
	s.req.method = s.Method
	if s.raw {
		s.req.body = s.bodies.Append(s.req.body[:0], id)
		return &s.req
	}
	s.req.body = append(s.req.body[:0], s.before...)
	s.req.body = s.encoded(s.req.body, id)
	s.req.body = append(s.req.body, s.after...)
	return &s.req
}

// encoded appends a deposit's contents in base64.
func (s *script) encoded(buf []byte, id uuid.UUID) []byte {
	s.scratch = s.bodies.Append(s.scratch[:0], id)
	return base64.StdEncoding.AppendEncode(buf, s.scratch)
}

// toGet returns the request that gets a deposit.
func (s *script) toGet(id uuid.UUID) *request {
	s.path(s.get, id)
	s.req.method, s.req.body = "GET", s.req.body[:0]
	return &s.req
}

// checkPut judges the answer to a put.
func (s *script) checkPut(status int, body []byte) error {
	if status < 200 || status > 299 {
		return fmt.Errorf("put: status %d: %.200s", status, body)
	}
	return nil
}

// checkGet judges the answer to a get, byte by byte.
func (s *script) checkGet(id uuid.UUID, status int, body []byte) error {
	if status != 200 {
		return fmt.Errorf("get: status %d: %.200s", status, body)
	}
	if s.raw {
		if !s.bodies.Equal(id, body) {
			return fmt.Errorf("get: %d bytes came that are not the %d that were put", len(body), s.bodies.Size())
		}
		return nil
	}
	s.req.body = s.encoded(s.req.body[:0], id)
	begin := bytes.Index(body, s.req.body[:min(len(s.req.body), 48)]) // a short text is found fast
	if begin < 0 || !bytes.HasPrefix(body[begin:], s.req.body) {
		return fmt.Errorf("get: %d bytes came without the %d that were put in them", len(body), s.bodies.Size())
	}
	return nil
}
