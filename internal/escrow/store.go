package escrow

import (
	"context"
	"time"
)

// Store keeps everything but the keys. It returns facts and holds no policy.
//
// An error of Change that is a fault means that nothing was written:
// fault.Unavailable if a later try may succeed (a full disk), fault.Internal if
// the mutations contradict what is stored. After any other error the outcome is
// unknown, and the Store answers fault.Unavailable from then on.
type Store interface {
	// Change reads the facts that keys name, calls decide once, and writes the
	// mutations that it returns, all or none, durably before it returns. It takes
	// no context: a write under way is never cancelled. An error of decide is
	// returned as it is, and nothing is written.
	Change(keys Keys, decide func(*Facts) ([]Mutation, error)) error

	// Fetch returns, from one query, who a certificate is bound to and the
	// deposit that sel names among that client's. What is not there is nil in
	// Fetched; it is no error.
	Fetch(ctx context.Context, certificate KeyHash, sel Selector) (Fetched, error)

	// List returns the descriptions of the client's deposits, ordered by handle
	// (by its bytes) and version, and who the certificate is bound to.
	List(ctx context.Context, certificate KeyHash, q ListQuery) (Standing, []Deposit, error)

	// Organizations returns all of them by name, with their contacts by name.
	Organizations(ctx context.Context) ([]Organization, error)

	// Clients returns an organization's clients, or all with "", by organization
	// and fingerprint.
	Clients(ctx context.Context, org OrgName) ([]Client, error)

	// Certificates returns a client's certificates, retired ones too, by their time
	// and key.
	Certificates(ctx context.Context, client Fingerprint) ([]Certificate, error)

	// Holding counts what an organization holds; one that is not there is nil.
	Holding(ctx context.Context, org OrgName) (*Holding, error)

	// PendingBefore returns pending clients created before a time, the oldest
	// first, at most limit, without PublicKey.
	PendingBefore(ctx context.Context, before time.Time, limit int) ([]Client, error)

	// Census counts what there is, by indexes where tables are large. Organizations
	// that expire at now or before are expired.
	Census(ctx context.Context, now time.Time) (Census, error)

	// PendingAudit returns the records that are not known to be in the chain, in
	// the order of their writing.
	PendingAudit(ctx context.Context) ([]Record, error)

	// KEKs returns the generations of the key-encryption key that stored bytes
	// may name, each with its check value.
	KEKs(ctx context.Context) (map[uint32][]byte, error)

	// Ping returns nil if the store can answer.
	Ping(ctx context.Context) error
}

// Selector names one deposit of a client: by UUID, or by handle and version.
type Selector struct {
	UUID    UUID
	Handle  Handle
	Version int64 // 0: the latest
}

// ListQuery names some deposits of a client.
type ListQuery struct {
	Prefix       string // of the handle
	AfterHandle  Handle // where the last page ended; "" for the first page
	AfterVersion int64
	All          bool // every version, deleted ones too; else the latest of each handle, if it is not deleted
	Limit        int
}

// Standing is what a certificate leads to, as far as it decides. A nil field was
// not found.
type Standing struct {
	Certificate  *Certificate
	Client       *Client       // without PublicKey
	Organization *Organization // Name, Approval, Expires, ManagedBy and MAC alone
}

// Fetched is what a read found.
type Fetched struct {
	Standing
	Deposit *Deposit // without Digest and Size
}

// Mutation is one thing that a Store writes. The set is closed.
type Mutation interface{ mutation() }

