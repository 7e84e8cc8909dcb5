package client_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestRegisterElsewhere: registering again takes up other addresses and another
// certificate of the same server, and refuses another server.
func TestRegisterElsewhere(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	ctx := context.Background()
	if _, err := c.Put(ctx, "a", []byte("secret"), nil); err != nil {
		t.Fatal(err)
	}
	dead := "https://" + ktest.FreeAddress(t)
	again, err := client.Register(ctx, dir, client.Registration{Servers: []string{dead, s.URL}, Organization: "q"})
	if err != nil || !again.Before {
		t.Fatalf("Register with two addresses: got %+v, %v, want that it was registered before", again, err)
	}
	if c, err = client.Open(dir); err != nil {
		t.Fatal(err)
	}
	if status, err := c.Status(ctx); err != nil || status.Server != again.Server {
		t.Errorf("Status: got %+v, %v, want server %s", status, err, again.Server)
	}

	other := otherServer(t)
	_, err = client.Register(ctx, dir, client.Registration{Servers: []string{other.URL}, Organization: "q", CA: other.CA()})
	if !errors.Is(err, client.ErrUntrusted) {
		t.Errorf("Register with another server: got %v, want ErrUntrusted", err)
	}
	if c, err = client.Open(dir); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Get(ctx, "a", 0); err != nil || string(got) != "secret" {
		t.Errorf("Get after the refusal: got %q, %v, want the secret", got, err)
	}
}

// otherServer returns a server with an OpenPGP key of its own.
func otherServer(t *testing.T) *ktest.Server {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "confdir")
	ktest.Must(t, "ktadmin", "init", "--confdir", dir, "--hostname", "localhost")
	if _, err := os.Stat(confdir.Dir(dir).Conf()); err != nil {
		t.Fatal(err)
	}
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Listen = ktest.FreeAddress(t) })
	s := ktest.Start(t, dir)
	s.Organization(t, "q")
	return s
}
