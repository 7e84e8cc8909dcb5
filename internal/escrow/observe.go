package escrow

import "time"

// Observer is told how the writer does. Its methods are called by the goroutine
// that makes the changes, and by those that withdraw one, so they must be safe for
// concurrent use, be quick, and not call the Service.
type Observer interface {
	// Group is called after each try to write a group: of how many changes, how
	// long the store took, and its error. ktsd's own upkeep counts as a change.
	Group(changes int, took time.Duration, err error)

	// Change is called once for each change that somebody asked for, with nil
	// after it was made, and else with the error that is the answer.
	Change(err error)
}

// unobserved is the Observer of those who want none.
type unobserved struct{}

func (unobserved) Group(int, time.Duration, error) {}
func (unobserved) Change(error)                    {}
