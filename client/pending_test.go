package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/ktest"
)

// start returns a server of the test's own, to be stopped, with one organization,
// "q", that lets everybody in.
func start(t *testing.T) *ktest.Server {
	t.Helper()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "q")
	return s
}

// putCut puts while answers are lost, and cuts the connection once the server
// has the deposit.
func putCut(t *testing.T, s *ktest.Server, p *proxy, c *client.Client, dir, handle, secret string) {
	t.Helper()
	before := len(depositsOf(t, s, dir))
	if _, err := c.Status(context.Background()); err != nil { // so that it is connected
		t.Fatal(err)
	}
	p.setDeaf(true)
	defer p.setDeaf(false)
	failed := make(chan error)
	go func() {
		_, err := c.Put(context.Background(), handle, []byte(secret), nil)
		failed <- err
	}()
	for deadline := time.Now().Add(10 * time.Second); len(depositsOf(t, s, dir)) == before; {
		if time.Now().After(deadline) {
			t.Fatal("the put did not arrive")
		}
	}
	p.cut()
	if err := <-failed; !errors.Is(err, client.ErrOutcomeUnknown) || errors.Is(err, client.ErrUnavailable) {
		t.Errorf("a put whose answer was lost: got %v, want ErrOutcomeUnknown alone", err)
	}
}

func TestPutAgainAfterCut(t *testing.T) {
	t.Parallel()
	s := shared()
	p := newProxy(t, s.Addr)
	_, dir := s.Client(t, "q")
	c := useServers(t, dir, p.URL)
	putCut(t, s, p, c, dir, "a", "secret")
	kept := waiting(t, dir)
	if len(kept) != 1 {
		t.Fatalf("got %d puts that wait, want 1", len(kept))
	}

	// A program that starts anew makes the same put.
	c = useServers(t, dir, p.URL)
	if status, err := c.Status(context.Background()); err != nil || status.Waiting != 1 {
		t.Errorf("got status %+v, %v, want 1 waiting", status, err)
	}
	d, err := c.Put(context.Background(), "a", []byte("secret"), nil)
	if err != nil || d.UUID != kept[0].UUID || d.Version != 1 {
		t.Errorf("the put again: got %+v, %v, want version 1 with UUID %s", d, err, kept[0].UUID)
	}
	if have := depositsOf(t, s, dir); len(have) != 1 {
		t.Errorf("the server has %d deposits, want 1", len(have))
	}
	if left := waiting(t, dir); len(left) != 0 {
		t.Errorf("got %d puts that wait after their confirmation, want none", len(left))
	}

	// Once it is confirmed, the same contents are a new version.
	if d, err := c.Put(context.Background(), "a", []byte("secret"), nil); err != nil || d.Version != 2 {
		t.Errorf("another put: got %+v, %v, want version 2", d, err)
	}
}

// TestOthersFirst: another put sends the one that waits first, and is its own
// deposit, whatever of handle, contents and not_after it shares with it.
// TestPutAgainAfterDelete: a put that was confirmed long ago without its client
// knowing, and deleted since, is no answer to the same put of today.
func TestPutAgainAfterDelete(t *testing.T) {
	t.Parallel()
	s := shared()
	p := newProxy(t, s.Addr)
	_, dir := s.Client(t, "q")
	c := useServers(t, dir, p.URL)
	putCut(t, s, p, c, dir, "a", "secret")
	c = useServers(t, dir, p.URL)
	if _, err := c.Delete(context.Background(), "a"); err != nil {
		t.Fatal(err)
	}
	d, err := c.Put(context.Background(), "a", []byte("secret"), nil)
	if err != nil || d.Version != 2 || d.Deleted != nil {
		t.Errorf("the put after the delete: got %+v, %v, want version 2, not deleted", d, err)
	}
	if _, got, err := c.Get(context.Background(), "a", 0); err != nil || string(got) != "secret" {
		t.Errorf("the get after it: got %q, %v, want the secret", got, err)
	}
}

func TestOthersFirst(t *testing.T) {
	t.Parallel()
	s := shared()
	p := newProxy(t, s.Addr)
	later := &client.PutOptions{NotAfter: time.Now().Add(time.Hour)}
	for name, next := range map[string]struct {
		handle, secret string
		opts           *client.PutOptions
		version        int64
	}{
		"another handle":    {"b", "secret", nil, 1},
		"other contents":    {"a", "other", nil, 2},
		"another not_after": {"a", "secret", later, 2},
	} {
		t.Run(name, func(t *testing.T) {
			_, dir := s.Client(t, "q")
			c := useServers(t, dir, p.URL)
			putCut(t, s, p, c, dir, "a", "secret")
			d, err := c.Put(context.Background(), next.handle, []byte(next.secret), next.opts)
			if err != nil || d.Version != next.version {
				t.Fatalf("got %+v, %v, want version %d", d, err, next.version)
			}
			if have := depositsOf(t, s, dir); len(have) != 2 {
				t.Errorf("the server has %d deposits, want 2", len(have))
			}
			if left := waiting(t, dir); len(left) != 0 {
				t.Errorf("got %d puts that wait, want none", len(left))
			}
			for version, want := range map[int64]string{1: "secret", d.Version: next.secret} {
				handle := "a"
				if version == d.Version {
					handle = next.handle
				}
				if _, got, err := c.Get(context.Background(), handle, version); err != nil || string(got) != want {
					t.Errorf("%s version %d: got %q, %v, want %q", handle, version, got, err, want)
				}
			}
		})
	}
}

