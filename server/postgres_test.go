package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// stream is puts that go on whatever happens to the database, each sent until it
// is acknowledged, as a client does.
type stream struct {
	t    *testing.T
	done chan struct{}
	wg   sync.WaitGroup

	mu           sync.Mutex
	acknowledged []sentPut
	slowest      time.Duration // of all answers, refusals included
	refused      atomic.Int64
}

// startStream starts workers, each with a connection of its own.
func startStream(t *testing.T, clients []*http.Client, s *ktest.Server) *stream {
	st := &stream{t: t, done: make(chan struct{})}
	for n, c := range clients {
		st.wg.Go(func() {
			for {
				select {
				case <-st.done:
					return
				default:
				}
				p := sentPut{uuid: uuid.NewString(), handle: fmt.Sprintf("h%d", n), contents: randomBytes(1000)}
				for !st.send(c, s, &p) {
					time.Sleep(50 * time.Millisecond)
				}
				st.mu.Lock()
				st.acknowledged = append(st.acknowledged, p)
				st.mu.Unlock()
			}
		})
	}
	return st
}

// send sends a put once, and tells whether it was acknowledged.
func (st *stream) send(c *http.Client, s *ktest.Server, p *sentPut) bool {
	began := time.Now()
	r, err := tryRequest(c, http.MethodPut, s.URL+"/v1/deposits/"+p.uuid+"?handle="+p.handle, p.contents)
	took := time.Since(began)
	st.mu.Lock()
	st.slowest = max(st.slowest, took)
	st.mu.Unlock()
	if err == nil && r.status == http.StatusOK {
		return json.Unmarshal(r.body, &p.answer) == nil
	}
	st.refused.Add(1)
	if kind := r.detail().Kind; err != nil || kind != fault.Unavailable && kind != fault.OutcomeUnknown {
		st.t.Errorf("a put while the database is in trouble: got %v, %v, want unavailable or outcome_unknown", r, err)
	}
	return false
}

// count returns how many puts were acknowledged.
func (st *stream) count() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.acknowledged)
}

// goesOn waits until more puts are acknowledged.
func (st *stream) goesOn(what string) {
	st.t.Helper()
	before := st.count()
	for deadline := time.Now().Add(time.Minute); st.count() < before+20; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			st.t.Fatalf("%s: no puts are acknowledged any more", what)
		}
	}
}

// stop ends the stream and returns what was acknowledged.
func (st *stream) stop() []sentPut {
	close(st.done)
	st.wg.Wait()
	return st.acknowledged
}

// TestPostgresTrouble: PostgreSQL is restarted, killed, gone, frozen, read-only,
// and without a connection to spare, under load. Nobody waits for long, refusals
// are of the kinds that have a client try again, everything goes on by itself when
// PostgreSQL does, in the same process, and what was acknowledged is there.
func TestPostgresTrouble(t *testing.T) {
	t.Parallel()
	cluster := ktest.Cluster(t, "fsync=on")
	database := cluster.Database(t)
	s, b, id := serviceOn(t, ktest.DirOn(t, database))
	kept := b.keep(t, "kept", []byte("contents"))
	st := startStream(t, connections(t, s, id, 8), s)
	alter := func(statement string) {
		cluster.Exec(t, "postgres", statement)
		cluster.Exec(t, "postgres", "SELECT pg_reload_conf()")
	}
	for _, trouble := range []struct {
		name       string
		begin, end func()
		last       time.Duration
		reads      bool // go on meanwhile
	}{
		{"restarted", func() { cluster.Stop(t) }, func() { cluster.Start(t) }, 0, false},
		{"killed", func() { cluster.Kill(t) }, func() { cluster.Start(t) }, 0, false},
		{"gone", func() { cluster.Stop(t) }, func() { cluster.Start(t) }, soak(3*time.Second, time.Minute), false},
		{"frozen", func() { cluster.Freeze(t) }, func() { cluster.Thaw(t) }, soak(4*time.Second, time.Minute), false},
		{"read-only", func() { alter("ALTER SYSTEM SET default_transaction_read_only = on") },
			func() { alter("ALTER SYSTEM RESET default_transaction_read_only") }, 2 * time.Second, true},
		{"out of connections", func() { noConnections(t, cluster, database) },
			func() { alter("ALTER DATABASE " + databaseOf(database) + " CONNECTION LIMIT -1") }, 2 * time.Second, false},
	} {
		refused := st.refused.Load()
		trouble.begin()
		for began := time.Now(); st.refused.Load() == refused && trouble.last > 0; time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatalf("%s: no put was refused", trouble.name)
			}
		}
		if trouble.reads {
			wantOK(t, trouble.name+": a read", b.get(t, kept.UUID), nil)
		}
		time.Sleep(trouble.last)
		trouble.end()
		st.goesOn(trouble.name)
		soon(t, trouble.name+": reads go on", func() bool {
			r, err := tryRequest(b.http, http.MethodGet, b.at(kept.UUID), nil)
			return err == nil && r.status == http.StatusOK
		})
	}
	acknowledged := st.stop()
	t.Logf("%d puts acknowledged, %d refused, the slowest answer after %s", len(acknowledged), st.refused.Load(), st.slowest)
	if st.slowest > 30*time.Second {
		t.Errorf("the slowest answer took %s, want some seconds", st.slowest)
	}
	checkPresent(t, b, acknowledged)
	if code := s.Stop(t); code != 0 { // the very process that was started
		t.Errorf("stopping: got exit code %d, want 0", code)
	}
	checkAudited(t, s.Dir, acknowledged)
}

