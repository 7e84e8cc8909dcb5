package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestRotateKilled kills rotate-certificate after more and more time, until one is
// not: whenever it is, get works at once, and the next run ends with one certificate.
func TestRotateKilled(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "q")
	_, dir := s.Client(t, "q")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("the secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	ktest.Must(t, "keytrustee", "--confdir", dir, "put", "a", secret)
	works := func() {
		t.Helper()
		if got := ktest.Must(t, "keytrustee", "--confdir", dir, "get", "a"); got != "the secret" {
			t.Fatalf("get: got %q, want the secret", got)
		}
	}
	killed := 0
	for after := time.Millisecond; ; after += after/8 + time.Millisecond {
		cmd := ktest.Command(t, "keytrustee", "--confdir", dir, "rotate-certificate")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		works()
		if err == nil {
			break
		}
		killed++
	}
	if killed == 0 {
		t.Error("it was never killed")
	}
	ktest.Must(t, "keytrustee", "--confdir", dir, "rotate-certificate")
	works()
	var certs []client.Certificate
	out := ktest.Must(t, "keytrustee", "--confdir", dir, "certificates", "--json")
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&certs); err != nil {
		t.Fatal(err)
	}
	inForce := 0
	for _, k := range certs {
		if k.Retired == nil {
			inForce++
		}
	}
	if inForce != 1 {
		t.Errorf("after %d kills: got %d certificates in force, want 1\n%s", killed, inForce, out)
	}
}
