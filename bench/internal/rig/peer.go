package rig

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/ktsd/ktsd/bench/internal/load"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// Peer says how to reach a server that somebody else runs.
type Peer struct {
	URL                     string
	CA                      string // file; "" for the system's roots
	Certificate, PrivateKey string // files; "" for none
	HeadersFile             string // one a line; "" for none
	Dialect                 load.Dialect
	PID                     int
	Databases               []int
	HTTP2                   bool
}

// Server returns what the load generator needs.
func (p Peer) Server() (*Server, error) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fault.New(fault.Invalid, "%q is not the URL of a peer", p.URL).WithHint("like https://127.0.0.1:8200")
	}
	if p.PID == 0 {
		return nil, fault.New(fault.Invalid, "the peer's process is not named").WithHint("give --peer-pid: without it its processor time cannot be told")
	}
	var roots *x509.CertPool
	if p.CA != "" {
		if roots, err = readRoots(p.CA); err != nil {
			return nil, err
		}
	}
	var pair *tls.Certificate
	if p.Certificate != "" {
		if pair, err = tlsconf.LoadPair(p.Certificate, p.PrivateKey); err != nil {
			return nil, err
		}
	}
	if p.HeadersFile != "" {
		data, err := os.ReadFile(p.HeadersFile)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" {
				p.Dialect.Headers = append(p.Dialect.Headers, line)
			}
		}
	}
	config := tlsconf.Client(roots, pair)
	config.ServerName = u.Hostname()
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "443")
	}
	return &Server{Name: "peer", PID: p.PID, Databases: p.Databases, Target: load.Target{
		Addr: addr, Host: u.Host, TLS: []*tls.Config{config}, Dialect: p.Dialect, HTTP2: p.HTTP2,
	}}, nil
}