// noConnections ends ktsd's connections and leaves it no new ones.
func noConnections(t *testing.T, cluster *ktest.PostgreSQL, database string) {
	name := databaseOf(database)
	cluster.Exec(t, "postgres", "ALTER DATABASE "+name+" CONNECTION LIMIT 0")
	cluster.Exec(t, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+name+"'")
}

// databaseOf is the name in the URL of a database.
func databaseOf(url string) string {
	path, _, _ := strings.Cut(url[strings.LastIndex(url, "/")+1:], "?")
	return path
}

// soon waits for something that happens by itself.
func soon(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it takes too long until %s", what)
		}
	}
}

// checkPresent makes sure that what was acknowledged is there, byte for byte.
func checkPresent(t *testing.T, b box, acknowledged []sentPut) {
	t.Helper()
	for _, p := range acknowledged {
		wantContents(t, "an acknowledged put", b.get(t, p.uuid), p.contents)
	}
}

// second makes the directory of another node of the site that dir belongs to, as
// the operator does: a copy without what is the node's own, completed by init.
func second(t *testing.T, dir string) string {
	t.Helper()
	other := filepath.Join(t.TempDir(), "confdir")
	if out, err := exec.Command("sh", "-c", `cp -a "$1" "$2" && rm -r "$2/.ssl" "$2/state"`, "sh", dir, other).CombinedOutput(); err != nil {
		t.Fatalf("copying a directory: %v\n%s", err, out)
	}
	ktest.SetConf(t, other, func(c *confdir.Conf) { c.Listen = ktest.FreeAddress(t) })
	ktest.Must(t, "ktadmin", "init", "--confdir", other, "--hostname", "kts02.example.com")
	return other
}

// TestOneWriter: a second ktsd does not start on a database that another one
// writes to, and says which. It does once that one has ended, be it by kill -9; the
// first is refused then.
func TestOneWriter(t *testing.T) {
	t.Parallel()
	s, b, id := serviceOn(t, ktest.DirOn(t, ktest.Postgres(t)))
	d := b.keep(t, "h", []byte("of the first"))
	other := second(t, s.Dir)
	_, stderr, code := ktest.Run(t, "ktsd", "--confdir", other)
	if code != 1 {
		t.Errorf("a second ktsd: got exit code %d, want 1", code)
	}
	contains(t, "the second ktsd's words", stderr, "localhost") // the node that holds the lease
	b.keep(t, "h", []byte("the first goes on"))

	s.Kill(t)
	next := ktest.Start(t, other)
	again := box{from(t, next, "127.0.0.1", id.pair), "https://kts02.example.com"}
	wantContents(t, "a deposit of the first", again.get(t, d.UUID), []byte("of the first"))
	again.keep(t, "h", []byte("of the second"))

	_, stderr, code = ktest.Run(t, "ktsd", "--confdir", s.Dir)
	if code != 1 {
		t.Errorf("the first ktsd, started again: got exit code %d, want 1", code)
	}
	contains(t, "the first ktsd's words", stderr, "kts02.example.com")
	if code := next.Stop(t); code != 0 {
		t.Errorf("stopping the second: got exit code %d, want 0", code)
	}
	ktest.Start(t, s.Dir) // the lease was released
}
