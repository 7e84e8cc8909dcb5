package main_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// writeNext makes keytrustee.conf.next out of keytrustee.conf.
func writeNext(t *testing.T, dir confdir.Dir, change func(*confdir.Conf)) {
	t.Helper()
	conf, err := dir.ReadConf()
	if err != nil {
		t.Fatal(err)
	}
	change(&conf)
	data, err := conf.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, dir.NextConf(), data)
	chmod(t, dir.NextConf(), 0o600)
}

// nextConf is a next configuration that ktsd refuses, and what it says of it.
type nextConf struct {
	change func(*confdir.Conf)
	raw    string // in the place of change
	wants  []string
}

// badNext returns 20 of them. The files that they name are below folder.
func badNext(t *testing.T, folder, taken string) map[string]nextConf {
	t.Helper()
	cert, key, err := tlsconf.SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := tlsconf.SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, data []byte, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certFile, keyFile := file("cert.pem", cert, 0o644), file("key.pem", key, 0o600)
	pair := func(certFile, keyFile string) func(*confdir.Conf) {
		return func(c *confdir.Conf) { c.Certificate, c.PrivateKey = certFile, keyFile }
	}
	listen := func(addresses string) func(*confdir.Conf) {
		return func(c *confdir.Conf) { c.Listen += addresses }
	}
	many := strings.Repeat(", 127.0.0.1:1", 16)
	return map[string]nextConf{
		"no JSON":               {raw: `{"DB_PASSWORD": "OpenSesame4711`, wants: []string{"line 1 is not JSON"}},
		"a limit of no size":    {raw: `{"LIMITS": {"client_rate": -1}}`, wants: []string{"LIMITS", "client_rate"}},
		"a TLS version unknown": {change: func(c *confdir.Conf) { c.TLSMinVersion = "tlsv9" }, wants: []string{"TLS_MIN_VERSION", "tlsv9"}},
		"a damaged cipher list": {change: func(c *confdir.Conf) { c.Ciphers = "AES256++" }, wants: []string{"SSL_CIPHERS", "no cipher suite or keyword at"}},
		"no cipher left":        {change: func(c *confdir.Conf) { c.Ciphers = "CAMELLIA256-SHA" }, wants: []string{"SSL_CIPHERS", "not available in this build"}},
		"another key":           {change: pair(certFile, file("other.pem", other, 0o600)), wants: []string{"do not belong together"}},
		"a readable key":        {change: pair(certFile, file("readable.pem", key, 0o644)), wants: []string{"chmod 0600"}},
		"no certificate there":  {change: pair(certFile+".none", keyFile), wants: []string{certFile + ".none", "no such file"}},
		"a damaged certificate": {change: pair(file("damaged.pem", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 0o644), keyFile), wants: []string{"damaged"}},
		"no chain there":        {change: func(c *confdir.Conf) { c.CAChain = certFile + ".chain" }, wants: []string{"SSL_CA_CHAIN", certFile + ".chain", "no such file"}},
		"a damaged chain":       {change: func(c *confdir.Conf) { c.CAChain = keyFile }, wants: []string{keyFile, "no certificate"}},
		"no address":            {change: listen(", here"), wants: []string{"LISTEN", `"here"`}},
		"an address twice":      {change: listen(", 127.0.0.1:1 127.0.0.1:1"), wants: []string{"LISTEN", "127.0.0.1:1 is there twice"}},
		"too many addresses":    {change: listen(many), wants: []string{"LISTEN", "at most 16"}},
		"an address in use":     {change: listen(", " + taken), wants: []string{"listening", taken, "in use"}},
		"another node":          {change: func(c *confdir.Conf) { c.Hostname = "kts02.example.com" }, wants: []string{"HOSTNAME", "belongs to node localhost", "kts02.example.com"}},
		"another OpenPGP key":   {change: func(c *confdir.Conf) { c.LocalFingerprint = strings.Repeat("A", 40) }, wants: []string{"pubring.gpg does not hold", strings.Repeat("A", 40)}},
		"two databases":         {change: func(c *confdir.Conf) { c.DatabaseURL, c.DatabaseURLFile = "postgres://ktsd@localhost/k", "/u" }, wants: []string{"DATABASE_URL and DATABASE_URL_FILE are both set"}},
		"a database unknown":    {change: func(c *confdir.Conf) { c.DatabaseURL = "mysql://ktsd:OpenSesame4711@localhost/k" }, wants: []string{"postgres"}},
		"another host's":        {change: listen(", 192.0.2.1:11371"), wants: []string{"listening", "192.0.2.1:11371", "cannot assign"}},
	}
}

