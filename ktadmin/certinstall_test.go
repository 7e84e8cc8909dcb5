package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestCertInstallStops: whoever waits for a file that has no end can interrupt that.
func TestCertInstallStops(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	before := contents(t, dir)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd := ktest.Command(t, "ktadmin", "cert", "install", "--confdir", dir, "--certificate", fifo)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tooLong := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer tooLong.Stop()
	defer read(t, fifo).Close()
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	want := "ktadmin: error: interrupted while reading " + fifo + "; nothing was changed\n"
	if code := cmd.ProcessState.ExitCode(); code != 1 || stderr.String() != want {
		t.Errorf("got exit code %d, %q, want 1, %q", code, stderr.String(), want)
	}
	if after := contents(t, dir); len(after) != len(before) {
		t.Errorf("got %d files, want the %d that were there", len(after), len(before))
	}
}

// read waits until somebody reads a pipe, and returns its other end.
func read(t *testing.T, fifo string) *os.File {
	t.Helper()
	for range 30_000 {
		w, err := os.OpenFile(fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			return w
		}
		if !errors.Is(err, syscall.ENXIO) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("nobody reads %s", fifo)
	return nil
}

// TestCertInstallOneFile: a certificate and its key in one file, which ktsd takes, are
// not replaced.
func TestCertInstallOneFile(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	certificate, key := newPair(t)
	both := filepath.Join(t.TempDir(), "both.pem")
	data := append(readFile(t, certificate), readFile(t, key)...)
	if err := os.WriteFile(both, data, 0o600); err != nil {
		t.Fatal(err)
	}
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Certificate, c.PrivateKey = both, both })
	s := ktest.Start(t, dir)
	for _, args := range [][]string{{"self-sign"}, {"install", "--certificate", certificate, "--key", key}} {
		_, stderr, code := ktest.Run(t, "ktadmin", append([]string{"cert", "--confdir", dir}, args...)...)
		if code != 1 || !strings.Contains(stderr, "keytrustee.conf names one file for certificate and private key, "+both) {
			t.Errorf("%s: got exit code %d, %q, want 1, and that it is one file", args[0], code, stderr)
		}
	}
	if got := string(readFile(t, both)); got != string(data) {
		t.Error("the file was changed")
	}
	out, stderr, code := ktest.Run(t, "ktadmin", "cert", "show", "--confdir", dir)
	if code != 0 || !strings.Contains(out, "loaded:       this one") {
		t.Errorf("show: got exit code %d\n%s%s", code, out, stderr)
	}
	s.Stop(t)
}

// TestCertInstallUnavailable: where ktsd cannot write its audit log, it takes nothing on,
// and the old pair is put back.
func TestCertInstallUnavailable(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	d := confdir.Dir(dir)
	ktest.OwnDisk(t, d.Audit(), "size=16m")
	s := ktest.Start(t, dir)
	certificate, key := newPair(t)
	want := [2]string{string(readFile(t, d.Certificate())), string(readFile(t, d.PrivateKey()))}
	filler := filepath.Join(d.Audit(), "filler")
	ktest.FillDisk(t, filler)
	eventuallyRefused(t, s)
	_, stderr, code := ktest.Run(t, "ktadmin", "cert", "install", "--confdir", dir, "--certificate", certificate, "--key", key)
	if code != 1 || !strings.Contains(stderr, "cannot be audited, so it is refused; certificate and key are as they were before\n") || !strings.Contains(stderr, "make room for the audit log") {
		t.Errorf("got exit code %d, %q, want 1, and that all is as before", code, stderr)
	}
	if got := [2]string{string(readFile(t, d.Certificate())), string(readFile(t, d.PrivateKey()))}; got != want {
		t.Error("the new pair is in place, want the old one")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
}

// eventuallyRefused reloads until the reserve of the audit log is spent.
func eventuallyRefused(t *testing.T, s *ktest.Server) {
	t.Helper()
	for range 20_000 {
		if s.Admin().Reload(t.Context()) != nil {
			return
		}
	}
	t.Fatal("ktsd goes on reloading with a full disk")
}
