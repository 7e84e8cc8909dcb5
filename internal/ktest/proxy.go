package ktest

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy stands between a client and PostgreSQL, counts what should not come, and
// breaks connections at a chosen moment.
type Proxy struct {
	listener net.Listener
	target   string
	cancels  atomic.Int64
	refusing atomic.Bool

	mu    sync.Mutex
	next  Break
	links map[*link]bool
}

// Break is where a proxy breaks a connection.
type Break int

// The places.
const (
	BreakNothing Break = iota
	BreakRequest       // the next that a client sends does not arrive, and the connection ends
	BreakAnswer        // the next answer of the server does not arrive, and the connection ends
	BreakClient        // the next that a client sends arrives; only the client's side ends, and the server does not notice
)

// link is one connection: a client's side and the server's.
type link struct{ client, server net.Conn }

// NewProxy starts a proxy in front of the server at target (host:port).
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("starting a proxy: %v", err)
	}
	p := &Proxy{listener: l, target: target, links: map[*link]bool{}}
	go p.serve()
	t.Cleanup(func() {
		l.Close()
		p.Cut()
	})
	return p
}

// ProxyFor starts a proxy in front of the server of a URL, and returns it with the
// URL that leads through it.
func ProxyFor(t testing.TB, database string) (p *Proxy, through string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatalf("parsing the URL of a database: %v", err)
	}
	p = NewProxy(t, u.Host)
	u.Host = p.listener.Addr().String()
	return p, u.String()
}

// CancelRequests returns how many requests came to cancel a statement.
func (p *Proxy) CancelRequests() int { return int(p.cancels.Load()) }

// Refuse says whether new connections are ended at once.
func (p *Proxy) Refuse(refuse bool) { p.refusing.Store(refuse) }

// Next sets where the next connection breaks that is used.
func (p *Proxy) Next(b Break) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = b
}

// take returns whether this is the place to break a connection.
func (p *Proxy) take(places ...Break) Break {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range places {
		if p.next == b {
			p.next = BreakNothing
			return b
		}
	}
	return BreakNothing
}

// Cut ends all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.client.Close()
		l.server.Close()
	}
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.carry(client)
	}
}

// cancelRequest is the code of the packet (PostgreSQL's documentation, 55.7).
const cancelRequest = 80877102

func (p *Proxy) carry(client net.Conn) {
	defer client.Close()
	if p.refusing.Load() {
		return
	}
	first := make([]byte, 8)
	if _, err := io.ReadFull(client, first); err != nil {
		return
	}
	if binary.BigEndian.Uint32(first[4:]) == cancelRequest {
		p.cancels.Add(1)
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	l := &link{client, server}
	p.mu.Lock()
	p.links[l] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}()
	if _, err := server.Write(first); err != nil {
		return
	}
	alone := make(chan struct{}) // closed when the client's side ended and the server's is to stand
	go p.requests(l, alone)
	p.answers(l, alone)
}

// requests carries what the client sends.
func (p *Proxy) requests(l *link, alone chan struct{}) {
	buf := make([]byte, 64<<10)
	for {
		n, err := l.client.Read(buf)
		if err != nil {
			break
		}
		b := p.take(BreakRequest, BreakClient)
		if b == BreakRequest {
			break
		}
		if _, err := l.server.Write(buf[:n]); err != nil {
			break
		}
		if b == BreakClient {
			close(alone)
			l.client.Close()
			return
		}
	}
	l.client.Close()
	l.server.Close()
}

// answers carries what the server sends.
func (p *Proxy) answers(l *link, alone chan struct{}) {
	buf := make([]byte, 64<<10)
	for {
		n, err := l.server.Read(buf)
		if err != nil || p.take(BreakAnswer) == BreakAnswer {
			return
		}
		if _, err := l.client.Write(buf[:n]); err != nil {
			select {
			case <-alone: // the server goes on, and nobody hears it
			default:
				return
			}
		}
	}
}
