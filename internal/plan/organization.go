package plan

import (
	"context"
	"fmt"
	"time"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

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

// SetExpiration sets when an organization ends.
type SetExpiration struct {
	Organization string
	Old, New     time.Time // zero = never
}

// SetManagement sets who has the last word on an organization's contacts and code.
type SetManagement struct {
	Organization string
	Old, New     site.ManagedBy
	Undeclared   bool // the file no longer declares it
}

// RemoveOrganization removes an organization with all that its clients deposited.
type RemoveOrganization struct {
	Organization string
	Usage        Usage
	Deposits     int64 // how many the file says there are
}

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

// String says what the step does.
func (c SetExpiration) String() string {
	return fmt.Sprintf("set the expiration of organization %q", c.Organization)
}

// String says what the step does.
func (c SetManagement) String() string {
	return fmt.Sprintf("set who manages organization %q", c.Organization)
}

// String says what the step does.
func (c RemoveOrganization) String() string {
	return fmt.Sprintf("remove organization %q", c.Organization)
}

func (c CreateOrganization) run(ctx context.Context, t Target) error {
	return t.CreateOrganization(ctx, c.Organization, c.Code)
}

func (c AddContacts) run(ctx context.Context, t Target) error {
	return t.AddContacts(ctx, c.Organization, c.Contacts)
}

func (c RemoveContact) run(ctx context.Context, t Target) error {
	return t.RemoveContact(ctx, c.Organization, c.Contact)
}

func (c SetAdmission) run(ctx context.Context, t Target) error {
	return t.SetAdmission(ctx, c.Organization.Name, c.Organization.Approval, c.Code)
}

func (c SetExpiration) run(ctx context.Context, t Target) error {
	return t.SetExpiration(ctx, c.Organization, c.New)
}

func (c SetManagement) run(ctx context.Context, t Target) error {
	return t.SetManagement(ctx, c.Organization, c.New)
}

func (c RemoveOrganization) run(ctx context.Context, t Target) error {
	return t.RemoveOrganization(ctx, c.Organization, c.Deposits)
}
