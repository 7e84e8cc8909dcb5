package main_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// replaceCertificate writes a new TLS pair into the directory.
func replaceCertificate(t *testing.T, dir string) {
	t.Helper()
	cert, key, err := tlsconf.SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, confdir.Dir(dir).PrivateKey(), key)
	rewrite(t, confdir.Dir(dir).Certificate(), cert)
}

// shown is the certificate that a new connection gets to see, as openssl prints
// its fingerprint. Whether it is trusted is not looked at: that is the file's.
func shown(t *testing.T, s *ktest.Server) string {
	t.Helper()
	conn := dial(t, s) // verified by the certificate that is in the directory now
	return tlsconf.CertificateFingerprint(conn.ConnectionState().PeerCertificates[0])
}

// getOver asks over a connection that is kept open.
func getOver(t *testing.T, conn net.Conn, path string) reply {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path); err != nil {
		t.Fatalf("the connection is closed: %v", err)
	}
	return readFrom(t, conn)
}

// TestReloadCertificate: new connections see the new certificate, an open one
// goes on; by the socket and by SIGHUP.
func TestReloadCertificate(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	first := shown(t, s)
	open := dial(t, s)
	wantOK(t, "before", getOver(t, open, "/healthz"), nil)

	replaceCertificate(t, s.Dir)
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatalf("reload: %v", err)
	}
	second := shown(t, s)
	if second == first {
		t.Errorf("certificate after a reload: got the old one, want the new one")
	}
	running, err := s.Admin().Server(t.Context())
	if err != nil || running.Loaded != second {
		t.Errorf("what the server says it has loaded: got %s (%v), want %s", running.Loaded, err, second)
	}
	wantOK(t, "the open connection after a reload", getOver(t, open, "/healthz"), nil)

	replaceCertificate(t, s.Dir)
	s.Signal(t, syscall.SIGHUP)
	deadline := time.Now().Add(5 * time.Second)
	for strings.Count(s.Log(), "msg=reloaded") < 2 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if third := shown(t, s); third == second {
		t.Errorf("certificate after SIGHUP: got the old one, want the new one")
	}
	wantOK(t, "the open connection after SIGHUP", getOver(t, open, "/healthz"), nil)
}

// TestReloadRefused: whatever is wrong, ktsd says so and goes on as before.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	before, err := s.Admin().Server(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range badSettings(t, s.Dir, taken.Addr().String()) {
		good, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		c.spoil(c.file)
		err = s.Admin().Reload(t.Context())
		if !errors.Is(err, client.ErrConflict) {
			t.Errorf("%s: got %v, want the verdict, of kind conflict", name, err)
		} else {
			contains(t, name, err.Error(), append(c.wants, "goes on as before")...)
		}
		if err != nil && strings.Contains(err.Error(), "OpenSesame") {
			t.Errorf("%s: got %v, want no value in it", name, err)
		}
		refusals := strings.Count(s.Log(), "reload refused")
		s.Signal(t, syscall.SIGHUP)
		for deadline := time.Now().Add(5 * time.Second); strings.Count(s.Log(), "reload refused") == refusals; {
			if time.Now().After(deadline) {
				t.Fatalf("%s: SIGHUP: got no verdict in the log", name)
			}
			time.Sleep(2 * time.Millisecond)
		}
		rewrite(t, c.file, good)
		chmod(t, c.file, 0o600)
		after, err := s.Admin().Server(t.Context())
		if err != nil || after != before {
			t.Errorf("%s: the server after it: got %+v (%v), want %+v", name, after, err, before)
		}
		wantOK(t, name+": a new connection", getOver(t, dial(t, s), "/healthz"), nil)
	}
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Errorf("a reload with everything put back: %v", err)
	}
}

// badSetting is one file spoilt, and what the verdict says of it.
type badSetting struct {
	file  string
	spoil func(string)
	wants []string
}

