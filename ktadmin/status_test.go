package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
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
