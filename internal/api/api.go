// Package api is what goes over the wire: the route table, the types of requests
// and answers, and the statuses of the kinds of error. Server and clients read
// the same one. It does nothing.
package api

import (
	"net/http"
	"time"
)

// Who may call a route.
type Who int

// The callers. A route is absent for everybody it is not for; one that is for this
// host tells others that it is.
const (
	ByAnyone   Who = iota // over TLS
	ByClient              // over TLS, with a registered certificate
	ByOperator            // over the admin socket
	ByHost                // the operator over the admin socket, and this host itself over TLS
	ByAll                 // over TLS, and over the admin socket
)

// Route is one row of the route table.
type Route struct {
	Name    string // of its handler
	Method  string
	Path    string // a pattern of http.ServeMux
	Who     Who
	MaxBody int64         // bytes; 0: no body is read
	Timeout time.Duration // for the body to arrive, and again for the answer to be made
}

// Bounds of bodies, in bytes, and of times.
const (
	MaxDeposit = 1 << 20
	MaxJSON    = 64 << 10
	// MaxRegistration leaves room for a key of 64 KiB, armored, and the rest.
	MaxRegistration = 128 << 10

	short   = 10 * time.Second
	long    = 30 * time.Second
	removal = time.Minute // grows with what is removed
)

// Routes is the route table.
func Routes() []Route {
	const get, put, post, del = http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete
	return []Route{
		{"root", get, "/{$}", ByAnyone, 0, short},
		{"health", get, "/healthz", ByAnyone, 0, short},
		{"ready", get, "/readyz", ByAnyone, 0, short},
		{"metrics", get, "/metrics", ByHost, 0, short},
		{"openapi", get, "/v1/openapi.json", ByAll, 0, short},
		{"register", post, "/v1/clients", ByAnyone, MaxRegistration, short},

		{"self", get, "/v1/self", ByClient, 0, short},
		{"put", put, "/v1/deposits/{uuid}", ByClient, MaxDeposit, long},
		{"get", get, "/v1/deposits/{uuid}", ByClient, 0, long},
		{"find", get, "/v1/deposits", ByClient, 0, long},
		{"delete", del, "/v1/deposits/{uuid}", ByClient, 0, short},
		{"undelete", post, "/v1/deposits/{uuid}/undelete", ByClient, 0, short},
		{"purge", post, "/v1/deposits/{uuid}/purge", ByClient, 0, short},
		{"certificates", get, "/v1/certificates", ByClient, 0, short},
		{"addCertificate", post, "/v1/certificates", ByClient, MaxRegistration, short},
		{"retireCertificate", del, "/v1/certificates/{key}", ByClient, 0, short},

		{"server", get, "/v1/server", ByOperator, 0, short},
		{"status", get, "/v1/status", ByOperator, 0, short},
		{"reload", post, "/v1/reload", ByOperator, 0, short},
		{"check", post, "/v1/check", ByOperator, 0, short},
		{"organizations", get, "/v1/organizations", ByOperator, 0, long},
		{"createOrganization", post, "/v1/organizations", ByOperator, MaxJSON, short},
		{"addContacts", post, "/v1/organizations/{organization}/contacts", ByOperator, MaxJSON, short},
		{"removeContact", del, "/v1/organizations/{organization}/contacts/{contact}", ByOperator, 0, short},
		{"setAdmission", put, "/v1/organizations/{organization}/admission", ByOperator, MaxJSON, short},
		{"setExpiration", put, "/v1/organizations/{organization}/expiration", ByOperator, MaxJSON, short},
		{"setManagement", put, "/v1/organizations/{organization}/management", ByOperator, MaxJSON, short},
		{"usage", get, "/v1/organizations/{organization}/usage", ByOperator, 0, long},
		{"removeOrganization", del, "/v1/organizations/{organization}", ByOperator, 0, removal},
		{"clients", get, "/v1/clients", ByOperator, 0, long},
		{"enableClient", post, "/v1/clients/{fingerprint}/enable", ByOperator, 0, short},
		{"disableClient", post, "/v1/clients/{fingerprint}/disable", ByOperator, 0, short},
		{"clientCertificates", get, "/v1/clients/{fingerprint}/certificates", ByOperator, 0, short},
		{"revokeCertificate", post, "/v1/certificates/{key}/revoke", ByOperator, 0, short},
		{"purgeNow", post, "/v1/clients/{fingerprint}/deposits/{uuid}/purge", ByOperator, MaxJSON, short},
	}
}

