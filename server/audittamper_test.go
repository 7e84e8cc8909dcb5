package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestTamperedAudit: somebody who can write to the audit log of a real ktsd edits a
// line, swaps two segments, takes one away, or cuts the tail. ktadmin tells which
// file and line; a cut tail it tells by the heads that ktsd has sent away.
func TestTamperedAudit(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	ktest.SetConf(t, dir, func(c *confdir.Conf) {
		a := bounds.DefaultAudit()
		a.SegmentSize = 1 << 20
		c.Audit = &a
	})
	s := withJournal(t, dir, ktest.Public(t)) // none: heads are lines of what ktsd prints
	s.Organization(t, "acme")
	b, _ := newBox(t, s, "acme")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for auditBytes(t, dir) < 2<<20+200<<10 { // into the third segment
				for range 100 {
					b.get(t, uuid.NewString())
				}
			}
		})
	}
	group.Wait()
	b.keep(t, "luks/sda2", []byte("the last thing that was done"))
	if code := s.Stop(t); code != 0 {
		t.Fatalf("stopping: got exit code %d, want 0", code)
	}
	logged(t, s, "the last head", "audit head {")
	heads := filepath.Join(t.TempDir(), "heads")
	rewrite(t, heads, []byte(s.Log()))
	segments, err := filepath.Glob(filepath.Join(confdir.Dir(dir).Audit(), "audit-*.jsonl"))
	if err != nil || len(segments) < 3 {
		t.Fatalf("segments: got %q (%v), want three", segments, err)
	}
	slices.Sort(segments)
	whole := map[string][]byte{}
	for _, name := range segments {
		if whole[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	verify := func(args ...string) (string, int) {
		t.Helper()
		stdout, stderr, code := ktest.Run(t, "ktadmin", append([]string{"audit", "verify", "--confdir", dir}, args...)...)
		return stdout + stderr, code
	}
	holds := func(what string, args ...string) string {
		t.Helper()
		out, code := verify(args...)
		if code != 0 {
			t.Errorf("%s: got exit code %d, want 0\n%s", what, code, out)
		}
		return out
	}
	contains(t, "untouched", holds("untouched", "--checkpoint", heads), "anchor: ")
	one, two, last := segments[0], segments[1], segments[len(segments)-1]
	lines := bytes.SplitAfter(whole[last], []byte("\n"))
	cut := bytes.Join(lines[:len(lines)-3], nil) // SplitAfter ends with an empty one
	for _, c := range []struct {
		name  string
		edit  func()
		wants []string
	}{
		{"a source edited", func() {
			rewrite(t, two, bytes.Replace(whole[two], []byte("127.0.0.1"), []byte("127.0.0.2"), 1))
		}, []string{two + ":"}},
		{"two segments swapped", func() {
			rewrite(t, one, whole[two])
			rewrite(t, two, whole[one])
		}, []string{one + ":1: "}},
		{"a segment gone", func() { remove(t, two) }, []string{filepath.Base(two), "missing"}},
		{"the tail cut", func() { rewrite(t, last, cut) }, []string{filepath.Base(last), "but a head of "}},
	} {
		c.edit()
		out, code := verify("--checkpoint", heads)
		if code != 1 {
			t.Errorf("%s: got exit code %d, want 1\n%s", c.name, code, out)
		}
		contains(t, c.name, out, append(c.wants, "ktadmin: error: the audit log does not hold: ", "ktadmin: hint: ")...)
		if c.name == "the tail cut" { // nobody but a head knows
			contains(t, "the tail cut, without heads", holds(c.name), "anchor: ", "none")
		}
		for name, data := range whole {
			rewrite(t, name, data)
		}
	}
	holds("put back", "--checkpoint", heads)
	found := ktest.Must(t, "ktadmin", "audit", "search", "--confdir", dir, "--action", "deposit.put")
	if strings.Count(found, "\n") != 1 || !strings.Contains(found, "(luks/sda2)") {
		t.Errorf("what was put: got %s, want the one put", fmt.Sprintf("%.300q", found))
	}
}
