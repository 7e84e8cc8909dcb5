package load

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"
)

// wire is one connection that is kept. What exchange returns holds until the next
// call.
type wire interface {
	exchange(r *request) (status int, body []byte, err error)
	close()
}

// http1 speaks HTTP/1.1, as much of it as is met here: net/http's client takes
// more of the processor than the server that is measured.
type http1 struct {
	conn  *tls.Conn
	fixed string // the headers of every request, and the end of its first line
	out   []byte
	in    []byte // what has arrived
	body  []byte // of an answer in chunks
}

// maxHead bounds the head of an answer, in bytes.
const maxHead = 64 << 10

var errHead = errors.New("the answer's head is not that of HTTP/1.1")

func dialHTTP1(addr, host string, config *tls.Config, headers []string, deadline time.Time) (*http1, error) {
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	if config.ServerName == "" {
		config.ServerName = (&url.URL{Host: host}).Hostname()
	}
	plain, err := net.DialTimeout("tcp", addr, 30*time.Second)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(plain, config)
	if err := errors.Join(conn.SetDeadline(deadline), conn.Handshake()); err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	c := &http1{conn: conn, fixed: " HTTP/1.1\r\nHost: " + host + "\r\n", in: make([]byte, 0, 8<<10)}
	for _, h := range headers {
		c.fixed += h + "\r\n"
	}
	return c, nil
}

func (c *http1) close() { c.conn.Close() }

func (c *http1) exchange(r *request) (int, []byte, error) {
	c.out = append(c.out[:0], r.method...)
	c.out = append(append(append(c.out, ' '), r.path...), c.fixed...)
	if len(r.body) > 0 {
		c.out = append(c.out, "Content-Length: "...)
		c.out = append(strconv.AppendInt(c.out, int64(len(r.body)), 10), "\r\n"...)
	}
	c.out = append(append(c.out, "\r\n"...), r.body...)
	if _, err := c.conn.Write(c.out); err != nil {
		return 0, nil, err
	}
	return c.answer()
}

// answer reads one answer.
func (c *http1) answer() (int, []byte, error) {
	c.in = c.in[:0]
	end := -1
	for end < 0 {
		from := max(len(c.in)-3, 0)
		if err := c.fill(); err != nil {
			return 0, nil, err
		}
		if i := bytes.Index(c.in[from:], []byte("\r\n\r\n")); i >= 0 {
			end = from + i + 4
		} else if len(c.in) > maxHead {
			return 0, nil, errHead
		}
	}
	h, err := parseHead(c.in[:end])
	if err != nil {
		return 0, nil, err
	}
	if h.chunked {
		body, err := c.chunks(end)
		return h.status, body, err
	}
	for len(c.in) < end+h.length {
		if err := c.fill(); err != nil {
			return 0, nil, err
		}
	}
	if len(c.in) > end+h.length {
		return 0, nil, fmt.Errorf("%d bytes arrived after the answer", len(c.in)-end-h.length)
	}
	return h.status, c.in[end:], nil
}

// fill reads what has arrived, and waits for something.
func (c *http1) fill() error {
	if cap(c.in)-len(c.in) < 4<<10 {
		c.in = append(make([]byte, 0, 2*cap(c.in)+4<<10), c.in...)
	}
	n, err := c.conn.Read(c.in[len(c.in):cap(c.in)])
	c.in = c.in[:len(c.in)+n]
	if n > 0 {
		return nil
	}
	return err
}

// head is what is needed of an answer's head.
type head struct {
	status  int
	length  int
	chunked bool
}

func parseHead(data []byte) (head, error) {
	h := head{length: -1}
	line, rest, _ := bytes.Cut(data, []byte("\r\n"))
	if len(line) < 12 || string(line[:9]) != "HTTP/1.1 " {
		return h, errHead
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return h, errHead
	}
	h.status = status
	for len(rest) > 2 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case len(name) == 14 && bytes.EqualFold(name, []byte("content-length")):
			if h.length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || h.length < 0 {
				return h, errHead
			}
		case len(name) == 17 && bytes.EqualFold(name, []byte("transfer-encoding")):
			h.chunked = bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked"))
		}
	}
	if status == 204 || status == 304 {
		h.length = 0
	}
	if h.length < 0 && !h.chunked {
		return h, errors.New("the answer tells no length")
	}
	return h, nil
}

// chunks reads a body in chunks, from at on.
func (c *http1) chunks(at int) ([]byte, error) {
	c.body = c.body[:0]
	for {
		line := bytes.Index(c.in[at:], []byte("\r\n"))
		for line < 0 {
			if err := c.fill(); err != nil {
				return nil, err
			}
			line = bytes.Index(c.in[at:], []byte("\r\n"))
		}
		size, err := strconv.ParseUint(string(c.in[at:at+line]), 16, 31)
		if err != nil {
			return nil, errors.New("the answer's chunks are not those of HTTP/1.1")
		}
		at += line + 2
		for len(c.in) < at+int(size)+2 {
			if err := c.fill(); err != nil {
				return nil, err
			}
		}
		c.body = append(c.body, c.in[at:at+int(size)]...)
		at += int(size) + 2
		if size == 0 {
			return c.body, nil
		}
	}
}
