package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// Target is what a plan is carried out on. An error means that the change may
// or may not have been made; every method can be called again after one.
type Target interface {
	// SetDatabase makes the tables of a database that has none, and then has
	// keytrustee.conf name it, atomically. ktsd does not run.
	SetDatabase(ctx context.Context, database site.Database) error

	// Configure makes keytrustee.conf say what is declared, atomically, once a ktsd
	// that runs has found that it can work with that. What is empty there is left
	// to ktsd's default.
	Configure(ctx context.Context, c Configuration) error

	// Reload returns nil once ktsd works with what is on the disk, and its
	// verdict if it refuses that and goes on as before; then keytrustee.conf is as
	// it was before Configure.
	Reload(ctx context.Context) error

	// CreateOrganization creates an active organization. With
	// site.ApprovalAuthCode and no code, ktsd generates the code.
	CreateOrganization(ctx context.Context, org site.Organization, code names.Secret) error

	// AddContacts adds contacts; those that are there already stay.
	AddContacts(ctx context.Context, org string, contacts []string) error

	// RemoveContact removes a contact. One that is not there is no error.
	RemoveContact(ctx context.Context, org, contact string) error

	// SetAdmission sets the approval and the code. With site.ApprovalAuthCode
	// and no code, an existing code is kept and a missing one is generated.
	SetAdmission(ctx context.Context, org string, approval site.Approval, code names.Secret) error

	// SetExpiration sets when an organization ends; zero: never.
	SetExpiration(ctx context.Context, org string, at time.Time) error

	// SetManagement sets who has the last word on contacts and code.
	SetManagement(ctx context.Context, org string, by site.ManagedBy) error

	// RemoveOrganization removes an organization with its clients and deposits, if
	// it has exactly so many of these. One that is not there is no error.
	RemoveOrganization(ctx context.Context, org string, deposits int64) error
}

// ErrRunning tells that ktsd has to stop before a plan is carried out.
var ErrRunning = errors.New("ktsd is running, and has to be stopped before its database changes")

// ErrUndone tells that what Configure did was taken back, since ktsd refused it.
var ErrUndone = errors.New("keytrustee.conf is as it was before")

// Execute makes the changes in order and calls progress with a sentence on
// each thing done. It stops at the first error, with an *Incomplete; another
// plan, made from what is then live, goes on from there. It does nothing, with
// ErrRunning, if the plan has a Stop.
func Execute(ctx context.Context, p Plan, target Target, progress func(message string)) error {
	if p.Stop != "" {
		return ErrRunning
	}
	for i, change := range p.Changes {
		err := ctx.Err()
		if err == nil {
			err = change.run(ctx, target)
		}
		if err != nil {
			done := p.Changes[:i]
			if errors.Is(err, ErrUndone) {
				done = slices.DeleteFunc(slices.Clone(done), isConfigure)
			}
			return &Incomplete{Done: done, Failed: change, Left: p.Changes[i+1:], Err: err}
		}
		for _, message := range change.outcome(p.Confdir) {
			progress(message)
		}
	}
	return nil
}

func isConfigure(c Change) bool {
	_, is := c.(Configure)
	return is
}

// Incomplete says how far Execute came.
type Incomplete struct {
	Done   []Change
	Failed Change // may or may not have been made
	Left   []Change
	Err    error // what Failed returned
}

// maxListed is how many of the changes that are left an error names.
const maxListed = 3

// Error names the change that failed and why, and counts and names the others.
func (e *Incomplete) Error() string {
	var b strings.Builder
	total := len(e.Done) + 1 + len(e.Left)
	if errors.Is(e.Err, ErrUndone) {
		total++
	}
	fmt.Fprintf(&b, "could not %s: %v; %d of %s done", e.Failed, e.Err, len(e.Done), count(total, "change"))
	for i, change := range e.Left {
		switch {
		case i == maxListed:
			fmt.Fprintf(&b, ", and %d more", len(e.Left)-maxListed)
		case i > maxListed:
		case i == 0:
			fmt.Fprintf(&b, ", not begun: %s", change)
		default:
			fmt.Fprintf(&b, ", %s", change)
		}
	}
	return b.String()
}

// Unwrap returns the reason.
func (e *Incomplete) Unwrap() error { return e.Err }
