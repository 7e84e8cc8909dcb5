package main_test

import (
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/ktest/powerfs"
)

// powered is a ktsd whose state directory can lose its power, and what it has
// acknowledged.
type powered struct {
	fs           *powerfs.FS
	s            *ktest.Server
	id           *identity
	acknowledged []sentPut
}

func newPowered(t *testing.T, dir string) *powered {
	t.Helper()
	p := &powered{fs: powerfs.Mount(t, confdir.Dir(dir).State())}
	p.s, _, p.id = serviceOn(t, dir)
	return p
}

// storm puts from eight connections until ktsd is gone, which end is to bring
// about. It returns the puts that were not acknowledged.
func (p *powered) storm(t *testing.T, end func()) []sentPut {
	t.Helper()
	done, open := storm(t, p.s, connections(t, p.s, p.id, 8), 20+mathrand.IntN(80), end)
	p.acknowledged = append(p.acknowledged, done...)
	return open
}

// restart starts ktsd again, which has ended, and makes sure that what was
// acknowledged is there. What was not is sent again, until it is acknowledged too.
func (p *powered) restart(t *testing.T, open []sentPut) {
	t.Helper()
	p.s = ktest.Start(t, p.s.Dir)
	b := box{p.s.HTTP(t, p.id.pair), p.s.URL}
	p.acknowledged = append(p.acknowledged, resend(t, b, open)...)
	checkKept(t, b, p.acknowledged)
}

// finish stops ktsd and makes sure that all it acknowledged is audited.
func (p *powered) finish(t *testing.T) {
	t.Helper()
	if code := p.s.Stop(t); code != 0 {
		t.Errorf("stopping: got exit code %d, want 0", code)
	}
	p.fs.Release(t)
	checkAudited(t, p.s.Dir, p.acknowledged)
}

// TestPowerCut: whatever was acknowledged was on disk before.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		p := newPowered(t, dir)
		for n := range soak(4, 40) {
			open := p.storm(t, func() { p.s.Kill(t) })
			p.s.Wait(t)
			p.fs.PowerCut(t, []powerfs.Keep{powerfs.Nothing, powerfs.Some, powerfs.Beginning}[n%3])
			p.restart(t, open)
		}
		p.finish(t)
	})
}

// TestFailedFsync: after an fsync that failed ktsd acknowledges nothing more and
// ends, for systemd to start it again. What it acknowledged before, and what it
// acknowledges after, is there whatever happens next: a power cut at once, or
// later.
func TestFailedFsync(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file  string
		times int
	}{
		"the database's once":             {"keytrustee.db-wal", 1},
		"the database's until the end":    {"keytrustee.db*", 1 << 20},
		"the audit log's once":            {"audit-*.jsonl", 1},
		"the audit log's until the end":   {"audit-*.jsonl", 1 << 20},
		"all that there are till the end": {"*", 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPowered(t, ktest.Dir(t))
			for n := range soak(2, 10) {
				before := p.fs.Failed()
				open := p.storm(t, func() { p.fs.FailFsync(c.file, c.times) })
				checkRefusals(t, open)
				if code := p.s.Wait(t); code != 1 {
					t.Errorf("after a failed fsync: got exit code %d, want 1", code)
				}
				contains(t, "ktsd's last words", p.s.Log(), "ktsd: error: ")
				if p.fs.Failed() == before {
					t.Fatalf("no fsync of %s has failed", c.file)
				}
				p.fs.FailFsync("", 0)
				if n%2 == 0 { // else the machine goes on, with what was not written in its page cache
					p.fs.PowerCut(t, powerfs.Nothing)
				}
				p.restart(t, open)
				time.Sleep(1500 * time.Millisecond) // the audit log goes to disk, behind what was not written
				p.s.Kill(t)
				p.fs.PowerCut(t, powerfs.Nothing)
				p.restart(t, nil)
			}
			p.finish(t)
		})
	}
}

// checkRefusals makes sure that puts were refused in words that have their sender
// send them again.
func checkRefusals(t *testing.T, open []sentPut) {
	t.Helper()
	for _, put := range open {
		switch kind := put.refusal.detail().Kind; {
		case put.refusal.status == 0: // the connection ended
		case kind == fault.OutcomeUnknown || kind == fault.Unavailable:
		default:
			t.Errorf("a put after a failed fsync: got %v, want outcome_unknown or unavailable", put.refusal)
		}
	}
}
