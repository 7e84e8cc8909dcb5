package tlsconf_test

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// TestWarnings: each warning at its time, the worst first.
func TestWarnings(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	certPEM, keyPEM, err := tlsconf.SelfSigned("kts01.example.com", made) // until 2029-02-26, 12:00
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	end := pair.Leaf.NotAfter
	selfSigned := tlsconf.Warning{Kind: tlsconf.WarnSelfSigned, Text: "the certificate is self-signed: every client has to be given it, and its successor"}
	for name, test := range map[string]struct {
		hostname string
		now      time.Time
		want     []tlsconf.Warning
	}{
		"new":          {"kts01.example.com", made, []tlsconf.Warning{selfSigned}},
		"just so long": {"KTS01.example.com", end.Add(-tlsconf.ExpiryWarning), []tlsconf.Warning{selfSigned}},
		"soon": {"kts01.example.com", end.Add(-tlsconf.ExpiryWarning + time.Second),
			[]tlsconf.Warning{{Kind: tlsconf.WarnExpiresSoon, Text: "the certificate expires in 29 days, on 2029-02-26"}, selfSigned}},
		"today": {"kts01.example.com", end.Add(-time.Second),
			[]tlsconf.Warning{{Kind: tlsconf.WarnExpiresSoon, Text: "the certificate expires in 0 days, on 2029-02-26"}, selfSigned}},
		"over, of another name": {"kts02.example.com", end.Add(time.Second), []tlsconf.Warning{
			{Kind: tlsconf.WarnExpired, Text: "the certificate has expired, on 2029-02-26: clients refuse the server"},
			{Kind: tlsconf.WarnNameMismatch, Text: "the certificate is not for kts02.example.com, the name by which clients reach this server"}, selfSigned}},
		"too early": {"kts01.example.com", made.AddDate(0, 0, -2), []tlsconf.Warning{
			{Kind: tlsconf.WarnNotYetValid, Text: "the certificate is not valid before 2026-11-24T12:00:00Z: clients refuse the server"}, selfSigned}},
	} {
		if diff := cmp.Diff(test.want, tlsconf.Warnings(&pair, test.hostname, test.now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for days, now := range map[int]time.Time{1: end.Add(-25 * time.Hour), 0: end.Add(-time.Hour), -1: end.Add(time.Hour)} {
		if got := tlsconf.DaysLeft(pair.Leaf, now); got != days {
			t.Errorf("%s before the end: got %d days left, want %d", end.Sub(now), got, days)
		}
	}
}

// TestWarningsOfCA: one of a CA earns no warning.
func TestWarningsOfCA(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "openssl")
	path := files(t, map[string][]byte{"ext": []byte("subjectAltName=DNS:localhost\n")})
	openssl(t, "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-keyout", path("ca.key"), "-out", path("ca.pem"))
	openssl(t, "req", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-keyout", path("key"), "-out", path("csr")) // of the same name
	openssl(t, "x509", "-req", "-in", path("csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-days", "90", "-extfile", path("ext"), "-out", path("cert"))
	pair, err := tlsconf.LoadPair(path("cert"), path("key"))
	if err != nil {
		t.Fatal(err)
	}
	if got := tlsconf.Warnings(pair, "localhost", time.Now()); len(got) != 0 {
		t.Errorf("got %v, want none", got)
	}
}