type (
	// AddOrganization adds an organization with its contacts.
	AddOrganization struct{ Organization Organization }
	// SetAdmission replaces how an organization lets clients in.
	SetAdmission struct {
		Organization OrgName
		Approval     Approval
		Code         Sealed
		MAC          MAC
	}
	// SetExpiration replaces from when on an organization's clients are not served.
	SetExpiration struct {
		Organization OrgName
		Expires      time.Time
		MAC          MAC
	}
	// SetManagement replaces who has the last word on an organization.
	SetManagement struct {
		Organization OrgName
		ManagedBy    Management
		MAC          MAC
	}
	// RemoveOrganization removes an organization with its contacts, its clients, their
	// certificates and deposits, and what counts them. Sealed bytes are taken away as
	// by Purge. The keys of retired certificates stay, as by SpendKey.
	RemoveOrganization struct{ Organization OrgName }
	// SpendKey notes that a TLS key, which need not be bound to anybody, is never to be
	// bound again. One that is noted stays as it is.
	SpendKey struct {
		Key   KeyHash
		Spent time.Time
	}
	// AddContact adds a contact to an organization.
	AddContact struct {
		Organization OrgName
		Contact      Contact
	}
	// RemoveContact removes a contact from an organization.
	RemoveContact struct {
		Organization OrgName
		Contact      string
	}
	// AddClient adds a client.
	AddClient struct{ Client Client }
	// RemoveClient removes a client without deposits, and its certificates.
	RemoveClient struct{ Client Fingerprint }
	// AddCertificate binds a certificate to a client.
	AddCertificate struct{ Certificate Certificate }
	// RetireCertificate ends a certificate.
	RetireCertificate struct {
		Key     KeyHash
		Retired time.Time
		MAC     MAC
	}
	// SetClientState sets the state of a client.
	SetClientState struct {
		Client Fingerprint
		State  ClientState
		MAC    MAC
	}
	// Authenticate sets the MAC of one row of those that have one: Certificate,
	// Client, Organization, or with an Organization its Contact.
	Authenticate struct {
		Certificate  *KeyHash
		Client       Fingerprint
		Organization OrgName
		Contact      string
		MAC          MAC
	}
	// AddDeposit adds a deposit.
	AddDeposit struct{ Deposit Deposit }
	// SetDeleted marks a deposit as deleted, or with the zero time as not deleted.
	SetDeleted struct {
		Client  Fingerprint
		UUID    UUID
		Deleted time.Time
	}
	// Purge takes a deposit's sealed bytes away for good; the rest of it stays.
	Purge struct {
		Client Fingerprint
		UUID   UUID
		Purged time.Time
	}
	// SetUsage sets what a client keeps, or an organization's clients: one of the
	// two names is empty.
	SetUsage struct {
		Client       Fingerprint
		Organization OrgName
		Usage        Usage
	}
	// AddKEK notes a generation of the key-encryption key before its first use.
	AddKEK struct {
		Generation uint32
		Check      []byte
		Created    time.Time
	}
	// AddRecord writes an audit record into the same transaction.
	AddRecord struct{ Record Record }
	// ForgetRecords removes records that the chain holds on disk.
	ForgetRecords struct{ IDs []string }
)

func (AddOrganization) mutation()    {}
func (SetAdmission) mutation()       {}
func (SetExpiration) mutation()      {}
func (SetManagement) mutation()      {}
func (RemoveOrganization) mutation() {}
func (SpendKey) mutation()           {}
func (AddContact) mutation()         {}
func (RemoveContact) mutation()      {}
func (AddClient) mutation()          {}
func (AddCertificate) mutation()     {}
func (RemoveClient) mutation()       {}
func (RetireCertificate) mutation()  {}
func (SetClientState) mutation()     {}
func (Authenticate) mutation()       {}
func (AddDeposit) mutation()         {}
func (SetDeleted) mutation()         {}
func (Purge) mutation()              {}
func (SetUsage) mutation()           {}
func (AddKEK) mutation()             {}
func (AddRecord) mutation()          {}
func (ForgetRecords) mutation()      {}

// Sealer seals what is stored. Seal and Open are safe for concurrent use.
type Sealer interface {
	// Seal encrypts plaintext under a data key of its own, bound to b.
	Seal(b Binding, plaintext []byte) (Sealed, error)

	// Open returns the plaintext. The error is fault.Corrupt if s is not what
	// Seal returned for the same binding, and fault.Unavailable if the generation
	// it names is not in the ring.
	Open(b Binding, s Sealed) ([]byte, error)

	// OpenInPlace is Open for large contents: the plaintext takes the place of
	// s.Contents, which are spent, whatever comes of it.
	OpenInPlace(b Binding, s Sealed) ([]byte, error)

	// Authenticate returns a MAC of what b says. It is safe for concurrent use, as
	// is Verify.
	Authenticate(b Binding) MAC

	// Verify returns nil if mac is what Authenticate returned for the same binding.
	// The error is fault.Corrupt if it is not, and fault.Unavailable if the
	// generation it names is not in the ring.
	Verify(b Binding, mac MAC) error

	// Checks returns the generations in the ring, each with a value that tells
	// its key from another one without giving it away.
	Checks() map[uint32][]byte
}

// PublicKey is an OpenPGP key that may register.
type PublicKey struct {
	Fingerprint Fingerprint
	Binary      []byte // the transferable public key (RFC 4880, 11.1)
}

// OpenPGP is what registration needs of it.
type OpenPGP interface {
	// ParsePublicKey reads one public key, armored or binary, that can sign at
	// the time now. Anything else is a fault of kind Invalid that says why.
	ParsePublicKey(block []byte, now time.Time) (PublicKey, error)

	// VerifyDetached returns nil if and only if signature is a valid detached
	// signature of message by key.
	VerifyDetached(key PublicKey, message, signature []byte, now time.Time) error
}
