package client_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/ktest"
)

// kinds are all that a program tells apart.
var kinds = map[string]error{
	"ErrNotFound": client.ErrNotFound, "ErrGone": client.ErrGone, "ErrConflict": client.ErrConflict, "ErrDenied": client.ErrDenied,
	"ErrPending": client.ErrPending, "ErrDisabled": client.ErrDisabled, "ErrUnavailable": client.ErrUnavailable,
	"ErrOutcomeUnknown": client.ErrOutcomeUnknown, "ErrCorrupt": client.ErrCorrupt, "ErrTooLarge": client.ErrTooLarge,
	"ErrQuota": client.ErrQuota, "ErrLimited": client.ErrLimited, "ErrUntrusted": client.ErrUntrusted, "ErrNotRegistered": client.ErrNotRegistered,
}

// is makes sure that err is of the kind that is named, and of no other.
func is(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: got no error, want %s", what, want)
	}
	for name, kind := range kinds {
		if got := errors.Is(err, kind); got != (name == want) {
			t.Errorf("%s: got %v, errors.Is %s: %t, want %s", what, err, name, got, want)
		}
	}
}

func TestKindsOfError(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := start(t)
	if err := s.Admin().CreateOrganization(ctx, client.NewOrganization{Name: "coded", AuthCode: "hunter2"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Admin().CreateOrganization(ctx, client.NewOrganization{Name: "careful", Approval: "contacts"}); err != nil {
		t.Fatal(err)
	}
	c, dir := s.Client(t, "q")
	put(t, c, "a", "one")
	soon := &client.PutOptions{NotAfter: time.Now().Add(2 * time.Second)}
	if _, err := c.Put(ctx, "soon", []byte("x"), soon); err != nil {
		t.Fatal(err)
	}

	_, _, err := c.Get(ctx, "absent", 0)
	is(t, "get of what is absent", err, "ErrNotFound")
	_, _, err = c.Get(ctx, "a", 2)
	is(t, "get of a version that is absent", err, "ErrNotFound")
	_, err = c.Delete(ctx, "absent")
	is(t, "delete of what is absent", err, "ErrNotFound")
	_, err = c.Undelete(ctx, "absent")
	is(t, "undelete of what is absent", err, "ErrNotFound")
	_, _, err = c.Get(ctx, "a/../b", 0)
	is(t, "get of a bad handle", err, "")
	for _, size := range []int{1 << 20, 1<<20 + 1, 20 << 20} {
		_, err = c.Put(ctx, "large", bytes.Repeat([]byte("x"), size), nil)
		is(t, "put of what is too large", err, "ErrTooLarge")
	}
	if kept := waiting(t, dir); len(kept) != 0 {
		t.Errorf("%d puts that are too large wait, want none", len(kept))
	}

	register := func(dir, org, code, ca string) error {
		_, err := client.Register(ctx, dir, client.Registration{Servers: []string{s.URL}, Organization: org, AuthCode: code, CA: ca})
		if err != nil && code != "" && strings.Contains(err.Error(), code) {
			t.Errorf("the code is in the error: %v", err)
		}
		return err
	}
	fresh := filepath.Join(t.TempDir(), "client")
	is(t, "register without a CA", register(fresh, "coded", "hunter2", ""), "ErrUntrusted")
	is(t, "register with a wrong code", register(fresh, "coded", "hunter3", s.CA()), "ErrDenied")
	is(t, "register with an unknown organization", register(fresh, "unknown", "hunter2", s.CA()), "ErrDenied")
	is(t, "open of what is not registered", func() error { _, err := client.Open(fresh); return err }(), "ErrNotRegistered")
	is(t, "register with another organization", register(dir, "coded", "hunter2", s.CA()), "ErrConflict")

	waits, _ := s.Client(t, "careful")
	_, err = waits.List(ctx, "", false)
	is(t, "list while pending", err, "ErrPending")
	if _, err := s.Admin().DisableClient(ctx, waits.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	_, _, err = waits.Get(ctx, "a", 0)
	is(t, "get while disabled", err, "ErrDisabled")
	if status, err := waits.Status(ctx); err != nil || status.State != "disabled" {
		t.Errorf("status while disabled: got %+v, %v", status, err)
	}

	time.Sleep(time.Until(soon.NotAfter))
	_, _, err = c.Get(ctx, "soon", 0)
	is(t, "get after not_after", err, "ErrGone")

	empty := ktest.Start(t, ktest.Dir(t))
	_, err = useServers(t, dir, empty.URL).Status(ctx)
	is(t, "status where it is not known", err, "ErrNotRegistered")
	c = useServers(t, dir, s.URL)
	s.Stop(t)
	_, _, err = c.Get(ctx, "a", 0)
	is(t, "get from a dead server", err, "ErrUnavailable")
	_, err = s.Admin().Organizations(ctx)
	is(t, "list of organizations of a dead server", err, "ErrUnavailable")
	if !errors.Is(err, client.ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
}

// TestTooLarge: the largest plaintext that is taken comes back.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	s := shared()
	c, _ := s.Client(t, "q")
	whole := bytes.Repeat([]byte{0, 1, 2, 0xff}, (1<<20-1024)/4)
	put(t, c, "a", string(whole))
	if _, got, err := c.Get(context.Background(), "a", 0); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("got %d bytes, %v, want the %d that were put", len(got), err, len(whole))
	}
}
