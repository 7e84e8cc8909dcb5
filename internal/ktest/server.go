package ktest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/confdir"
)

// pristine is a directory that init made, once a test process: its RSA key takes
// seconds.
var pristine = sync.OnceValues(func() (string, error) {
	bin, err := built()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "ktsd-dir-")
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "confdir")
	init := exec.Command(filepath.Join(bin, "ktadmin"), "init", "--confdir", dir, "--hostname", "localhost")
	init.Stderr = os.Stderr
	return dir, init.Run()
})

// Dir returns a new configuration directory of host localhost that listens on a
// free port of 127.0.0.1.
func Dir(t testing.TB) string {
	t.Helper()
	source, err := pristine()
	if err != nil {
		t.Fatalf("ktadmin init: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "confdir")
	if out, err := exec.Command("cp", "-a", source, dir).CombinedOutput(); err != nil {
		t.Fatalf("copying a directory: %v\n%s", err, out)
	}
	SetConf(t, dir, func(c *confdir.Conf) {
		c.Listen = FreeAddress(t)
		limits := bounds.DefaultLimits()
		// Tests ask faster, and keep more, than any client should.
		limits.ClientRate, limits.OrganizationRate = 1e6, 1e6
		limits.ClientDeposits, limits.ClientBytes, limits.OrganizationDeposits, limits.OrganizationBytes = 1e9, 1<<40, 1e9, 1<<40
		c.Limits = &limits
	})
	return dir
}

// DirOn is Dir with the empty PostgreSQL database at url, in which it makes the
// tables.
func DirOn(t testing.TB, url string) string {
	t.Helper()
	dir := Dir(t)
	SetConf(t, dir, func(c *confdir.Conf) { c.DatabaseURL = url })
	Must(t, "ktadmin", "init", "--empty-database", "--confdir", dir)
	return dir
}

// SetConf edits a directory's keytrustee.conf.
func SetConf(t testing.TB, dir string, edit func(*confdir.Conf)) {
	t.Helper()
	conf, err := confdir.Dir(dir).ReadConf()
	if err == nil {
		edit(&conf)
		err = confdir.Dir(dir).WriteConf(conf)
	}
	if err != nil {
		t.Fatalf("editing keytrustee.conf: %v", err)
	}
}

// FreeAddress returns an address of 127.0.0.1 that nobody listens on.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Server is a running ktsd.
type Server struct {
	Dir  string
	URL  string // https://localhost:PORT
	Addr string // 127.0.0.1:PORT, the first where it listens on several

	cmd    *exec.Cmd
	log    *lockedBuffer
	exited chan struct{} // closed once the process has ended
}

// Start starts ktsd on dir and waits until it answers. It is stopped when the
// test ends.
func Start(t testing.TB, dir string, args ...string) *Server {
	t.Helper()
	return await(t, Launch(t, dir, args...))
}

// StartBehind is Start through another program, which is to run what follows its
// arguments in its own place.
func StartBehind(t testing.TB, dir string, program ...string) *Server {
	t.Helper()
	return await(t, launch(t, dir, program))
}

// await waits until ktsd answers.
func await(t testing.TB, s *Server) *Server {
	t.Helper()
	admin := s.Admin() // whatever host the certificate is for
	deadline := time.Now().Add(30 * time.Second)
	for {
		_, err := admin.Server(context.Background())
		if err == nil {
			return s
		}
		select {
		case <-s.exited:
			t.Fatalf("ktsd did not start:\n%s", s.Log())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("ktsd does not answer: %v\n%s", err, s.Log())
		}
	}
}

// Launch starts ktsd on dir and does not wait.
func Launch(t testing.TB, dir string, args ...string) *Server {
	t.Helper()
	return launch(t, dir, nil, args...)
}

func launch(t testing.TB, dir string, behind []string, args ...string) *Server {
	t.Helper()
	conf, err := confdir.Dir(dir).ReadConf()
	if err != nil {
		t.Fatalf("reading keytrustee.conf: %v", err)
	}
	first, _, _ := strings.Cut(conf.Listen, ",")
	_, port, _ := net.SplitHostPort(first)
	s := &Server{Dir: dir, Addr: first, URL: "https://localhost:" + port, log: &lockedBuffer{}, exited: make(chan struct{})}
	s.cmd = Command(t, "ktsd", append([]string{"--confdir", dir, "--log-level", "debug"}, args...)...)
	if len(behind) > 0 {
		command := exec.Command(behind[0], append(slices.Clone(behind[1:]), s.cmd.Args...)...)
		command.Env, s.cmd = s.cmd.Env, command
	}
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("starting ktsd: %v", err)
	}
	go func() {
		s.cmd.Wait()
		close(s.exited)
	}()
	t.Cleanup(func() { s.end(t) })
	return s
}

// end stops ktsd after a test, and shows its log if the test failed.
func (s *Server) end(t testing.TB) {
	s.Signal(t, syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(30 * time.Second):
		s.cmd.Process.Kill()
		t.Error("ktsd did not stop within 30 s of SIGTERM")
	}
	log := s.Log()
	if bytes.Contains([]byte(log), []byte("DATA RACE")) {
		t.Errorf("ktsd has a data race:\n%s", log)
	} else if t.Failed() {
		t.Logf("ktsd's log:\n%s", log)
	}
}

// Log returns what ktsd has logged.
func (s *Server) Log() string { return s.log.String() }

// Signal sends a signal; to a process that has ended, none.
func (s *Server) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	select {
	case <-s.exited:
	default:
		s.cmd.Process.Signal(sig)
	}
}

// Stop stops ktsd as systemd does, and returns its exit code.
func (s *Server) Stop(t testing.TB) int {
	t.Helper()
	s.Signal(t, syscall.SIGTERM)
	return s.Wait(t)
}

// Kill kills ktsd at once.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.Signal(t, syscall.SIGKILL)
	s.Wait(t)
}

// Wait waits until ktsd has ended, and returns its exit code (-1 after a signal).
func (s *Server) Wait(t testing.TB) int {
	t.Helper()
	select {
	case <-s.exited:
	case <-time.After(30 * time.Second):
		t.Fatalf("ktsd did not end:\n%s", s.Log())
	}
	return s.cmd.ProcessState.ExitCode()
}

// PID returns the process's number.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// CA returns the file of the certificate that vouches for the server.
func (s *Server) CA() string { return confdir.Dir(s.Dir).Certificate() }

// Admin returns the operator's client.
func (s *Server) Admin() *client.Admin { return client.NewAdmin(confdir.Dir(s.Dir).DialSocket) }

// HTTP returns an HTTP client that trusts the server and shows certificates, if
// any are given.
func (s *Server) HTTP(t testing.TB, certificates ...tls.Certificate) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(s.CA())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: certificates, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// lockedBuffer is a buffer that one process writes while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
