package main_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// hangingScript makes a password script that says that it runs, by what it writes
// into a file, and then waits until the test ends.
func hangingScript(t *testing.T) (script, runs string) {
	t.Helper()
	dir := t.TempDir()
	script, runs = filepath.Join(dir, "script"), filepath.Join(dir, "runs")
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	text := "#!/bin/sh\necho >>" + runs + "\nexec cat " + pipe + "\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if f, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			f.Close()
		}
	})
	return script, runs
}

// TestReloadThatHangs: while a reload hangs systemd hears from ktsd, clients are
// served, and a stop is a stop. It is not parallel, since it sets the environment.
func TestReloadThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	next := func() string {
		t.Helper()
		conn.SetReadDeadline(time.Now().Add(9 * time.Second)) // a script is stopped after 10
		buf := make([]byte, 4096)
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("waiting for a message: %v", err)
		}
		return string(buf[:n])
	}
	dir := ktest.Dir(t)
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "200000")
	s := ktest.Start(t, dir)
	encryptKey(t, dir, "s3cr3t word")
	script, runs := hangingScript(t)
	passwordBy(t, dir, script)
	s.Signal(t, syscall.SIGHUP)
	for deadline := time.Now().Add(9 * time.Second); !confdir.Exists(runs); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the script was not run")
		}
	}
	for len(drain(t, conn)) > 0 { // of before
	}
	for range 3 {
		if got := next(); got != "WATCHDOG=1" {
			t.Errorf("while a reload hangs: got %q, want WATCHDOG=1", got)
		}
	}
	wantOK(t, "while a reload hangs", getOver(t, dial(t, s), "/healthz"), nil)
	s.Signal(t, syscall.SIGTERM)
	for got := next(); !strings.HasPrefix(got, "STOPPING=1"); got = next() {
	}
	if code := s.Wait(t); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
	if log := s.Log(); strings.Contains(log, "reload refused") || strings.Contains(log, "reloaded") {
		t.Errorf("the reload came to an end before the stop:\n%s", log)
	}
}

// drain reads one message that is there already.
func drain(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	buf := make([]byte, 4096)
	n, _ := conn.Read(buf)
	return string(buf[:n])
}

// TestPipesInTheWay: a named pipe in the place of any file that a reload or a check
// reads is refused at once, and the next reload is not kept waiting.
func TestPipesInTheWay(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	dir := confdir.Dir(s.Dir)
	const want = " is no regular file"
	pipe := func(file string) {
		t.Helper()
		if err := os.Rename(file, file+".kept"); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pipe(dir.NextConf())
	if err := s.Admin().Check(t.Context()); err == nil || !strings.Contains(err.Error(), dir.NextConf()+want) {
		t.Errorf("check: got %v, want %q", err, want)
	}
	for _, file := range []string{dir.Conf(), dir.Certificate(), dir.PrivateKey(), dir.CertificateChain(), dir.SecretKeyring(), dir.PublicKeyring()} {
		pipe(file)
		if err := s.Admin().Reload(t.Context()); err == nil || !strings.Contains(err.Error(), file+want) {
			t.Errorf("reload: got %v, want %q", err, file+want)
		}
		if err := os.Rename(file+".kept", file); os.IsNotExist(err) {
			remove(t, file)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Errorf("a reload with everything put back: %v", err)
	}
}
