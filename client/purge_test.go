package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestPurge: what was deleted long enough ago is gone for good, the rest is not.
func TestPurge(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "sqlite3")
	ctx := context.Background()
	s := start(t)
	c, dir := s.Client(t, "q")
	put(t, c, "a", "one")
	put(t, c, "a", "two")
	put(t, c, "b", "other")

	_, err := c.Purge(ctx, "a", 1)
	is(t, "purge of what is not deleted", err, "ErrConflict")
	first, err := c.DeleteVersion(ctx, "a", 1)
	if err != nil || first.Version != 1 {
		t.Fatalf("DeleteVersion 1: got %+v, %v", first, err)
	}
	wantGet(t, c, "a", 0, "two")
	_, err = c.Purge(ctx, "a", 1)
	is(t, "purge too early", err, "ErrConflict")
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || !strings.Contains(f.Message, "can be purged from 20") || f.Retry <= 0 {
		t.Errorf("purge too early: got %v, want from when on", err)
	}
	for _, version := range []int64{3, 1 << 40} {
		_, err = c.Purge(ctx, "a", version)
		is(t, "purge of a version that is absent", err, "ErrNotFound")
		_, err = c.DeleteVersion(ctx, "a", version)
		is(t, "delete of a version that is absent", err, "ErrNotFound")
		_, err = c.UndeleteVersion(ctx, "a", version)
		is(t, "undelete of a version that is absent", err, "ErrNotFound")
	}
	_, err = c.PurgeUUID(ctx, "00000000-0000-4000-8000-000000000000")
	is(t, "purge of a UUID that is absent", err, "ErrNotFound")
	_, err = c.PurgeUUID(ctx, "../../x")
	is(t, "purge of what is no UUID", err, "")
	if back, err := c.UndeleteVersion(ctx, "a", 1); err != nil || back.Version != 1 {
		t.Fatalf("UndeleteVersion 1: got %+v, %v", back, err)
	}
	wantGet(t, c, "a", 1, "one")

	if _, err := c.DeleteVersion(ctx, "a", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Delete(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	eightDays := "UPDATE deposits SET deleted = deleted - 8 * 86400000000 WHERE deleted IS NOT NULL"
	if out, err := exec.Command("sqlite3", confdir.Dir(s.Dir).Database(), eightDays).CombinedOutput(); err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	ktest.Start(t, s.Dir)
	for range 2 { // again it stays as it is
		done, err := c.Purge(ctx, "a", 1)
		if err != nil || done.UUID != first.UUID || done.Purged == nil {
			t.Fatalf("Purge: got %+v, %v", done, err)
		}
	}
	if _, err := c.Purge(ctx, "b", 0); err != nil {
		t.Fatalf("Purge of the latest: %v", err)
	}
	wantGet(t, c, "a", 0, "two")
	_, _, err = c.Get(ctx, "a", 1)
	is(t, "get of what was purged", err, "ErrGone")
	_, err = c.UndeleteVersion(ctx, "a", 1)
	is(t, "undelete of what was purged", err, "ErrGone")
	_, err = c.DeleteVersion(ctx, "a", 1)
	is(t, "delete of what was purged", err, "ErrGone")
	all, err := c.List(ctx, "a", true)
	if err != nil || len(all) != 2 || all[0].Purged == nil || all[1].Purged != nil {
		t.Errorf("List of all: got %+v, %v, want the first one purged", all, err)
	}
	put(t, reopen(t, dir), "b", "new")
	if d, err := c.Purge(ctx, "b", 1); err != nil || d.Purged == nil {
		t.Errorf("Purge of the first version: got %+v, %v", d, err)
	}
	_, err = c.Purge(ctx, "b", 0)
	is(t, "purge of the latest, which is not deleted", err, "ErrConflict")
}

func wantGet(t *testing.T, c *client.Client, handle string, version int64, want string) {
	t.Helper()
	if _, got, err := c.Get(context.Background(), handle, version); err != nil || string(got) != want {
		t.Errorf("Get %s version %d: got %q, %v, want %q", handle, version, got, err, want)
	}
}

// TestPutOverQuota: the server refuses it for good, and it does not stand in the way
// of others.
func TestPutOverQuota(t *testing.T) {
	t.Parallel()
	s := shared()
	c, dir := s.Client(t, "q")
	put(t, c, "a", "one")
	full := useServers(t, dir, impostor(t, s, refuse(403, "quota")))
	_, err := full.Put(context.Background(), "b", []byte("two"), nil)
	is(t, "put over a quota", err, "ErrQuota")
	if kept := waiting(t, dir); len(kept) != 0 {
		t.Errorf("%d puts wait, want none", len(kept))
	}
	busy := useServers(t, dir, impostor(t, s, refuse(429, "limited")))
	_, err = busy.Put(context.Background(), "b", []byte("two"), nil)
	is(t, "put over a rate", err, "ErrLimited")
	if kept := waiting(t, dir); len(kept) != 1 {
		t.Errorf("%d puts wait, want the one", len(kept))
	}
	c = useServers(t, dir, s.URL)
	put(t, c, "b", "two")
	wantGet(t, c, "b", 0, "two")
	if d, err := c.List(context.Background(), "b", true); err != nil || len(d) != 1 {
		t.Errorf("got %+v, %v, want one version of b", d, err)
	}
}

// refuse answers everything with an error of a kind.
func refuse(status int, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error": {"kind": %q, "message": "no", "hint": "make room"}}`, kind)
	}
}
