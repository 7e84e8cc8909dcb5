package main_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// handshake tries one version of TLS with openssl, which is made to speak even
// the old ones, and returns what it printed.
func handshake(t *testing.T, s *ktest.Server, version string) (ok bool, out string) {
	t.Helper()
	cmd := exec.Command("openssl", "s_client", "-connect", s.Addr, "-servername", "localhost", "-CAfile", s.CA(),
		"-verify_return_error", "-cipher", "DEFAULT@SECLEVEL=0", "-"+version)
	cmd.Stdin = strings.NewReader("")
	data, err := cmd.CombinedOutput()
	return err == nil, string(data)
}

// TestTLSFloor: versions under the floor are refused by the server, told by its
// alert; that openssl could speak them is shown with the floor lowered.
func TestTLSFloor(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl")
	for _, c := range []struct {
		floor     string
		yes, noes []string
	}{
		{"", []string{"tls1_2", "tls1_3"}, []string{"tls1", "tls1_1"}},
		{"tlsv1.3", []string{"tls1_3"}, []string{"tls1_1", "tls1_2"}},
		{"tlsv1.1", []string{"tls1_1", "tls1_2", "tls1_3"}, []string{"tls1"}},
		{"tlsv1", []string{"tls1", "tls1_1"}, nil},
	} {
		t.Run("floor "+c.floor, func(t *testing.T) {
			dir := ktest.Dir(t)
			if c.floor != "" {
				ktest.SetConf(t, dir, func(conf *confdir.Conf) { conf.TLSMinVersion = c.floor })
			}
			s := ktest.Start(t, dir)
			for _, version := range c.yes {
				if ok, out := handshake(t, s, version); !ok || !strings.Contains(out, "Verify return code: 0 (ok)") {
					t.Errorf("%s: got a refusal, want a connection\n%s", version, out)
				}
			}
			for _, version := range c.noes {
				if ok, out := handshake(t, s, version); ok || !strings.Contains(out, "alert protocol version") {
					t.Errorf("%s: got\n%s\nwant the server's alert \"protocol version\"", version, out)
				}
			}
		})
	}
}
