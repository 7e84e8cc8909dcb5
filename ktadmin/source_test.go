package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestReadingStops: whoever waits for a site that is a pipe can end that by a signal.
func TestReadingStops(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	site := filepath.Join(t.TempDir(), "site.hcl")
	if err := os.WriteFile(site, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   []string
		signal os.Signal
	}{
		{[]string{"validate", "-f", fifo}, os.Interrupt},
		{[]string{"validate", "-f", site, "--var-file", fifo}, syscall.SIGTERM},
		{[]string{"plan", "--confdir", dir, "-f", fifo}, syscall.SIGTERM},
		{[]string{"apply", "--auto-approve", "--confdir", dir, "-f", site, "--var-file", fifo}, os.Interrupt},
	} {
		var stderr strings.Builder
		cmd := ktest.Command(t, "ktadmin", test.args...)
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		tooLong := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
		w := read(t, fifo)
		cmd.Process.Signal(test.signal)
		cmd.Wait()
		tooLong.Stop()
		w.Close()
		want := "ktadmin: error: interrupted while reading the site; nothing was changed\n"
		if code := cmd.ProcessState.ExitCode(); code != 1 || stderr.String() != want {
			t.Errorf("%v: got exit code %d, %q, want 1, %q", test.args, code, stderr.String(), want)
		}
	}
}
