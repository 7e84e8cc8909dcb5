package escrow

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// OrgName is the name of an organization: 1 to 64 letters, digits, hyphens and
// underscores.
type OrgName string

// ParseOrgName returns the name, or a fault of kind Invalid.
func ParseOrgName(s string) (OrgName, error) {
	if err := names.CheckOrganization(s); err != nil {
		return "", fault.New(fault.Invalid, "organization %.80q: %v", s, err)
	}
	return OrgName(s), nil
}

// Fingerprint is an OpenPGP v4 fingerprint: 40 upper-case hex digits (RFC 4880,
// 12.2).
type Fingerprint string

// ParseFingerprint takes 40 hex digits, alone or qualified as in "4096R/4EDC…",
// and returns a fault of kind Invalid for anything else.
func ParseFingerprint(s string) (Fingerprint, error) {
	digits := s
	if _, after, qualified := strings.Cut(s, "/"); qualified {
		digits = after
	}
	if b, err := hex.DecodeString(digits); err != nil || len(b) != 20 {
		return "", fault.New(fault.Invalid, "%.80q is not an OpenPGP fingerprint", s).
			WithHint("a fingerprint has 40 hex digits, like 4EDC46882386C827E20DEEA2D850ACA33BEDB0D1")
	}
	return Fingerprint(strings.ToUpper(digits)), nil
}

// Handle is a client's name for a deposit: 1 to 255 bytes of UTF-8.
type Handle string

// ParseHandle returns the handle, or a fault of kind Invalid.
func ParseHandle(s string) (Handle, error) {
	if err := names.CheckHandle(s); err != nil {
		return "", fault.New(fault.Invalid, "%v", err)
	}
	return Handle(s), nil
}

// UUID names a deposit within its client: RFC 9562, in lower case.
type UUID string

// ParseUUID returns the UUID, or a fault of kind Invalid.
func ParseUUID(s string) (UUID, error) {
	u, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return "", fault.New(fault.Invalid, "%.80q is not a UUID", s)
	}
	return UUID(u.String()), nil
}

// KeyHash names a TLS key: SHA-256 of its SubjectPublicKeyInfo (RFC 5280,
// 4.1.2.7). The zero value stands for no key.
type KeyHash [sha256.Size]byte

// String returns 64 hex digits.
func (k KeyHash) String() string { return hex.EncodeToString(k[:]) }

// ParseKeyHash takes 64 hex digits, or returns a fault of kind Invalid.
func ParseKeyHash(s string) (k KeyHash, err error) {
	if b, err := hex.DecodeString(s); err == nil && len(b) == len(k) {
		return KeyHash(b), nil
	}
	return KeyHash{}, fault.New(fault.Invalid, "%.80q is not the hash of a TLS key", s).
		WithHint("it has 64 hex digits: SHA-256 of the key's SubjectPublicKeyInfo")
}

// Approval is how an organization lets clients in.
type Approval string

// The ways to let a client in.
const (
	ApprovalAuthCode  Approval = "auth_code" // at once, for the right authorization code
	ApprovalContacts  Approval = "contacts"  // pending, until somebody approves
	ApprovalAutomatic Approval = "automatic" // at once, for anybody who can reach the server
)

// ParseApproval returns the approval, or a fault of kind Invalid.
func ParseApproval(s string) (Approval, error) {
	switch a := Approval(s); a {
	case ApprovalAuthCode, ApprovalContacts, ApprovalAutomatic:
		return a, nil
	}
	return "", fault.New(fault.Invalid, "%.80q is no way to approve clients", s).
		WithHint("it is one of auth_code, contacts and automatic")
}

// Management is who has the last word on an organization.
type Management string

// Those who may have it.
const (
	ManagedByTenant Management = "tenant" // its contacts, and the operator for them
	ManagedByFile   Management = "file"   // the site's file, which every apply restores
)

// ParseManagement returns the management, or a fault of kind Invalid.
func ParseManagement(s string) (Management, error) {
	switch m := Management(s); m {
	case ManagedByTenant, ManagedByFile:
		return m, nil
	}
	return "", fault.New(fault.Invalid, "%.80q manages no organization", s).WithHint("it is file or tenant")
}

// Organization is a tenant.
type Organization struct {
	Name      OrgName
	UUID      string // 43 letters and digits
	Approval  Approval
	Code      Sealed // the authorization code; zero where there is none
	Contacts  []Contact
	Created   time.Time
	Expires   time.Time // from then on none of its clients is served
	ManagedBy Management
	MAC       MAC
}

// Contact is an administrator of an organization.
type Contact struct {
	Address string // of mail
	Created time.Time
	MAC     MAC
}

// ClientState says whether a client is served.
type ClientState int

// The states of a client. Their numbers are stored.
const (
	ClientPending  ClientState = 1
	ClientActive   ClientState = 2
	ClientDisabled ClientState = 3
)

// String returns "pending", "active" or "disabled".
func (s ClientState) String() string {
	switch s {
	case ClientPending:
		return "pending"
	case ClientActive:
		return "active"
	}
	return "disabled"
}

// Client is a program or host that keeps deposits. Its identity is its OpenPGP
// fingerprint, for good; it belongs to one organization.
type Client struct {
	Fingerprint  Fingerprint
	Organization OrgName
	Name         string
	State        ClientState
	PublicKey    []byte // OpenPGP, binary
	Created      time.Time
	MAC          MAC
}

// Certificate binds a TLS key to a client. The key alone counts: a
// certificate's chain and expiry play no part.
type Certificate struct {
	Key     KeyHash
	Client  Fingerprint
	Created time.Time
	Retired time.Time // zero while it is in force; then it is never bound again
	MAC     MAC
}

// Usage is what a client, or all clients of an organization, keep: deleted
// deposits are counted, purged ones are not.
type Usage struct {
	Deposits int64
	Bytes    int64 // of the contents, before sealing
}

// Holding is what an organization holds, counted one by one.
type Holding struct {
	Clients  int64 // pending and disabled ones included
	Deposits int64 // that could still be got or undeleted: deleted ones are counted, purged ones are not
	Bytes    int64 // of their contents, before sealing
}

// Deposit is an immutable object. What is sealed is served byte for byte.
type Deposit struct {
	Client   Fingerprint
	UUID     UUID
	Handle   Handle
	Version  int64             // 1, 2, … within the handle; never used again
	NotAfter time.Time         // zero: served without end
	Digest   [sha256.Size]byte // of handle, not_after and contents: see depositDigest
	Size     int64             // of the contents, in bytes
	Created  time.Time
	Deleted  time.Time // zero: not deleted
	Purged   time.Time // zero: not purged; else the contents are gone, and this is the tombstone
	Sealed   Sealed    // zero where only the description was read
}

// micro brings t to what stores keep: UTC, microseconds.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
