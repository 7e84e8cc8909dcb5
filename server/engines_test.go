package main_test

import (
	"os"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/ktest"
)

// engines runs a test once for each store, with a directory that uses it.
func engines(t *testing.T, test func(t *testing.T, dir string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, ktest.Dir(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, ktest.DirOn(t, ktest.Postgres(t)))
	})
}

// serviceOn is service on a directory that is there.
func serviceOn(t *testing.T, dir string) (*ktest.Server, box, *identity) {
	t.Helper()
	s := ktest.Start(t, dir)
	s.Organization(t, "acme")
	b, id := newBox(t, s, "acme")
	return s, b, id
}

// soaking says whether this is "make soak", which tries for minutes what "make
// test" tries for seconds.
func soaking() bool { return os.Getenv("KTSD_SOAK") == "1" }

// soak returns long under "make soak", else short.
func soak[T int | time.Duration](short, long T) T {
	if soaking() {
		return long
	}
	return short
}
