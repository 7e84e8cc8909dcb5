// Package site is a Key Trustee site as plain data: its servers, its database, its
// limits and its organizations, with the rules that their names and values obey.
//
// It is the language that the file's reader (package hcl), the differ (package
// plan) and the commands have in common. It does no I/O and knows no syntax.
package site

import (
	"strings"
	"time"
)

// Site is everything one file declares.
type Site struct {
	Servers       []Server
	Database      *Database // nil: not declared
	Limits        *Limits   // nil: not declared
	Audit         *Audit    // nil: not declared
	Organizations []Organization
	Removed       []Removed
}

// Server is one host's ktsd. An empty string stands for ktsd's default.
type Server struct {
	Name   string // host name, compared without regard to case
	Listen string // addresses, see Addresses: "host:port" or ":port"; default DefaultListen

	// Hostname is the name by which clients reach the server, which its certificate
	// has to bear; default Name.
	Hostname string

	TLS TLS
}

// TLS says how a server speaks TLS. An empty string stands for ktsd's default.
type TLS struct {
	MinVersion  string // one of MinVersions; default DefaultMinVersion
	Ciphers     string // in OpenSSL's notation (package ciphers); default: Go's own choice
	Certificate string // absolute path of a PEM file; default DefaultCertificate
	PrivateKey  string // absolute path of a PEM file; default DefaultPrivateKey
	CAChain     string // absolute path of a PEM file; default DefaultCAChain

	// PasswordScript is a program, absolute, with its arguments, that prints the
	// password of the private key. It may hold the password itself, so no more
	// than the program is ever shown. Empty: the key is not encrypted.
	PasswordScript string
}

// PasswordProgram returns the program of PasswordScript, which may be shown, and
// whether it is given arguments, which may not.
func (t TLS) PasswordProgram() (program string, arguments bool) {
	words := strings.Fields(t.PasswordScript)
	if len(words) == 0 {
		return "", false
	}
	if !strings.HasPrefix(words[0], "/") {
		return notShown, true // nobody knows what it is
	}
	return words[0], len(words) > 1
}

const notShown = "(not shown)"

// What ktsd does where its configuration is silent.
const (
	DefaultListen     = ":11371"
	DefaultMinVersion = "tlsv1.2"

	// These two are relative to the configuration directory.
	DefaultCertificate = ".ssl/ssl-cert-keytrustee.pem"
	DefaultPrivateKey  = ".ssl/ssl-cert-keytrustee-pk.pem"
	DefaultCAChain     = ".ssl/ssl-cert-keytrustee-ca.pem"
)

// Addresses returns the addresses that a server listens on: Listen separates them
// by commas, spaces, or both.
func Addresses(listen string) []string {
	return strings.FieldsFunc(listen, func(r rune) bool { return r == ',' || r == ' ' })
}

// JoinAddresses is the inverse of Addresses.
func JoinAddresses(addresses []string) string { return strings.Join(addresses, ", ") }

// WithDefaults returns s with every empty value replaced by its default, so
// that two servers that behave alike compare as equal. The name stays.
func (s Server) WithDefaults() Server {
	fill := func(value *string, byDefault string) {
		if *value == "" {
			*value = byDefault
		}
	}
	fill(&s.Listen, DefaultListen)
	fill(&s.TLS.MinVersion, DefaultMinVersion)
	fill(&s.TLS.Certificate, DefaultCertificate)
	fill(&s.TLS.PrivateKey, DefaultPrivateKey)
	fill(&s.TLS.CAChain, DefaultCAChain)
	fill(&s.Hostname, s.Name)
	return s
}

// Organization is a tenant.
type Organization struct {
	Name     string   // see CheckOrgName; case matters
	Contacts []string // mail addresses, see CheckContact; a set
	Approval Approval // how clients are admitted

	// AuthCodeFile is the absolute path of the file that holds the
	// authorization code. Empty: ktsd generates the code, if Approval needs one.
	AuthCodeFile string

	// Expiration is when the organization ends: from then on none of its clients
	// is served. Zero: never.
	Expiration time.Time

	ManagedBy ManagedBy // whose contacts and code these are; empty: DefaultManagedBy
}

// NoExpiration is the time that stands for an organization that never ends where a
// time has to stand, as in the original's listing.
func NoExpiration() time.Time { return time.Date(9999, 12, 31, 18, 59, 59, 0, time.UTC) }

// ManagedBy says who has the last word on an organization's contacts and code.
type ManagedBy string

// Who has the last word.
const (
	ManagedByFile   ManagedBy = "file"   // the site's file: what it does not declare is taken back
	ManagedByTenant ManagedBy = "tenant" // the contacts: the file gives what the organization begins with

	DefaultManagedBy = ManagedByFile
)

// OrDefault returns the default in place of nothing.
func (m ManagedBy) OrDefault() ManagedBy {
	if m == "" {
		return DefaultManagedBy
	}
	return m
}

// Removed is an organization that is to be removed, with all that its clients
// deposited.
type Removed struct {
	Organization string

	// Deposits is how many deposits the file says will be lost; a removal that
	// would lose another number is refused.
	Deposits int64
}

// Approval is the way an organization admits the clients that register.
type Approval string

// The ways to admit clients.
const (
	ApprovalAuthCode  Approval = "auth_code" // whoever knows the code
	ApprovalContacts  Approval = "contacts"  // whom a contact approves
	ApprovalAutomatic Approval = "automatic" // everybody

	DefaultApproval = ApprovalAuthCode
)
