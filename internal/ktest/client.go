package ktest

import (
	"context"
	"crypto/tls"
	"path/filepath"
	"testing"

	"github.com/ktsd/ktsd/client"
)

// Organization makes an organization that lets everybody in.
func (s *Server) Organization(t testing.TB, name string) {
	t.Helper()
	if err := s.Admin().CreateOrganization(context.Background(), client.NewOrganization{Name: name, Approval: "automatic"}); err != nil {
		t.Fatalf("creating organization %s: %v", name, err)
	}
}

// Client registers a new client with an organization, in a directory of its own.
func (s *Server) Client(t testing.TB, org string) (*client.Client, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "client")
	_, err := client.Register(context.Background(), dir, client.Registration{Servers: []string{s.URL}, Organization: org, CA: s.CA()})
	if err != nil {
		t.Fatalf("registering a client: %v", err)
	}
	c, err := client.Open(dir)
	if err != nil {
		t.Fatalf("opening a client: %v", err)
	}
	return c, dir
}

// Pair returns the TLS certificate of a client's directory.
func Pair(t testing.TB, dir string) tls.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "client-cert.pem"), filepath.Join(dir, "client-key.pem"))
	if err != nil {
		t.Fatalf("loading a client's certificate: %v", err)
	}
	return pair
}
