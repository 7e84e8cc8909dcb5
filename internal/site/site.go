// Package site is a Key Trustee site as plain data: its servers, its database, its
// limits and its organizations, with the rules that their names and values obey.
//
// It is the language that the file's reader (package hcl), the differ (package
// plan) and the commands have in common. It does no I/O and knows no syntax.
package site

// Site is everything one file declares.
type Site struct {
	Servers       []Server
	Database      *Database // nil: not declared
	Limits        *Limits   // nil: not declared
	Audit         *Audit    // nil: not declared
	Organizations []Organization
}

// Server is one host's ktsd. An empty string stands for ktsd's default.
type Server struct {
	Name   string // host name, compared without regard to case
	Listen string // "host:port" or ":port"; default DefaultListen
	TLS    TLS
}

// TLS says how a server speaks TLS. An empty string stands for ktsd's default.
type TLS struct {
	MinVersion  string // one of MinVersions; default DefaultMinVersion
	Certificate string // absolute path of a PEM file; default DefaultCertificate
	PrivateKey  string // absolute path of a PEM file; default DefaultPrivateKey
}

// What ktsd does where its configuration is silent.
const (
	DefaultListen     = ":11371"
	DefaultMinVersion = "tlsv1.2"

	// These two are relative to the configuration directory.
	DefaultCertificate = ".ssl/ssl-cert-keytrustee.pem"
	DefaultPrivateKey  = ".ssl/ssl-cert-keytrustee-pk.pem"
)

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