func badSettings(t *testing.T, confdirectory, taken string) map[string]badSetting {
	dir := confdir.Dir(confdirectory)
	return map[string]badSetting{
		"another key": {dir.PrivateKey(), func(file string) {
			_, key, err := tlsconf.SelfSigned("localhost", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			rewrite(t, file, key)
		}, []string{"do not belong together"}},
		"a readable key": {dir.PrivateKey(), func(file string) { chmod(t, file, 0o644) }, []string{"chmod 600"}},
		"a damaged certificate": {dir.Certificate(), func(file string) {
			rewrite(t, file, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
		}, []string{dir.Certificate(), "damaged"}},
		"no certificate":        {dir.Certificate(), func(file string) { remove(t, file) }, []string{dir.Certificate()}},
		"a damaged conf":        {dir.Conf(), func(file string) { rewrite(t, file, []byte(`{"DB_PASSWORD": "OpenSesame4711`)) }, []string{dir.Conf(), "line 1 is not JSON"}},
		"no conf":               {dir.Conf(), func(file string) { remove(t, file) }, []string{dir.Conf()}},
		"a TLS version unknown": {dir.Conf(), func(string) { ktest.SetConf(t, string(dir), func(c *confdir.Conf) { c.TLSMinVersion = "9" }) }, []string{"TLS_MIN_VERSION"}},
		"an address in use": {dir.Conf(), func(string) {
			ktest.SetConf(t, string(dir), func(c *confdir.Conf) { c.Listen = taken })
		}, []string{taken, "in use"}},
		"no address": {dir.Conf(), func(string) { ktest.SetConf(t, string(dir), func(c *confdir.Conf) { c.Listen = "here" }) }, []string{"here"}},
	}
}

// TestReloadListen: the new address is open when the reload answers, the old one
// closed, and what was under way there comes to its end.
func TestReloadListen(t *testing.T) {
	t.Parallel()
	s, b, id := service(t)
	b.keep(t, "before", []byte("x")) // opens a connection to the old address
	deposit, contents := uuid.NewString(), randomBytes(1000)
	slow := dial(t, s, id.pair)
	if _, err := fmt.Fprintf(slow, "PUT /v1/deposits/%s?handle=h HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n%s", deposit, contents[:500]); err != nil {
		t.Fatal(err)
	}
	old := s.Addr
	s.Addr = ktest.FreeAddress(t)
	ktest.SetConf(t, s.Dir, func(c *confdir.Conf) { c.Listen = s.Addr })
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatalf("reload: %v", err)
	}
	wantOK(t, "the new address", getOver(t, dial(t, s), "/healthz"), nil)
	if conn, err := net.Dial("tcp", old); err == nil {
		conn.Close()
		t.Errorf("the old address: got a connection, want it closed")
	}
	if _, err := slow.Write(contents[500:]); err != nil {
		t.Fatalf("the request under way: %v", err)
	}
	wantOK(t, "the request under way", readFrom(t, slow), nil)
	wantContents(t, "what it put", b.get(t, deposit), contents) // over the connection to the old address
	running, err := s.Admin().Server(t.Context())
	if err != nil || running.Listen != s.Addr {
		t.Errorf("listen: got %s (%v), want %s", running.Listen, err, s.Addr)
	}
}

// TestReloadUnderLoad: 20 reloads, each with a new certificate and another
// address, disturb no request and no connection.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	s, _, id := service(t)
	addresses := []string{s.Addr, ktest.FreeAddress(t)}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group, connected sync.WaitGroup
	var requests atomic.Int64
	const workers = 6
	connected.Add(workers)
	for i := range workers {
		c := s.HTTP(t, id.pair)
		transport := c.Transport.(*http.Transport)
		if i%2 == 0 {
			transport.ForceAttemptHTTP2, transport.TLSNextProto = false, map[string]func(string, *tls.Conn) http.RoundTripper{}
			transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
		}
		var dials int
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			dials++
			return (&net.Dialer{}).DialContext(ctx, network, addresses[0])
		}
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				handle := fmt.Sprintf("h%d-%d", i, n%10)
				put, err := tryRequest(c, http.MethodPut, s.URL+"/v1/deposits/"+uuid.NewString()+"?handle="+handle, []byte(handle))
				if err != nil || put.status != http.StatusOK {
					t.Errorf("put under reloads: got %v (%v), want 200", put, err)
				}
				get, err := tryRequest(c, http.MethodGet, s.URL+"/v1/deposits?handle="+handle, nil)
				if err != nil || string(get.body) != handle {
					t.Errorf("get under reloads: got %v (%v), want %s", get, err, handle)
				}
				requests.Add(2)
				if n == 0 {
					connected.Done()
				}
			}
			if dials != 1 {
				t.Errorf("connections of worker %d: got %d, want 1", i, dials)
			}
		})
	}
	connected.Wait()
	before := requests.Load()
	for i := range 20 {
		replaceCertificate(t, s.Dir)
		ktest.SetConf(t, s.Dir, func(c *confdir.Conf) { c.Listen = addresses[(i+1)%2] })
		if err := s.Admin().Reload(t.Context()); err != nil {
			t.Errorf("reload %d: %v", i, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	group.Wait()
	if n := requests.Load() - before; n < 40 {
		t.Errorf("requests during the reloads: got %d, want a load", n)
	}
}

// TestReloadsAtOnce: several at once, and SIGHUP between them, all succeed.
func TestReloadsAtOnce(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if err := s.Admin().Reload(t.Context()); err != nil {
				t.Errorf("reload %d: %v", i, err)
			}
		})
		s.Signal(t, syscall.SIGHUP)
	}
	group.Wait()
	wantOK(t, "after it", getOver(t, dial(t, s), "/readyz"), nil)
}

// TestStopFinishesRequests: a request under way when SIGTERM comes is answered,
// and what it put is there at the next start.
func TestStopFinishesRequests(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		s, _, id := service(t)
		deposit, contents := uuid.NewString(), randomBytes(1000)
		slow := dial(t, s, id.pair)
		if _, err := fmt.Fprintf(slow, "PUT /v1/deposits/%s?handle=h HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n%s", deposit, contents[:500]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // so that it is under way
		s.Signal(t, signal)
		logged(t, s, "stopping", "msg=stopping")
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			conn, err := net.Dial("tcp", s.Addr)
			if err != nil {
				break
			}
			conn.Close()
			if time.Now().After(deadline) {
				t.Fatalf("new connections are still taken 5 s after %v", signal)
			}
		}
		if _, err := slow.Write(contents[500:]); err != nil {
			t.Fatalf("the request under way: %v", err)
		}
		wantOK(t, "the request under way", readFrom(t, slow), nil)
		if _, err := io.ReadAll(slow); err != nil {
			t.Logf("the connection ended with %v", err)
		}
		if code := s.Wait(t); code != 0 {
			t.Errorf("exit code after %v: got %d, want 0", signal, code)
		}
		s = ktest.Start(t, s.Dir)
		wantContents(t, "what it put", box{s.HTTP(t, id.pair), s.URL}.get(t, deposit), contents)
	}
}
