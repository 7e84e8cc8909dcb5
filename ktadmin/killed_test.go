package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestApplyKilledAtEveryStep kills apply at each of its steps, one after another: when
// it brings a file to disk, renames or removes one, before each of its requests
// reaches ktsd, and after ktsd has done what was asked. Each time the next apply goes
// on from there. Two files take turns, so that there is always something of each kind
// to change.
func TestApplyKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "strace")
	s := ktest.Start(t, ktest.Dir(t))
	r := &killRig{T: t, dir: confdir.Dir(s.Dir)}
	for i := range r.files {
		r.files[i] = filepath.Join(t.TempDir(), "site.hcl")
		if err := os.WriteFile(r.files[i], []byte(turns(i, ktest.FreeAddress(t))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.between()
	ktest.Must(t, "ktadmin", r.apply()...)
	for _, call := range []string{"fsync", "renameat", "unlinkat"} {
		n := r.untilWhole(func(step int) bool {
			kill := fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, step)
			args := append([]string{"-f", "-qq", "-o", os.DevNull, "-e", "trace=" + call, "-e", kill, filepath.Join(ktest.Bin(t), "ktadmin")}, r.apply()...)
			return r.killed(exec.Command("strace", args...))
		})
		t.Logf("killed at %d times %s", n, call)
	}
	for _, done := range []bool{false, true} {
		n := r.untilWhole(func(step int) bool {
			cmd := exec.Command(filepath.Join(ktest.Bin(t), "ktadmin"), r.apply()...)
			r.killAt(step, done)
			return r.killed(cmd)
		})
		t.Logf("killed at %d requests, done: %v", n, done)
		if n < 10 {
			t.Errorf("apply had %d requests: want more, or the test shows little", n)
		}
	}
}

// killRig is a ktsd whose admin socket goes through the test, and two files.
type killRig struct {
	*testing.T
	dir   confdir.Dir
	files [2]string
	turn  int

	mu      sync.Mutex
	process chan *os.Process // that is killed, once it runs; nil: nothing is
	steps   int              // requests until it is
	done    bool             // ktsd does what was asked first
}

func (r *killRig) args(name string) []string {
	return []string{name, "--confdir", string(r.dir), "-f", r.files[r.turn%2]}
}

func (r *killRig) apply() []string { return append(r.args("apply"), "--auto-approve") }

// untilWhole has apply killed at its first step, its second, and so on, until it comes
// to its end, and has it converge after each kill. It returns how many steps there were.
func (r *killRig) untilWhole(attempt func(step int) (killed bool)) int {
	r.Helper()
	for step := 1; ; step++ {
		if step > 200 {
			r.Fatal("apply has more than 200 steps: the test would not end")
		}
		r.turn++
		killed := attempt(step)
		if _, err := r.dir.ReadConf(); err != nil {
			r.Fatalf("step %d: keytrustee.conf after the kill: %v", step, err)
		}
		if !killed {
			return step - 1
		}
		ktest.Must(r.T, "ktadmin", r.apply()...)
		ktest.Must(r.T, "ktadmin", r.args("plan")...)
	}
}

// killed runs a command and tells whether it was killed rather than at its end.
func (r *killRig) killed(cmd *exec.Cmd) bool {
	r.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	r.mu.Lock()
	if r.process != nil {
		r.process <- cmd.Process
	}
	r.mu.Unlock()
	err := cmd.Wait()
	r.mu.Lock()
	r.process = nil
	r.mu.Unlock()
	if err != nil && !strings.Contains(err.Error(), "killed") {
		r.Fatalf("apply: %v\n%s", err, &out)
	}
	return err != nil
}

// killAt has the next command killed at one of its requests.
func (r *killRig) killAt(step int, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process, r.steps, r.done = make(chan *os.Process, 1), step, done
}

// between puts the test between ktadmin and ktsd.
func (r *killRig) between() {
	r.Helper()
	socket := r.dir.Socket()
	behind := filepath.Join(filepath.Dir(socket), "k.sock")
	if err := os.Rename(socket, behind); err != nil {
		r.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		r.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(&url.URL{Scheme: "http", Host: "admin.socket"}) },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", behind)
		}},
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.steps--
		process, now, done := r.process, r.steps == 0, r.done
		r.mu.Unlock()
		if process == nil || !now {
			proxy.ServeHTTP(w, req)
			return
		}
		if done {
			proxy.ServeHTTP(httptest.NewRecorder(), req)
		}
		if err := (<-process).Kill(); err != nil {
			r.Errorf("killing ktadmin: %v", err)
		}
		panic(http.ErrAbortHandler)
	})}
	go server.Serve(l)
	r.Cleanup(func() { server.Close() })
}

// turns returns one of two sites that differ in everything that a site declares.
func turns(i int, listen string) string {
	if i == 0 {
		return `
server "localhost" {
  listen = "` + listen + `"
  tls { min_version = "tlsv1.3" }
}
limits { client_rate = 2000 }
audit { segment_age = "12h" }
organization "one" { contacts = ["finn@example.com", "jake@example.com"] }
organization "two" {
  contacts   = ["finn@example.com"]
  approval   = "contacts"
  expiration = "2031-12-31"
  managed_by = "tenant"
}
removed "three" {}
`
	}
	return `
server "localhost" {
  listen   = "` + listen + `"
  hostname = "kts.example.com"
}
limits { client_rate = 3000 }
audit {}
organization "one" {
  contacts = ["marceline@example.com"]
  approval = "automatic"
}
organization "three" { contacts = ["bmo@example.com"] }
removed "two" {}
`
}
