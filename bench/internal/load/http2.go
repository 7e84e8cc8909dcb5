package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// http2 speaks HTTP/2 through net/http's client, one stream at a time on a
// connection of its own.
type http2 struct {
	transport *http.Transport
	base      string
	header    http.Header
	deadline  time.Time
	body      bytes.Buffer
}

func dialHTTP2(addr, host string, config *tls.Config, headers []string, deadline time.Time) *http2 {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	c := &http2{base: "https://" + host, header: http.Header{}, deadline: deadline}
	c.transport = &http.Transport{
		TLSClientConfig: config.Clone(), Protocols: protocols, DisableCompression: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 30 * time.Second}).DialContext(ctx, network, addr)
		},
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		c.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return c
}

func (c *http2) close() { c.transport.CloseIdleConnections() }

func (c *http2) exchange(r *request) (int, []byte, error) {
	ctx, cancel := context.WithDeadline(context.Background(), c.deadline)
	defer cancel()
	var body io.Reader
	if len(r.body) > 0 {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+string(r.path), body)
	if err != nil {
		return 0, nil, err
	}
	req.Header = c.header
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		return 0, nil, fmt.Errorf("the server answered in %s, not HTTP/2", resp.Proto)
	}
	c.body.Reset()
	_, err = c.body.ReadFrom(resp.Body)
	return resp.StatusCode, c.body.Bytes(), err
}
