package main

import (
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// turnPatience is how long a request waits until another reload or check is through,
// which takes milliseconds, or as long as a password script may run.
const turnPatience = 20 * time.Second

// turn is whose turn it is to reload or to check: one's at a time. Its size is 1.
type turn chan struct{}

// take waits for the turn, for at most patience; 0 is for good.
func (t turn) take(patience time.Duration) error {
	var over <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-over:
		return fault.New(fault.Unavailable, "another reload or check has been under way for %v and more", patience).
			WithHint("see whether a file that keytrustee.conf names is on a file system that hangs")
	}
}

// giveUp lets the next one have its turn.
func (t turn) giveUp() { <-t }
