package ktest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Process is a testing.TB for what outlives a test: TestMain and what examples
// share, which have none. A failure ends the process. Its zero value is ready;
// Close does what Cleanup was told, last first.
type Process struct {
	testing.TB // nil: it is here for its private method, and no other is called

	cleanups []func()
	failed   bool
}

// Close cleans up.
func (p *Process) Close() {
	for i := len(p.cleanups) - 1; i >= 0; i-- {
		p.cleanups[i]()
	}
	p.cleanups = nil
}

// Cleanup has Close call f.
func (p *Process) Cleanup(f func()) { p.cleanups = append(p.cleanups, f) }

// TempDir returns a new directory that Close removes.
func (p *Process) TempDir() string {
	dir, err := os.MkdirTemp("", "ktsd-test-")
	if err != nil {
		p.Fatalf("making a directory: %v", err)
	}
	p.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Fatalf ends the process.
func (p *Process) Fatalf(format string, args ...any) {
	p.Errorf(format, args...)
	p.Close()
	os.Exit(1)
}

// Fatal ends the process.
func (p *Process) Fatal(args ...any) { p.Fatalf("%s", fmt.Sprint(args...)) }

// Errorf notes a failure.
func (p *Process) Errorf(format string, args ...any) {
	p.failed = true
	p.Logf(format, args...)
}

// Error notes a failure.
func (p *Process) Error(args ...any) { p.Errorf("%s", fmt.Sprint(args...)) }

// Logf prints to standard error: an example's standard output is compared.
func (p *Process) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Failed tells whether a failure was noted.
func (p *Process) Failed() bool { return p.failed }

// Name returns the name of the test program.
func (p *Process) Name() string { return filepath.Base(os.Args[0]) }

// Helper does nothing.
func (p *Process) Helper() {}