// TestCheck: whatever is wrong with the next configuration, a check says so in the
// words of the reload that would refuse it, and ktsd goes on unchanged.
func TestCheck(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	dir := confdir.Dir(s.Dir)
	before, err := s.Admin().Server(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	good, err := os.ReadFile(dir.Conf())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range badNext(t, t.TempDir(), taken.Addr().String()) {
		if c.change != nil {
			writeNext(t, dir, c.change)
		} else {
			rewrite(t, dir.NextConf(), []byte(c.raw))
		}
		checked := s.Admin().Check(t.Context())
		if !errors.Is(checked, client.ErrConflict) {
			t.Errorf("%s: got %v, want the verdict, of kind conflict", name, checked)
			continue
		}
		contains(t, name, checked.Error(), append(c.wants, "goes on as before")...)
		if strings.Contains(checked.Error(), "OpenSesame") {
			t.Errorf("%s: got %v, want no value in it", name, checked)
		}
		if now, err := os.ReadFile(dir.Conf()); err != nil || string(now) != string(good) {
			t.Fatalf("%s: keytrustee.conf was changed (%v)", name, err)
		}
		next, err := os.ReadFile(dir.NextConf())
		if err != nil {
			t.Fatal(err)
		}
		rewrite(t, dir.Conf(), next)
		reloaded := s.Admin().Reload(t.Context())
		if got := strings.ReplaceAll(checked.Error(), dir.NextConf(), dir.Conf()); reloaded == nil || got != reloaded.Error() {
			t.Errorf("%s: got\n%s\nwant the words of the reload:\n%v", name, got, reloaded)
		}
		rewrite(t, dir.Conf(), good)
		after, err := s.Admin().Server(t.Context())
		if err != nil || after != before {
			t.Errorf("%s: the server after it: got %+v (%v), want %+v", name, after, err, before)
		}
		wantOK(t, name+": a new connection", getOver(t, dial(t, s), "/healthz"), nil)
	}
	remove(t, dir.NextConf())
	if err := s.Admin().Check(t.Context()); err == nil || !strings.Contains(err.Error(), dir.NextConf()) {
		t.Errorf("without a next configuration: got %v, want its name", err)
	}
}

// TestCheckChangesNothing: a next configuration that is in order is neither taken up
// nor listened for, and the check is audited.
func TestCheckChangesNothing(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	dir := confdir.Dir(s.Dir)
	before, err := s.Admin().Server(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	free := ktest.FreeAddress(t)
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, listen := range []string{s.Addr, s.Addr + ", " + free, ":" + port, free} {
		writeNext(t, dir, func(c *confdir.Conf) { c.Listen, c.TLSMinVersion = listen, "tlsv1.3" })
		if err := s.Admin().Check(t.Context()); err != nil {
			t.Errorf("listen = %s: got %v, want no error", listen, err)
		}
	}
	if conn, err := net.Dial("tcp", free); err == nil {
		conn.Close()
		t.Errorf("%s is listened on after the check", free)
	}
	after, err := s.Admin().Server(t.Context())
	if err != nil || after != before {
		t.Errorf("the server after it: got %+v (%v), want %+v", after, err, before)
	}
	wantOK(t, "a new connection", getOver(t, dial(t, s), "/healthz"), nil)
	found := ktest.Must(t, "ktadmin", "audit", "search", "--action", "server.check", "--confdir", s.Dir)
	if n := strings.Count(found, "server.check"); n != 4 {
		t.Errorf("audit records of the checks: got %d, want 4:\n%s", n, found)
	}
}

// TestServerTellsWhatItRunsWith: what keytrustee.conf says is what the operator is
// told, also what ktsd itself does nothing with.
func TestServerTellsWhatItRunsWith(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	dir := confdir.Dir(s.Dir)
	got, err := s.Admin().Server(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Hostname != got.Node || got.Ciphers != "" || got.CAChain != dir.CertificateChain() || got.PasswordScript != "" || !got.SelfSigned {
		t.Errorf("by default: got %+v", got)
	}
	if left := time.Until(got.Expires); left < 800*24*time.Hour || left > 826*24*time.Hour {
		t.Errorf("expires: got %s, want it in 825 days", got.Expires)
	}
	ktest.SetConf(t, s.Dir, func(c *confdir.Conf) {
		c.ServerHostname, c.CAChain = "kts.example.com", dir.Certificate()
	})
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err = s.Admin().Server(t.Context()); err != nil || got.Hostname != "kts.example.com" || got.CAChain != dir.Certificate() {
		t.Errorf("once it is set: got %+v (%v)", got, err)
	}
}
