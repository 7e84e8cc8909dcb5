package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/ktsd/ktsd/bench/internal/rig"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestMain is bench itself where a test, or bench, starts this program as that.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == rig.FloorCommand || os.Getenv("KTSD_BENCH_MAIN") == "1") {
		os.Exit(run())
	}
	os.Exit(m.Run())
}

// bench runs bench to its end and reads into v what it wrote with --json. It
// leaves nothing behind.
func bench(t *testing.T, v any, args ...string) (stdout string) {
	t.Helper()
	dir, file := ktest.Public(t), filepath.Join(t.TempDir(), "figures")
	cmd := exec.Command(os.Args[0], append(args, "--programs", ktest.Bin(t), "--dir", dir, "--json", file, "--rounds", "1", "--warmup", "50ms")...)
	cmd.Env = append(os.Environ(), "KTSD_BENCH_MAIN=1")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bench %s: %v\n%s%s", strings.Join(args, " "), err, out, errs.String())
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return string(out)
}

// TestCompare: ktsd, the floor, and as a peer another ktsd. Whatever the figures
// are, all three were asked, answered rightly and used the processor.
func TestCompare(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	_, dir := s.Client(t, "acme")
	headers := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(headers, []byte("X-Nothing: of note\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got comparison
	out := bench(t, &got, "--connections", "8", "--deposits", "20", "--duration", "2s",
		"--peer-url", s.URL, "--peer-pid", strconv.Itoa(s.PID()), "--peer-ca", s.CA(), "--peer-headers", headers,
		"--peer-certificate", filepath.Join(dir, "client-cert.pem"), "--peer-private-key", filepath.Join(dir, "client-key.pem"),
		"--peer-get", "/v1/deposits/{id}", "--peer-put", "/v1/deposits/{id}?handle=h", "--peer-method", "PUT", "--peer-body=")
	var asked []string
	used := map[string]float64{}
	for _, r := range got.Rows {
		asked = append(asked, r.Operation+" "+r.Server)
		used[r.Server] += r.sample.Server
		if r.Rate <= 0 || r.P50 <= 0 || r.P99 < r.P50 || r.Max < r.P99 || r.Errors > 0 || r.Generator <= 0 || r.Database != 0 {
			t.Errorf("%s %s: got %+v", r.Operation, r.Server, r.sample)
		}
	}
	if used["ktsd"] <= 0 || used["floor"] <= 0 || used["peer"] <= 0 {
		t.Errorf("processor time: got %v, want some of each", used)
	}
	want := []string{"get ktsd", "get floor", "get peer", "put ktsd", "put floor", "put peer"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if len(got.Bars) != 4 || strings.Count(out, "\nget ")+strings.Count(out, "\nput ") < 6 {
		t.Errorf("bars: got %v, want two of gets and two of puts; printed:\n%s", got.Bars, out)
	}
	if n := strings.Count(s.Log(), "request refused"); n > 0 {
		t.Errorf("the peer refused %d requests", n)
	}
}

// TestComparePostgres: ktsd and the floor with a cluster each, whose processor time
// is told apart from theirs.
func TestComparePostgres(t *testing.T) {
	t.Parallel()
	ktest.Postgres(t) // skips the test where there is no PostgreSQL
	var got comparison
	bench(t, &got, "--engine", "postgres", "--connections", "8", "--deposits", "20", "--duration", "2s")
	used := map[string]float64{}
	for _, r := range got.Rows {
		used[r.Server] += r.Database
		if r.Rate <= 0 || r.Errors > 0 {
			t.Errorf("%s %s: got %+v", r.Operation, r.Server, r.sample)
		}
	}
	if len(got.Rows) != 4 || used["ktsd"] <= 0 || used["floor"] <= 0 {
		t.Errorf("got %d rows, and processor time of the databases %v, want 4, and some of each", len(got.Rows), used)
	}
}

// TestScale: each number has its ktsd, and the first is the measure of the others.
func TestScale(t *testing.T) {
	t.Parallel()
	var got scaling
	bench(t, &got, "scale", "--of", "clients,size", "--clients", "3", "--sizes", "1024,1048576", "--connections", "2", "--duration", "1s")
	var asked []string
	for _, r := range got.Rows {
		asked = append(asked, r.Of+" "+strconv.Itoa(r.Number)+" "+r.Operation)
		if r.Rate <= 0 || r.Errors > 0 || r.total() > 0 && r.Relative <= 0 {
			t.Errorf("%s %d: got %+v", r.Of, r.Number, r)
		}
	}
	want := []string{
		"clients 3 get", "clients 3 put",
		"size 1024 get", "size 1048576 get", "size 1024 put", "size 1048576 put",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// TestFootprint: every figure is there.
func TestFootprint(t *testing.T) {
	t.Parallel()
	var got footprint
	bench(t, &got, "footprint", "--deposits", "10", "--starts", "2", "--gets", "2", "--handshakes", "200", "--duration", "1s")
	if len(got.Figures) != 10 || len(got.Bars) != 3 {
		t.Errorf("got %d figures and %d bars, want 10 and 3", len(got.Figures), len(got.Bars))
	}
	for _, f := range got.Figures {
		if f.Value <= 0 {
			t.Errorf("%s: got %v", f.Name, f.Value)
		}
	}
}

// TestSoak: the memory is looked at all the time.
func TestSoak(t *testing.T) {
	t.Parallel()
	var got soaking
	bench(t, &got, "soak", "3s", "--deposits", "10")
	if len(got.Moments) == 0 || got.Idle <= 0 || got.Gets <= 0 || got.Puts <= 0 || got.Puts > 50 || got.Errors > 0 {
		t.Errorf("got %+v", got)
	}
}

// TestPeerDoesNotAnswer: bench ends with an error, and no figures.
func TestPeerDoesNotAnswer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "--programs", dir, "--dir", dir, "--peer-url", "https://127.0.0.1:1", "--peer-pid", strconv.Itoa(os.Getpid()))
	cmd.Env = append(os.Environ(), "KTSD_BENCH_MAIN=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "connection refused") {
		t.Errorf("got %v\n%s", err, out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestUUIDs: as asked for.
func TestUUIDs(t *testing.T) {
	for text, want := range map[string]uuid.Version{"v4": 4, "v7": 7} {
		b := session{settings: settings{UUID: text}}
		if id, err := b.newID(); err != nil || id.Version() != want {
			t.Errorf("%s: got version %d, %v", text, id.Version(), err)
		}
	}
}

// TestSite: a small site is planned and applied, and then there is nothing to do.
func TestSite(t *testing.T) {
	t.Parallel()
	var found footprint
	out := bench(t, &found, "site", "--organizations", "5")
	if len(found.Figures) != 6 || len(found.Bars) != 3 {
		t.Errorf("got %d figures and %d bars, want 6 and 3\n%s", len(found.Figures), len(found.Bars), out)
	}
	for _, f := range found.Figures {
		if f.Value <= 0 {
			t.Errorf("%s: got %g %s, want more", f.Name, f.Value, f.Unit)
		}
	}
}
