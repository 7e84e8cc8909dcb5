package plan

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// Change is one step of a plan. There are no others than those in this file, in
// database.go and in bounds.go.
// Each one is idempotent: made twice, it leaves what it leaves made once.
type Change interface {
	// String says what the step does: `create organization "x"`.
	fmt.Stringer

	// view returns what the plan shows of it.
	view() changeView

	// run makes the change.
	run(context.Context, Target) error

	// outcome tells what run has done. The confdir is for commands to name.
	outcome(confdir string) []string
}

// Attribute is one difference inside a block.
type Attribute struct {
	Name     string
	Old, New Value
}

// Value is an attribute's value as it is shown.
type Value struct {
	Text      string `json:"value,omitempty"`     // as the file has it
	Default   bool   `json:"default,omitempty"`   // ktsd's default
	Sensitive bool   `json:"sensitive,omitempty"` // exists, and is not shown; Text is empty
	Note      string `json:"note,omitempty"`      // words about the value, or in place of one

	bare bool // Text is a number or a truth value, which the file has without quotes
}

// WriteServer writes this host's part of the site to keytrustee.conf.
type WriteServer struct {
	Server     site.Server
	Attributes []Attribute // old = what keytrustee.conf says
}

// Reload makes the running ktsd take its configuration and certificate from
// the disk, without dropping a connection.
type Reload struct {
	Server  string // this host's name
	Reasons []string
}

// CreateOrganization creates an organization with its contacts.
type CreateOrganization struct {
	Organization site.Organization // contacts sorted
	Code         names.Secret      // empty with ApprovalAuthCode = ktsd generates one
}

// AddContacts adds contacts to an organization that exists.
type AddContacts struct {
	Organization string
	Contacts     []string // sorted
}

// RemoveContact takes away a contact that the file does not declare.
type RemoveContact struct {
	Organization string
	Contact      string
}

// SetAdmission sets how an organization admits clients, and its code.
type SetAdmission struct {
	Organization site.Organization
	Code         names.Secret // empty with ApprovalAuthCode = keep the one there is, or generate one
	Generates    bool         // there is none to keep
	Attributes   []Attribute  // approval, auth code, or both
}

// String says what the step does.
func (c WriteServer) String() string { return "write keytrustee.conf" }

// String says what the step does.
func (c Reload) String() string { return "reload ktsd" }

// String says what the step does.
func (c CreateOrganization) String() string {
	return fmt.Sprintf("create organization %q", c.Organization.Name)
}

// String says what the step does.
func (c AddContacts) String() string {
	return fmt.Sprintf("add %s to organization %q", count(len(c.Contacts), "contact"), c.Organization)
}

// String says what the step does.
func (c RemoveContact) String() string {
	return fmt.Sprintf("remove contact %q from organization %q", c.Contact, c.Organization)
}

// String says what the step does.
func (c SetAdmission) String() string {
	return fmt.Sprintf("set the admission of organization %q", c.Organization.Name)
}

// count returns "1 contact", "2 contacts".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
