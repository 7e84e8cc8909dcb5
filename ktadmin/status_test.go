package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// statusOf runs "ktadmin status --json" until it tells of the text, and returns its
// exit code.
func statusOf(t *testing.T, dir, text string) (code int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		stdout, stderr, code := ktest.Run(t, "ktadmin", "status", "--confdir", dir, "--json")
		if stderr != "" || !json.Valid([]byte(stdout)) {
			t.Fatalf("got %q, and %q on standard error, want JSON alone", stdout, stderr)
		}
		if strings.Contains(stdout, text) {
			return code
		}
		if time.Now().After(deadline) {
			t.Fatalf("got this to the end, want %q in it:\n%s", text, stdout)
		}
	}
}

// TestStatusOfAFullAuditDisk: a disk that fills up is a warning; once changes are
// refused it is an error; with room again all is well.
func TestStatusOfAFullAuditDisk(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	disk := confdir.Dir(dir).Audit()
	ktest.OwnDisk(t, disk, "size=16m") // the mark is at 4 MB
	ktest.Start(t, dir)
	if code := statusOf(t, dir, `"result": "ok"`); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
	filler := filepath.Join(disk, "filler")
	leave := func(bytes int64) {
		ktest.FillDisk(t, filler)
		info, err := os.Stat(filler)
		if err == nil {
			err = os.Truncate(filler, info.Size()-bytes)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	leave(6 << 20)
	if code := statusOf(t, dir, "the audit log's disk fills up: "); code != 2 {
		t.Errorf("exit code: got %d, want 2", code)
	}
	leave(1 << 20)
	if code := statusOf(t, dir, "changes are refused: the audit log's disk has "); code != 1 {
		t.Errorf("exit code: got %d, want 1", code)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if code := statusOf(t, dir, `"result": "ok"`); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
}

// TestStatusOfAFrozenDatabase: what cannot be asked is left out, and the answer comes
// within seconds.
func TestStatusOfAFrozenDatabase(t *testing.T) {
	t.Parallel()
	cluster := ktest.Cluster(t)
	dir := ktest.DirOn(t, cluster.Database(t))
	ktest.Start(t, dir)
	if code := statusOf(t, dir, `"organizations": 0`); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
	cluster.Freeze(t)
	began := time.Now()
	code := statusOf(t, dir, `changes are refused: `)
	if took := time.Since(began); code != 1 || took > 30*time.Second {
		t.Errorf("got exit code %d after %v, want 1 within seconds", code, took)
	}
	if stdout, _, _ := ktest.Run(t, "ktadmin", "status", "--confdir", dir, "--json"); strings.Contains(stdout, `"counts"`) {
		t.Errorf("what cannot be counted is told:\n%s", stdout)
	}
	cluster.Thaw(t)
	if code := statusOf(t, dir, `"result": "ok"`); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
}

// TestStatusOfASilentKtsd: one that is there and does not answer is no stopped one.
func TestStatusOfASilentKtsd(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Signal(t, syscall.SIGSTOP)
	t.Cleanup(func() { s.Signal(t, syscall.SIGCONT) })
	stdout, stderr, code := ktest.Run(t, "ktadmin", "status", "--confdir", s.Dir)
	if code != 1 || stderr != "" || !strings.Contains(stdout, "\nerror: ktsd does not answer as it should: ") || !strings.HasPrefix(stdout, "ktsd           does not answer; ") {
		t.Errorf("got exit code %d and\n%s%s", code, stdout, stderr)
	}
}
