package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/ktest"
)

// proxy stands between a client and its server and passes TLS through, which it
// cannot read. Deaf, it passes on what the client sends and nothing back.
type proxy struct {
	URL string

	listener net.Listener
	mu       sync.Mutex
	deaf     bool
	conns    []net.Conn
}

// newProxy starts a proxy to the server at address.
func newProxy(t *testing.T, address string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	p := &proxy{URL: "https://localhost:" + port, listener: l}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn, address)
		}
	}()
	return p
}

func (p *proxy) serve(conn net.Conn, address string) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		conn.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, conn, server)
	p.mu.Unlock()
	go func() {
		io.Copy(server, conn)
		server.Close()
	}()
	io.Copy(writer(func(b []byte) (int, error) {
		p.mu.Lock()
		deaf := p.deaf
		p.mu.Unlock()
		if deaf {
			return len(b), nil
		}
		return conn.Write(b)
	}), server)
	conn.Close()
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// setDeaf has answers lost from now on, or no longer.
func (p *proxy) setDeaf(deaf bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = deaf
}

// cut closes all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		conn.Close()
	}
	p.conns = nil
}

// useServers has the client of dir talk to other servers, and opens it.
func useServers(t *testing.T, dir string, servers ...string) *client.Client {
	t.Helper()
	file := filepath.Join(dir, "keytrustee.conf")
	conf := map[string]any{}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &conf)
	}
	conf["SERVERS"] = servers
	if err == nil {
		data, err = json.Marshal(conf)
	}
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatalf("editing keytrustee.conf: %v", err)
	}
	c, err := client.Open(dir)
	if err != nil {
		t.Fatalf("opening the client: %v", err)
	}
	return c
}

// waiting returns the puts that wait in dir.
func waiting(t *testing.T, dir string) []client.WaitingPut {
	t.Helper()
	puts, err := client.ReadWaiting(dir)
	if err != nil {
		t.Fatalf("reading the puts that wait: %v", err)
	}
	return puts
}

// depositsOf returns what the server has of the client of dir, asked without its
// code.
func depositsOf(t *testing.T, s *ktest.Server, dir string) []api.Deposit {
	t.Helper()
	var page api.Deposits
	status, body := fetch(t, s, dir, "/v1/deposits?show=all")
	if err := json.Unmarshal(body, &page); status != http.StatusOK || err != nil {
		t.Fatalf("listing deposits: status %d, %v\n%s", status, err, body)
	}
	return page.Deposits
}

// fetch makes a GET of the server as the client of dir.
func fetch(t *testing.T, s *ktest.Server, dir, path string) (int, []byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.HTTP(t, ktest.Pair(t, dir)).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}