// HeaderReason is a header of the operator's requests: why, in 1 to 255 bytes of
// printable UTF-8, for every audit record of the request.
const HeaderReason = "Ktsd-Reason"

// Headers of answers that carry a deposit's bytes.
const (
	HeaderUUID      = "Ktsd-Uuid"
	HeaderHandle    = "Ktsd-Handle" // percent-encoded as in a query
	HeaderVersion   = "Ktsd-Version"
	HeaderCreated   = "Ktsd-Created"    // RFC 3339
	HeaderNotAfter  = "Ktsd-Not-After"  // RFC 3339; absent where there is none
	HeaderRequestID = "Ktsd-Request-Id" // of every answer
)

// Deposit describes a deposit.
type Deposit struct {
	UUID     string     `json:"uuid"`
	Handle   string     `json:"handle"`
	Version  int64      `json:"version"`
	Size     int64      `json:"size"` // of the contents, bytes
	Created  time.Time  `json:"created"`
	NotAfter *time.Time `json:"not_after,omitempty"`
	Deleted  *time.Time `json:"deleted,omitempty"`
	Purged   *time.Time `json:"purged,omitempty"` // its contents are gone
}

// Deposits is one page of descriptions.
type Deposits struct {
	Deposits []Deposit `json:"deposits"`
	Cursor   string    `json:"cursor,omitempty"` // of the next page; absent on the last
}

// Registration asks to be registered. The text that Signature is over is told in
// package proof.
type Registration struct {
	Organization string    `json:"organization"`
	Name         string    `json:"name,omitempty"`
	AuthCode     string    `json:"auth_code,omitempty"`
	PublicKey    string    `json:"public_key"` // OpenPGP, armored
	Time         time.Time `json:"time"`       // of the signature
	Signature    []byte    `json:"signature"`  // OpenPGP, detached, in base64
}

// Client describes a client.
type Client struct {
	Fingerprint  string    `json:"fingerprint"`
	Organization string    `json:"organization"`
	Name         string    `json:"name,omitempty"`
	State        string    `json:"state"` // pending, active, disabled
	Created      time.Time `json:"created"`
	InForce      *InForce  `json:"in_force,omitempty"` // of its disabling, in the answer to that
}

// InForce tells where it is in force that access was taken away.
type InForce struct {
	Node       string `json:"node"`       // there at once
	Everywhere bool   `json:"everywhere"` // the database has it; if not, it is told as soon as it can be
}

// Certificate describes a client's TLS key.
type Certificate struct {
	Key     string     `json:"key"` // 64 hex digits: SHA-256 of its SubjectPublicKeyInfo
	Client  string     `json:"client"`
	Created time.Time  `json:"created"`
	Retired *time.Time `json:"retired,omitempty"`  // from then on it is not taken any more
	Current bool       `json:"current,omitempty"`  // it is that of the connection
	InForce *InForce   `json:"in_force,omitempty"` // of its revocation, in the answer to that
}

// Certificates is a list of certificates.
type Certificates struct {
	Certificates []Certificate `json:"certificates"`
}

// NewCertificate asks for another TLS key to be bound to the caller. The text that
// Signature is over is told in package proof.
type NewCertificate struct {
	Request   string    `json:"request"`    // certification request of the new key (PKCS #10, RFC 2986), PEM
	PublicKey string    `json:"public_key"` // the client's OpenPGP key, armored
	Time      time.Time `json:"time"`       // of the signature
	Signature []byte    `json:"signature"`  // OpenPGP, detached, in base64
}

// Purge says why an operator purges a deposit at once.
type Purge struct {
	Reason string `json:"reason"` // 1 to 255 bytes, for the audit log
}

// Removed is the answer to the removal of a contact.
type Removed struct {
	InForce InForce `json:"in_force"`
}

// Clients is a list of clients.
type Clients struct {
	Clients []Client `json:"clients"`
}

// NewOrganization asks for an organization.
type NewOrganization struct {
	Name     string   `json:"name"`
	Contacts []string `json:"contacts,omitempty"`
	Approval string   `json:"approval,omitempty"`  // auth_code (the default), contacts, automatic
	AuthCode string   `json:"auth_code,omitempty"` // absent: one is generated

	Expires   *time.Time `json:"expires,omitempty"`    // absent: Never
	ManagedBy string     `json:"managed_by,omitempty"` // tenant (the default), file
}

