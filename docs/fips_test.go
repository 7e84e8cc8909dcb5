package docs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestFIPSMode runs ktsd and the client's command in Go's mode for FIPS 140-3, of which
// requirements.md tells: all works, and a key exchange that is not approved is refused.
func TestFIPSMode(t *testing.T) {
	t.Setenv("GODEBUG", "fips140=on") // of the programs; this process has begun without
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	dir := t.TempDir() + "/client"
	file := t.TempDir() + "/key"
	if err := os.WriteFile(file, []byte("a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	ktest.Must(t, "keytrustee", "register", "--confdir", dir, "--server", s.URL, "--org", "acme", "--ca", s.CA())
	ktest.Must(t, "keytrustee", "put", "--confdir", dir, "luks", file)
	if got := ktest.Must(t, "keytrustee", "get", "--confdir", dir, "luks"); got != "a key" {
		t.Errorf("get: got %q", got)
	}

	pem, err := os.ReadFile(s.CA())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for curve, served := range map[tls.CurveID]bool{tls.X25519: false, tls.CurveP256: true, tls.X25519MLKEM768: true} {
		d := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{curve}}}
		conn, err := d.DialContext(context.Background(), "tcp", s.Addr)
		if err == nil {
			conn.Close()
		}
		if (err == nil) != served {
			t.Errorf("with nothing but %s: got %v, want it served: %v", curve, err, served)
		}
	}
	if bytes.Contains([]byte(s.Log()), []byte("panic")) {
		t.Errorf("ktsd panicked:\n%s", s.Log())
	}
}
