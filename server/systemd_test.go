package main_test

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestNotify plays systemd's part (sd_notify(3)): ready when it serves, alive
// while it does, and stopping when it stops. It is not parallel, since it sets
// the environment.
func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var messages []string
	// until reads messages up to the first that is or begins with want.
	until := func(want string) {
		t.Helper()
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("waiting for %s: %v; got %q", want, err, messages)
			}
			for line := range strings.SplitSeq(string(buf[:n]), "\n") {
				messages = append(messages, line)
			}
			if strings.HasPrefix(messages[len(messages)-1], want) {
				return
			}
		}
	}
	dir := ktest.Dir(t)
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "600000")
	s := ktest.Launch(t, dir)
	until("READY=1")
	getOver(t, dial(t, s), "/readyz") // ready means that it answers
	until("STATUS=serving on " + s.Addr)
	started := time.Now()
	until("WATCHDOG=1")
	until("WATCHDOG=1")
	until("WATCHDOG=1")
	if took := time.Since(started); took > 1800*time.Millisecond {
		t.Errorf("3 watchdog messages of an interval of 600 ms: got them in %s, want each within the interval", took)
	}
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	until("STATUS=serving on " + s.Addr)
	if slices.Contains(messages, "STOPPING=1") {
		t.Errorf("messages: got %q, want no STOPPING=1 before the stop", messages)
	}
	if code := s.Stop(t); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
	until("STOPPING=1")
}

// TestNotifyOfAFailedStart: a start that fails is never ready.
func TestNotifyOfAFailedStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	dir := ktest.Dir(t)
	chmod(t, dir, 0o777)
	refuses(t, dir)
	conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	buf := make([]byte, 100)
	if n, err := conn.Read(buf); err == nil {
		t.Errorf("got %q, want nothing", buf[:n])
	}
}
