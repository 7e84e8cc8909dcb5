package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/fault"
)

// The commands of a program that ends in every way there is.

type failCmd struct {
	How string `arg:"" enum:"not,plain,fault,wrapped,differences,missing,quiet"`
}

func (c *failCmd) Run(streams *cli.Streams) error {
	fmt.Fprintln(streams.Out, "a result")
	switch c.How {
	case "plain":
		return errors.New("doing it: no luck")
	case "fault":
		return fault.New(fault.NotFound, "no such thing").WithHint("look elsewhere")
	case "wrapped":
		return fmt.Errorf("doing it: %w", fault.New(fault.NotFound, "no such thing").WithHint("look elsewhere").Because(errors.New("cause")))
	case "differences":
		return &cli.Coded{Code: cli.CodeDifferences}
	case "missing":
		return &cli.Coded{Code: cli.CodeNotFound, Err: fault.New(fault.NotFound, "no such deposit").WithHint("see list")}
	case "quiet":
		return fmt.Errorf("wrapped: %w", &cli.Coded{Code: 7})
	}
	return nil
}

type secretCmd struct {
	File string `arg:""`
}

func (c *secretCmd) Run(ctx context.Context, streams *cli.Streams) error {
	secret, err := cli.ReadSecret(ctx, streams, c.File)
	if err == nil {
		fmt.Fprintf(streams.Out, "%q\n", secret)
	}
	return err
}

type waitCmd struct{}

func (waitCmd) Run(ctx context.Context, streams *cli.Streams) error {
	syscall.Kill(os.Getpid(), syscall.SIGTERM)
	select {
	case <-ctx.Done():
		return errors.New("stopped by a signal")
	case <-time.After(20 * time.Second):
		return errors.New("no signal came")
	}
}

type whereCmd struct {
	cli.Server
}

func (c *whereCmd) Run(streams *cli.Streams) error {
	dir, err := c.Dir()
	fmt.Fprintln(streams.Out, dir)
	return err
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"prog": func() {
		os.Exit(cli.Main("A program.", &struct {
			Fail   failCmd   `cmd:"" help:"End in some way."`
			Secret secretCmd `cmd:"" help:"Read a secret."`
			Wait   waitCmd   `cmd:"" help:"Wait for a signal."`
			Where  whereCmd  `cmd:"" help:"Show the directory."`
		}{}))
	}})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"code": code,
	}})
}

// code runs a program: "code N prog args…" checks its exit code.
func code(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		if m := regexp.MustCompile(`exit status (\d+)`).FindStringSubmatch(err.Error()); m != nil {
			got = m[1]
		} else {
			got = err.Error()
		}
	}
	if got != args[0] {
		ts.Fatalf("%s: got exit code %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

func TestReadSecret(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 4096)
	for in, want := range map[string]string{
		"": "", "code": "code", "code\n": "code", "code\r\n": "code", "\n": "", " code \n": " code ", "a\nb\n": "a\nb", long: long,
	} {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{file, "-"} {
			got, err := cli.ReadSecret(t.Context(), &cli.Streams{In: strings.NewReader(in)}, name)
			if err != nil || got != want {
				t.Errorf("%.10q from %s: got %.10q, %v, want %.10q", in, name, got, err, want)
			}
		}
	}
	if got, err := cli.ReadSecret(t.Context(), &cli.Streams{In: strings.NewReader(long + "y")}, "-"); err == nil || got != "" || strings.Contains(err.Error(), "xx") {
		t.Errorf("4097 bytes: got %.10q, %v, want an error that does not show them", got, err)
	}
	if _, err := cli.ReadSecret(t.Context(), &cli.Streams{}, filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v, want %v", err, os.ErrNotExist)
	}
	if _, err := cli.ReadSecret(t.Context(), &cli.Streams{}, t.TempDir()); err == nil {
		t.Error("a directory: got no error")
	}
}

// TestReadSecretStops: a signal ends a program that waits for a secret.
func TestReadSecretStops(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd := exec.Command("prog", "secret", fifo)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tooLong := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer tooLong.Stop()
	for { // until it reads
		w, err := os.OpenFile(fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			defer w.Close()
			break
		}
		if !errors.Is(err, syscall.ENXIO) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if code, want := cmd.ProcessState.ExitCode(), "prog: error: interrupted while reading a secret\n"; code != 1 || stderr.String() != want {
		t.Errorf("got exit code %d, %q, want 1, %q", code, stderr.String(), want)
	}
}