// TestPutToDeadServer: what waits is sent as it is, byte for byte, oldest first.
func TestPutToDeadServer(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, dir := s.Client(t, "q")
	s.Stop(t)
	_, err := c.Put(context.Background(), "a", []byte("secret"), nil)
	if !errors.Is(err, client.ErrUnavailable) || errors.Is(err, client.ErrOutcomeUnknown) {
		t.Errorf("a put to a dead server: got %v, want ErrUnavailable alone", err)
	}
	kept := waiting(t, dir)
	if len(kept) != 1 || kept[0].Handle != "a" || bytes.Contains(kept[0].Contents, []byte("secret")) {
		t.Fatalf("got %d puts that wait, want 1, encrypted", len(kept))
	}
	info, err := os.Stat(filepath.Join(dir, "pending", kept[0].UUID))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the put: mode %v, %v, want 0600", info.Mode().Perm(), err)
	}

	// Another one does not overtake it, and says so.
	_, err = c.Put(context.Background(), "b", []byte("other"), nil)
	if !errors.Is(err, client.ErrUnavailable) || !strings.Contains(fmt.Sprint(err), `an earlier put of "a" still waits`) {
		t.Errorf("a second put: got %v, want that the first one waits", err)
	}
	if kept := waiting(t, dir); len(kept) != 1 {
		t.Errorf("got %d puts that wait, want 1", len(kept))
	}

	s = ktest.Start(t, s.Dir)
	if d, err := c.Put(context.Background(), "b", []byte("other"), nil); err != nil || d.Version != 1 {
		t.Errorf("the second put again: got %+v, %v, want version 1", d, err)
	}
	have := depositsOf(t, s, dir)
	if len(have) != 2 || have[0].UUID != kept[0].UUID || !have[0].Created.Before(have[1].Created) {
		t.Errorf("the server has %+v, want a and then b", have)
	}
	if status, raw := fetch(t, s, dir, "/v1/deposits?handle=a"); status != http.StatusOK || !bytes.Equal(raw, kept[0].Contents) {
		t.Errorf("the server has other bytes of a than waited (status %d)", status)
	}
	if left := waiting(t, dir); len(left) != 0 {
		t.Errorf("got %d puts that wait, want none", len(left))
	}
}

// TestRefusedWaitsNoLonger: a put that the server refuses for good does not stand
// in the way of others.
func TestRefusedWaitsNoLonger(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, dir := s.Client(t, "q")
	s.Stop(t)
	soon := &client.PutOptions{NotAfter: time.Now().Add(500 * time.Millisecond)}
	if _, err := c.Put(context.Background(), "a", []byte("secret"), soon); !errors.Is(err, client.ErrUnavailable) {
		t.Fatalf("got %v, want ErrUnavailable", err)
	}
	time.Sleep(time.Until(soon.NotAfter))
	s = ktest.Start(t, s.Dir)
	if d, err := c.Put(context.Background(), "b", []byte("other"), nil); err != nil || d.Version != 1 {
		t.Errorf("got %+v, %v, want version 1", d, err)
	}
	if have := depositsOf(t, s, dir); len(have) != 1 || have[0].Handle != "b" {
		t.Errorf("the server has %+v, want b alone", have)
	}
	if left := waiting(t, dir); len(left) != 0 {
		t.Errorf("got %d puts that wait, want none", len(left))
	}
}

// TestDisabledKeepsWaiting: what is refused for now is kept.
func TestDisabledKeepsWaiting(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	if _, err := s.Admin().DisableClient(context.Background(), c.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.Put(context.Background(), "a", []byte("secret"), nil); !errors.Is(err, client.ErrDisabled) {
			t.Errorf("got %v, want ErrDisabled", err)
		}
		if kept := waiting(t, dir); len(kept) != 1 {
			t.Errorf("got %d puts that wait, want 1", len(kept))
		}
	}
	if _, err := s.Admin().EnableClient(context.Background(), c.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	if d, err := c.Put(context.Background(), "a", []byte("secret"), nil); err != nil || d.Version != 1 {
		t.Errorf("got %+v, %v, want version 1", d, err)
	}
}

// TestDamagedWaiting: a file that is no put is named, and nothing is sent.
func TestDamagedWaiting(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	if err := client.KeepWaiting(dir, client.WaitingPut{UUID: "e5f7ae58-26a5-4fbb-9c0e-e10fd5ae1a42", Handle: "b", Contents: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pending", "damaged")
	if err := os.WriteFile(file, []byte("not JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := c.Put(context.Background(), "a", []byte("secret"), nil)
	if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "not JSON") {
		t.Errorf("got %v, want an error that names %s and shows nothing of it", err, file)
	}
	if have := depositsOf(t, s, dir); len(have) != 0 {
		t.Errorf("the server has %d deposits, want none", len(have))
	}
}

// TestConcurrentPuts: each of them is a deposit of its own, also with the same
// contents under the same handle.
func TestConcurrentPuts(t *testing.T) {
	t.Parallel()
	const puts = 24
	s := shared()
	c, dir := s.Client(t, "q")
	var group sync.WaitGroup
	versions := make([]int64, puts)
	for i := range puts {
		group.Go(func() {
			d, err := c.Put(context.Background(), "same", []byte("secret"), nil)
			if err != nil {
				t.Errorf("put: %v", err)
			}
			versions[i] = d.Version
			if _, got, err := c.Get(context.Background(), "same", d.Version); err != nil || string(got) != "secret" {
				t.Errorf("get: %q, %v", got, err)
			}
		})
	}
	group.Wait()
	seen := map[int64]bool{}
	for _, v := range versions {
		seen[v] = true
	}
	if have := depositsOf(t, s, dir); len(seen) != puts || len(have) != puts {
		t.Errorf("%d puts are %d versions for their callers and %d on the server", puts, len(seen), len(have))
	}
	if left := waiting(t, dir); len(left) != 0 {
		t.Errorf("got %d puts that wait, want none", len(left))
	}
}
