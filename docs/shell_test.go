package docs_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// shell is one session: the commands of a page share its variables, its working
// directory and what they start.
type shell struct {
	home, confdir, address string

	cmd    *exec.Cmd
	stdin  io.Writer
	stdout *bufio.Reader
	real   *strings.Replacer // of a page's words to those of this session
	shown  *strings.Replacer // and back
}

// defaultSocket is the admin socket on a page. The session's is called by a path
// from its home, where it stays: a whole one may be too long for a socket.
const (
	defaultSocket = "/run/keytrustee/admin.sock"
	shortSocket   = "./server/.keytrustee/state/run/admin.sock"
)

// shownHome is root's home directory on a page.
const shownHome = "/home/finn"

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{home: t.TempDir(), address: ktest.FreeAddress(t)}
	s.confdir = filepath.Join(s.home, "server", ".keytrustee")
	port := s.address[strings.LastIndex(s.address, ":")+1:]
	s.real = strings.NewReplacer(defaultSocket, shortSocket, confdir.Default, s.confdir, filepath.Dir(confdir.Default), filepath.Dir(s.confdir),
		shownHome+"/", s.home+"/", "11371", port)
	s.shown = strings.NewReplacer(s.confdir, confdir.Default, filepath.Dir(s.confdir), filepath.Dir(confdir.Default),
		s.home, shownHome, port, "11371")

	bin := programs(t)
	s.cmd = exec.Command("sh")
	s.cmd.Dir = s.home
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.cmd.Env = []string{
		"HOME=" + s.home, "PATH=" + bin + ":" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC",
		"KEYTRUSTEE_CONFDIR=" + s.confdir, "KEYTRUSTEE_CLIENT_CONFDIR=" + filepath.Join(s.home, ".keytrustee"),
	}
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.stdin, s.stdout = stdin, bufio.NewReader(stdout)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(t) })
	return s
}

// programs is ktest.Bin with orgtool's other name beside it.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"ktsd", "ktadmin", "orgtool", "keytrustee"} {
		if err := os.Symlink(filepath.Join(ktest.Bin(t), name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("orgtool", filepath.Join(dir, "keytrustee-orgtool")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// ended is what the session prints after each command, with its exit code.
var ended = regexp.MustCompile(`\n?--- ended with (\d+) ---\n$`)

// run runs a command, for a minute at most, and returns what it printed, in the
// words of a page, and its exit code.
func (s *shell) run(t *testing.T, command string) (output string, exit int) {
	t.Helper()
	if startsKtsd.MatchString(command) {
		s.listenOn(t)
	}
	_, err := io.WriteString(s.stdin, "{ "+s.real.Replace(command)+"\n} 2>&1 </dev/null\nprintf '\\n--- ended with %d ---\\n' $?\n")
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	tooLong := time.AfterFunc(time.Minute, func() { syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) })
	defer tooLong.Stop()
	var b strings.Builder
	for {
		line, err := s.stdout.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			t.Fatalf("$ %s\nthe shell ended, or took a minute: %v\n%s", command, err, b.String())
		}
		if end := ended.FindStringSubmatch(b.String()); end != nil {
			exit, _ = strconv.Atoi(end[1])
			break
		}
	}
	output = s.shown.Replace(ended.ReplaceAllString(b.String(), ""))
	if output != "" && !strings.HasSuffix(output, "\n") {
		output += "\n"
	}
	return output, exit
}

// listenOn has ktsd listen on the session's port, unless the page set another
// address.
func (s *shell) listenOn(t *testing.T) {
	t.Helper()
	ktest.SetConf(t, s.confdir, func(c *confdir.Conf) {
		if c.Listen == "" {
			c.Listen = s.address[strings.LastIndex(s.address, ":"):]
		}
	})
}

// awaitKtsd returns when the ktsd of the session answers.
func (s *shell) awaitKtsd(t *testing.T) {
	t.Helper()
	if out, code := s.run(t, "i=0; until orgtool list >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 300 ] || exit 1; sleep 0.1; done"); code != 0 {
		t.Fatalf("ktsd does not answer\n%s", out)
	}
}

// end stops the shell and all that it started.
func (s *shell) end(t *testing.T) {
	group := -s.cmd.Process.Pid
	kill := time.AfterFunc(30*time.Second, func() { syscall.Kill(group, syscall.SIGKILL) })
	defer kill.Stop()
	syscall.Kill(group, syscall.SIGTERM)
	if _, err := io.Copy(io.Discard, s.stdout); err != nil { // until the last of them has closed it
		t.Logf("ending the session: %v", err)
	}
	s.cmd.Wait()
}
