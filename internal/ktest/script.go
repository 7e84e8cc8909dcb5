package ktest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ktsd/ktsd/internal/confdir"
)

// Script runs the txtar scripts in a package's testdata/script with the real
// programs first on PATH (BIN names their folder). They have these commands
// beside testscript's own:
//
//	need PROGRAM…         skip the script where a program is missing
//	confdir               make a server's directory that listens on a free port; CONFDIR names it
//	start-ktsd [DIR]      start ktsd on DIR (else CONFDIR) and wait until it answers; URL, ADDR and CA tell how to reach it
//	stop-ktsd, kill-ktsd  end it by SIGTERM, SIGKILL
//	exits N PROGRAM…      run a program that has to end with exit code N
//	free-address NAME     set NAME to an address that nobody listens on
//
// A client's directory is $WORK/client unless told otherwise.
func Script(t *testing.T) {
	t.Helper()
	bin := Bin(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			s := &script{t: env.T().(testing.TB)}
			env.Values[scriptKey{}] = s
			env.Defer(s.stop)
			env.Setenv("GORACE", quickExit)
			env.Setenv("BIN", bin)
			env.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
			env.Setenv("KEYTRUSTEE_CLIENT_CONFDIR", filepath.Join(env.WorkDir, "client"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"need": scriptNeed, "confdir": scriptConfdir, "start-ktsd": scriptStart,
			"stop-ktsd": scriptStop, "kill-ktsd": scriptKill, "exits": scriptExits, "free-address": scriptFreeAddress,
		},
	})
}

type scriptKey struct{}

// script is what the commands of one script share.
type script struct {
	t      testing.TB
	server *Server // the one that was started last
}

// stop ends ktsd before the script's files go.
func (s *script) stop() {
	if s.server != nil {
		s.server.Signal(s.t, syscall.SIGTERM)
		<-s.server.exited
	}
}

// scriptOf returns the script, after a look at how a command is called.
func scriptOf(ts *testscript.TestScript, neg bool, args []string, least, most int) *script {
	if neg || len(args) < least || len(args) > most {
		ts.Fatalf("this command takes %d to %d arguments, and no \"!\"", least, most)
	}
	return ts.Value(scriptKey{}).(*script)
}

func scriptNeed(ts *testscript.TestScript, neg bool, args []string) {
	Need(scriptOf(ts, neg, args, 1, 10).t, args...)
}

func scriptConfdir(ts *testscript.TestScript, neg bool, args []string) {
	t := scriptOf(ts, neg, args, 0, 0).t
	dir := Dir(t)
	SetConf(t, dir, func(c *confdir.Conf) { c.Limits = nil }) // as ktadmin init leaves it
	ts.Setenv("CONFDIR", dir)
	ts.Setenv("KEYTRUSTEE_CONFDIR", dir)
}

func scriptStart(ts *testscript.TestScript, neg bool, args []string) {
	s := scriptOf(ts, neg, args, 0, 1)
	dir := ts.Getenv("CONFDIR")
	if len(args) == 1 {
		dir = ts.MkAbs(args[0])
	}
	conf, err := confdir.Dir(dir).ReadConf()
	ts.Check(err)
	if conf.Listen == "" {
		SetConf(s.t, dir, func(c *confdir.Conf) { c.Listen = FreeAddress(s.t) })
	}
	s.server = Start(s.t, dir)
	ts.Setenv("URL", s.server.URL)
	ts.Setenv("ADDR", s.server.Addr)
	ts.Setenv("CA", s.server.CA())
}

func scriptStop(ts *testscript.TestScript, neg bool, args []string) {
	s := scriptOf(ts, neg, args, 0, 0)
	if code := s.server.Stop(s.t); code != 0 {
		ts.Fatalf("ktsd ended with exit code %d", code)
	}
}

func scriptKill(ts *testscript.TestScript, neg bool, args []string) {
	s := scriptOf(ts, neg, args, 0, 0)
	s.server.Kill(s.t)
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	scriptOf(ts, neg, args, 2, 100)
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", args[1], got, want)
	}
}

func scriptFreeAddress(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[0], FreeAddress(scriptOf(ts, neg, args, 1, 1).t))
}