// Organization describes an organization to the operator.
type Organization struct {
	Name      string    `json:"name"`
	UUID      string    `json:"uuid"`
	Contacts  []string  `json:"contacts"`
	Approval  string    `json:"approval"`
	AuthCode  string    `json:"auth_code,omitempty"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"`           // Never, or from then on none of its clients is served
	ManagedBy string    `json:"managed_by"`        // tenant, file: who has the last word on it
	Foreign   []string  `json:"foreign,omitempty"` // rows of it that this server did not write: "organization", "contact …"
}

// Never is the expiration of an organization that never expires, as the original
// writes it.
func Never() time.Time { return time.Date(9999, 12, 31, 18, 59, 59, 0, time.UTC) }

// Expiration asks for another expiration of an organization.
type Expiration struct {
	Expires time.Time `json:"expires"` // from 1970 to 9999; one that has passed ends it at once
}

// Management asks for another management of an organization.
type Management struct {
	ManagedBy string `json:"managed_by"` // tenant, file
}

// Usage is what an organization holds.
type Usage struct {
	Clients  int64 `json:"clients"`  // pending and disabled ones included
	Deposits int64 `json:"deposits"` // deleted ones included, purged ones not
	Bytes    int64 `json:"bytes"`    // of their contents
}

// Organizations is a list of organizations.
type Organizations struct {
	Organizations []Organization `json:"organizations"`
}

// Contacts asks for contacts to be added.
type Contacts struct {
	Contacts []string `json:"contacts"`
}

// Admission asks for another way to let clients in.
type Admission struct {
	Approval string `json:"approval"`
	AuthCode string `json:"auth_code,omitempty"` // absent with auth_code: the one that is set, or a new one
}

// Server tells what ktsd runs with.
type Server struct {
	Version     string    `json:"version"`
	Fingerprint string    `json:"fingerprint"` // qualified: 4096R/…
	Node        string    `json:"node"`
	Hostname    string    `json:"hostname"` // by which clients reach it
	Listen      string    `json:"listen"`   // addresses, with commas between
	Started     time.Time `json:"started"`

	TLSMinVersion  string `json:"tls_min_version"`
	Ciphers        string `json:"ciphers"`         // in OpenSSL's notation; "": Go's own choice
	Certificate    string `json:"certificate"`     // file
	PrivateKey     string `json:"private_key"`     // file
	CAChain        string `json:"ca_chain"`        // file; it need not be there unless keytrustee.conf names it
	PasswordScript string `json:"password_script"` // with its arguments, so it may hold the password; "": the key is not encrypted

	Loaded     string    `json:"loaded"`      // SHA-256 of the certificate in use and its chain, as openssl prints that of one
	Expires    time.Time `json:"expires"`     // the certificate in use
	SelfSigned bool      `json:"self_signed"` // the certificate in use: no CA vouches for it

	Database        string `json:"database"`         // "sqlite", or "postgres HOST:PORT/DATABASE as USER"; never a password
	DatabaseChanged bool   `json:"database_changed"` // keytrustee.conf names another one, or another URL of it, which a start takes on

	Limits Limits        `json:"limits"`
	Audit  AuditSettings `json:"audit"`
}

// Limits are the limits in force: those of the block of that name. Sizes are in
// bytes, times as Go writes them.
type Limits struct {
	ClientDeposits        int64  `json:"client_deposits"`
	ClientBytes           int64  `json:"client_bytes"`
	ClientRate            int64  `json:"client_rate"` // requests a second
	OrganizationDeposits  int64  `json:"organization_deposits"`
	OrganizationBytes     int64  `json:"organization_bytes"`
	OrganizationRate      int64  `json:"organization_rate"` // requests a second
	PendingClients        int64  `json:"pending_clients"`
	PendingExpiry         string `json:"pending_expiry"`
	PurgeAfter            string `json:"purge_after"`
	Connections           int64  `json:"connections"`             // 0: as many as descriptors allow
	ConnectionsPerAddress int64  `json:"connections_per_address"` // 0: half of these
	Bodies                int64  `json:"bodies"`
	Answers               int64  `json:"answers"`
	Verifications         int64  `json:"verifications"`
}

// AuditSettings say how the audit log is kept: they are those of the block audit.
type AuditSettings struct {
	SegmentSize int64  `json:"segment_size"`
	SegmentAge  string `json:"segment_age"`
	Reserve     int64  `json:"reserve"`
	LowWater    int64  `json:"low_water"` // 0: none
	Heads       bool   `json:"heads"`
}
