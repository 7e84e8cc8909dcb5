// Package client registers with Key Trustee servers and keeps deposits there.
//
// What is put is encrypted and signed on this host, with an OpenPGP key that
// never leaves it, and checked when it comes back: the server sees no plaintext,
// and cannot answer one deposit with another. All that a client needs is in its
// directory (secring.gpg, pubring.gpg, client-cert.pem, client-key.pem,
// keytrustee.conf): without a copy of that directory every deposit is lost.
//
// The package never sends anything to a server that it has not authenticated, by
// certificates or by the fingerprint of its OpenPGP key, but in the latter case the
// question who it is; and it keeps no plaintext in files. Admin, the operator's half,
// talks to ktsd on its own host.
package client

import (
	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
)

// Deposit describes a deposit.
type Deposit = api.Deposit

// The kinds of error that programs tell apart, with errors.Is.
const (
	ErrNotFound       = fault.NotFound        // there is no such deposit
	ErrGone           = fault.Gone            // it was purged, or its not_after has passed
	ErrConflict       = fault.Conflict        // the server has it otherwise
	ErrDenied         = fault.Denied          // registration was refused
	ErrPending        = fault.Pending         // registered, and waiting for approval
	ErrDisabled       = fault.Disabled        // the client was disabled
	ErrUnavailable    = fault.Unavailable     // no server took the request; nothing changed
	ErrOutcomeUnknown = fault.OutcomeUnknown  // it may have been done; do the same again
	ErrCorrupt        = fault.Corrupt         // what came back is not what was put
	ErrTooLarge       = fault.TooLarge        // over 1 MiB once encrypted
	ErrQuota          = fault.Quota           // over a limit of what may be kept; trying again does not help
	ErrLimited        = fault.Limited         // over a limit of rate; try later
	ErrUntrusted      = fault.Untrusted       // the server could not be authenticated; nothing was sent
	ErrNotRegistered  = fault.Unauthenticated // this client is not known
)
