package escrow

// SubjectKind is the kind of a Subject.
type SubjectKind string

// Whom, or what, access can be taken away from.
const (
	SubjectClient      SubjectKind = "client"
	SubjectCertificate SubjectKind = "certificate"
	SubjectContact     SubjectKind = "contact"
)

// Subject is a client, a certificate or a contact from which access was taken
// away.
type Subject struct {
	Kind         SubjectKind `json:"kind"`
	Name         string      `json:"name"`                   // fingerprint, KeyHash in hex, or mail address
	Organization OrgName     `json:"organization,omitempty"` // of a contact
}

// Denial is that access was taken away, from when the database could not be told
// until it was.
type Denial struct {
	Subject Subject `json:"subject"`
	Record  Record  `json:"record"` // who did it and when, to be audited once the database has it
}

// DenyList keeps denials on this node, wherever else nothing can be written. Its
// methods may be called from several goroutines.
type DenyList interface {
	// Denials returns those in force, in the order in which they were made.
	Denials() []Denial

	// Deny adds a denial, durable before it returns. One for a Subject that is
	// there already changes nothing.
	Deny(d Denial) error

	// Lift removes the denial of a subject, durable before it returns. None is no
	// error.
	Lift(s Subject) error
}
