// Package fault declares, once, the kinds of error that ktsd answers and its
// clients tell apart with errors.Is, on both ends of the wire. It knows nothing
// of HTTP (package api holds the statuses) and never carries a secret: a
// Message and a Hint may be shown to whoever made the request.
package fault

import (
	"fmt"
	"time"
)

// Kind is one kind of error. It is an error itself, so that
// errors.Is(err, fault.NotFound) asks for the kind of err.
type Kind string

// The kinds of error.
const (
	Invalid         Kind = "invalid"         // the request cannot be understood; sending it again does not help
	Unauthenticated Kind = "unauthenticated" // no client certificate, or one that is bound to nobody
	Denied          Kind = "denied"          // not for this caller; of a registration the answer never says which part was wrong
	Pending         Kind = "pending"         // the client waits for approval
	Disabled        Kind = "disabled"        // the client was disabled
	NotFound        Kind = "not_found"       // absent, or not the caller's: these look alike
	Method          Kind = "method"          // the path exists, with other methods
	Timeout         Kind = "timeout"         // the request did not arrive in time
	Conflict        Kind = "conflict"        // it would replace or contradict what exists
	Gone            Kind = "gone"            // it was purged, or its not_after has passed
	TooLarge        Kind = "too_large"       // over a limit of size
	Limited         Kind = "limited"         // over a limit of rate or number; try later
	Quota           Kind = "quota"           // over a limit of what may be kept; trying again does not help
	Corrupt         Kind = "corrupt"         // stored data was changed behind the server's back and is not served
	Internal        Kind = "internal"        // an error of ours, told in full in the server's log
	Unavailable     Kind = "unavailable"     // refused for now, nothing changed; try later or another server
	Untrusted       Kind = "untrusted"       // a client's own: the server could not be authenticated, nothing was sent
	OutcomeUnknown  Kind = "outcome_unknown" // it may have been done: repeat exactly the same request
)

// Error makes a Kind a target of errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is an error with its kind, told for the person who can do something
// about it.
type Error struct {
	Kind    Kind
	Message string // what happened, to what
	Hint    string // what to do next; empty if nothing is to be said
	Err     error  // the cause, for our own log; never sent

	Retry time.Duration // how long to wait before the same may succeed; 0: not said
}

// New returns an error of kind k that says what happened.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// WithHint sets what to do next, and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// RetryAfter sets how long to wait before trying again, and returns e.
func (e *Error) RetryAfter(d time.Duration) *Error {
	e.Retry = d
	return e
}

// Because sets the cause, and returns e.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// Error returns the message, with the cause where there is one.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap gives errors.Is both the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}
