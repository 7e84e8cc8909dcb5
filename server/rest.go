package main

import (
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/ktsd/ktsd/internal/web"
)

// restInterval is how often it is looked at what was asked for, and quiet how few
// requests in that time, such as a monitor makes, are none.
const (
	restInterval = 30 * time.Second
	quiet        = 100
)

// rest counts requests, so that ktsd can give back the memory of a busy time once
// that is over: the garbage collector keeps it for the next one.
type rest struct {
	web.Observer
	store    store
	requests atomic.Int64

	last int64 // when it was looked at last
	busy bool  // since memory was given back
}

// Begin implements web.Observer.
func (r *rest) Begin() {
	r.requests.Add(1)
	r.Observer.Begin()
}

// look gives memory back if a busy time is over.
func (r *rest) look() {
	now := r.requests.Load()
	some := now-r.last > quiet
	r.last = now
	if !some && r.busy {
		if s, ok := r.store.(interface{ Rest() }); ok {
			s.Rest()
		}
		debug.FreeOSMemory()
	}
	r.busy = some
}
