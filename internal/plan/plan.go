// Package plan finds out what stands between the site a file declares and the
// one that is live on this host, shows it, and carries it out.
//
//	Diff(desired, live) → Plan → Render or MarshalJSON → Execute(plan, target)
//
// Diff and the rendering are pure: the caller reads the file, the configuration
// directory and ktsd, and owns the Target that changes them. There is no state
// file. What is live and not declared is listed and left alone, and a secret
// is compared but never shown.
package plan

import (
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// Desired is what the file wants of this host.
type Desired struct {
	Host    string // this host's name
	File    string // where the site is declared
	Confdir string // for the commands that hints name; empty = the default one

	// Server is this host's server block. With nil the server's part is not
	// declared: it is neither compared nor changed.
	Server *site.Server

	// Database is where the file says that ktsd keeps everything. With nil that is
	// not declared: it is neither compared nor changed.
	Database *Database

	// Limits and Audit are the blocks of these names. With nil they are not
	// declared: neither compared nor changed.
	Limits *site.Limits
	Audit  *site.Audit

	// Organizations have unique names.
	Organizations []site.Organization

	// Removed are organizations that are to be there no more; none of them is in
	// Organizations.
	Removed []site.Removed

	// Warnings are shown with the plan: what is allowed, and may be a mistake.
	Warnings []Warning

	// AuthCodes holds, by name of the organization, what each AuthCodeFile
	// contains. An organization whose file is not in here is Unknown.
	AuthCodes map[string]names.Secret
}

// Live is what exists on this host.
type Live struct {
	Server   site.Server // what keytrustee.conf says
	Database Database    // what keytrustee.conf names
	Limits   bounds.Limits
	Audit    bounds.Audit
	Running  *Running // what ktsd says; nil = it is not running
}

// Running is what a running ktsd works with.
type Running struct {
	Server             site.Server
	CertificateChanged bool   // the files on disk are not what ktsd has loaded
	Database           string // as Database.Shown
	DatabaseChanged    bool   // keytrustee.conf names another one than ktsd has opened
	Limits             bounds.Limits
	Audit              bounds.Audit
	Organizations      []LiveOrganization
}

// LiveOrganization is an organization in ktsd's store.
type LiveOrganization struct {
	site.Organization              // without AuthCodeFile: ktsd keeps the code, not the file
	State             string       // "active", or why it is not
	AuthCode          names.Secret // empty = none
	Usage             *Usage       // of one that is to be removed; nil = nobody asked
}

// Usage is what an organization holds.
type Usage struct{ Clients, Deposits int64 }

// StateActive is the state of an organization that works.
const StateActive = "active"

// Plan is what to do to get from the live site to the desired one.
type Plan struct {
	Host, File, Confdir string // as in Desired

	// Changes are in the order in which they are shown and made.
	Changes []Change

	// Stop says why the changes cannot be made while ktsd runs; empty: they can.
	Stop string

	// Unmanaged are the organizations that exist and are not declared.
	Unmanaged []Unmanaged

	// Tenants are the organizations whose contacts or code are their tenants' own,
	// and differ from what the file gave them.
	Tenants []Tenant

	// Warnings are those of Desired, and what the changes bring about.
	Warnings []Warning

	// Unknown is what could not be compared.
	Unknown []Unknown
}

// Unmanaged is an organization that the file does not mention.
type Unmanaged struct {
	Organization string
	State        string
}

// Tenant is an organization, managed by its tenant, that is not as the file has it.
// That is left as it is.
type Tenant struct {
	Organization   string
	Added, Removed []string // contacts
	CodeChanged    bool
}

// Warning is something to look at before the plan is carried out.
type Warning struct {
	Block, Name string // as in the file; a name may be empty
	Attribute   string // may be empty
	Text        string
}

// Unknown names organizations that could not be compared, and why.
type Unknown struct {
	Reason        string
	Organizations []string
}

// InSync tells whether the host is known to be as declared.
func (p Plan) InSync() bool { return len(p.Changes) == 0 && len(p.Unknown) == 0 && p.Stop == "" }
