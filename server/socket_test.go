package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestSocketMode: the kernel keeps others out.
func TestSocketMode(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	info, err := os.Stat(confdir.Dir(s.Dir).Socket())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode(), os.ModeSocket|0o600; got != want {
		t.Errorf("mode of the admin socket: got %v, want %v", got, want)
	}
	info, err = os.Stat(filepath.Dir(confdir.Dir(s.Dir).Socket()))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("mode of its directory: got %v, want 0700", got)
	}
}

// TestSocketPeer: even with the modes wide open, ktsd serves nobody but root and
// its own account, and an operator's route looks absent to others.
func TestSocketPeer(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "curl")
	if os.Geteuid() != 0 {
		ktest.Missing(t, "root, to become another user")
	}
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	_, id := newBox(t, s, "acme")
	dir := confdir.Dir(s.Dir)
	as := func(uid uint32, method, path string) (string, error) {
		cmd := exec.Command("curl", "-sS", "--unix-socket", dir.Socket(), "-X", method, "-w", " %{http_code}", "-d", "{}", "http://ktsd"+path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := cmd.Output()
		return string(out), err
	}
	if out, err := as(65534, "GET", "/v1/server"); err == nil {
		t.Errorf("another user: got %q, want the kernel to refuse it", out)
	}
	for _, path := range []string{filepath.Dir(filepath.Dir(s.Dir)), filepath.Dir(s.Dir), s.Dir, dir.State(), dir.State("run")} {
		chmod(t, path, 0o755)
	}
	chmod(t, dir.Socket(), 0o666)
	for _, route := range []string{
		"GET /v1/server", "POST /v1/reload", "POST /v1/check", "GET /v1/organizations", "POST /v1/organizations", "POST /v1/organizations/acme/contacts",
		"DELETE /v1/organizations/acme/contacts/a@example.com", "PUT /v1/organizations/acme/admission", "GET /v1/clients",
		"POST /v1/clients/" + id.key.Fingerprint() + "/enable", "POST /v1/clients/" + id.key.Fingerprint() + "/disable",
	} {
		method, path, _ := strings.Cut(route, " ")
		out, err := as(65534, method, path)
		if err != nil || !strings.HasSuffix(out, " 404") || !strings.Contains(out, `"no such resource"`) {
			t.Errorf("%s as another user: got %q (%v), want 404, no such resource", route, out, err)
		}
	}
	if out, err := as(0, "GET", "/v1/server"); err != nil || !strings.HasSuffix(out, " 200") {
		t.Errorf("as root: got %q (%v), want 200", out, err)
	}
	clients, err := s.Admin().Clients(t.Context(), "")
	if err != nil || len(clients) != 1 || clients[0].State != "active" {
		t.Errorf("clients after it: got %+v (%v), want the one, active", clients, err)
	}
}

// TestSocketServesNoClients: what is for clients is not on the socket, so nothing
// there can read a deposit.
func TestSocketServesNoClients(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "curl")
	s := ktest.Start(t, ktest.Dir(t))
	for _, path := range []string{"/v1/deposits?handle=x", "/v1/self", "/v1/deposits/6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1", "/healthz"} {
		out := command(t, "", "curl", "-sS", "--unix-socket", confdir.Dir(s.Dir).Socket(), "-w", " %{http_code}", "http://ktsd"+path)
		if !strings.HasSuffix(out, " 404") {
			t.Errorf("%s: got %q, want 404", path, out)
		}
	}
}

// TestLongPath: a path that no socket could have (unix(7): 107 bytes) works.
func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	long := filepath.Join(t.TempDir(), strings.Repeat("long-", 30), strings.Repeat("path-", 30), "confdir")
	if err := os.MkdirAll(filepath.Dir(long), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, long); err != nil {
		t.Fatal(err)
	}
	s := ktest.Start(t, long)
	s.Organization(t, "acme")
	contains(t, "orgtool list", ktest.Must(t, "orgtool", "list", "--confdir", long), `"acme"`)
	info, err := os.Stat(confdir.Dir(long).Socket())
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket: got %v (%v), want mode 0600 at its place", info, err)
	}
	s.Stop(t)
	if err := ktest.Start(t, long).Admin().Reload(t.Context()); err != nil {
		t.Errorf("the second start: %v", err)
	}
}

// TestNotRunning: after a stop the socket answers nobody, and its client says so.
func TestNotRunning(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Stop(t)
	if err := s.Admin().Reload(t.Context()); !errors.Is(err, client.ErrNotRunning) {
		t.Errorf("reload of a stopped server: got %v, want client.ErrNotRunning", err)
	}
}
