// Package rig sets up what is measured, each as processes of its own so that their
// processor time can be told apart: ktsd with its clients, the floor, a
// PostgreSQL cluster, and a peer that somebody else runs. All of it is in one
// directory, and is gone when the measurement ends.
package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/ktsd/ktsd/bench/internal/load"
)

// Server is something to measure.
type Server struct {
	Name      string
	Target    load.Target
	PID       int
	Databases []int // first processes of the database servers that work for it
}

// patience is how long something may take to start or to stop.
const patience = 30 * time.Second

// process is a program that runs in the background.
type process struct {
	cmd    *exec.Cmd
	log    bytes.Buffer // read once it has ended
	exited chan struct{}
}

// start starts a program; prepare, where it is not nil, changes how.
func start(program string, args []string, prepare func(*exec.Cmd)) (*process, error) {
	p := &process{cmd: exec.Command(program, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if prepare != nil {
		prepare(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// await calls ready until it returns nil.
func (p *process) await(ctx context.Context, every time.Duration, ready func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended:\n%s", p.cmd.Path, p.log.Bytes())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer after %s: %w", p.cmd.Path, patience, err)
		}
	}
}

// stop ends it with a signal, and by force if that does not help.
func (p *process) stop(sig os.Signal) error {
	if p == nil {
		return nil
	}
	p.cmd.Process.Signal(sig)
	select {
	case <-p.exited:
		return nil
	case <-time.After(patience):
	}
	err := p.cmd.Process.Kill()
	<-p.exited
	return errors.Join(fmt.Errorf("%s did not end within %s and was killed", p.cmd.Path, patience), err)
}

// run runs a program to its end.
func run(ctx context.Context, program string, args []string, prepare func(*exec.Cmd)) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if prepare != nil {
		prepare(cmd)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

// freeAddress returns an address of 127.0.0.1 that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
