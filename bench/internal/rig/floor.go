package rig

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ktsd/ktsd/bench/internal/load"
)

// Floor is a floor that runs.
type Floor struct {
	addr     string
	postgres *Postgres
	process  *process
	server   *Server
}

// FloorCommand is the sub-command of this program that serves the floor.
const FloorCommand = "floor"

// DatabaseVariable names the environment variable with the floor's database.
const DatabaseVariable = "KTSD_BENCH_FLOOR_DATABASE"

// NewFloor starts a floor with the certificate, and for the clients, of k.
func NewFloor(ctx context.Context, k *Ktsd, dir string, postgres *Postgres) (*Floor, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f := &Floor{postgres: postgres}
	if f.addr, err = freeAddress(); err != nil {
		return nil, err
	}
	args := []string{FloorCommand, "--listen", f.addr, "--certificate", k.dir.Certificate(), "--private-key", k.dir.PrivateKey()}
	var url string
	if postgres == nil {
		args = append(args, "--file", filepath.Join(dir, "floor.db"))
	} else if url, err = postgres.CreateDatabase(ctx, "floor"); err != nil {
		return nil, err
	}
	f.process, err = start(self, args, func(cmd *exec.Cmd) {
		cmd.Env = append(os.Environ(), DatabaseVariable+"="+url)
	})
	if err != nil {
		return nil, err
	}
	if err := f.prepare(ctx, k); err != nil {
		f.Stop()
		return nil, err
	}
	return f, nil
}

// prepare waits until the floor answers.
func (f *Floor) prepare(ctx context.Context, k *Ktsd) error {
	clients, err := k.clientTLS(1)
	if err != nil {
		return err
	}
	clients[0].ServerName = "localhost"
	f.server = &Server{Name: "floor", PID: f.process.cmd.Process.Pid,
		Target: load.Target{Addr: f.addr, Host: "localhost", TLS: clients, Dialect: load.Ktsd(), HTTP2: k.HTTP2}}
	if f.postgres != nil {
		f.server.Databases = []int{f.postgres.PID()}
	}
	return f.process.await(ctx, 10*time.Millisecond, func() error {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", f.addr, clients[0])
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// Server returns what the load generator needs.
func (f *Floor) Server() *Server { return f.server }

// Stop stops the floor.
func (f *Floor) Stop() error { return f.process.stop(syscall.SIGTERM) }
