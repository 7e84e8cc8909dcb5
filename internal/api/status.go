package api

import "time"

// ServerStatus tells how ktsd does: all that Server, what it runs with, does not.
type ServerStatus struct {
	Time        time.Time         `json:"time"` // by ktsd's clock
	Certificate CertificateStatus `json:"certificate"`
	Store       StoreStatus       `json:"store"`
	Audit       AuditStatus       `json:"audit"`
	Counts      *Counts           `json:"counts,omitempty"` // absent where the store does not answer
}

// CertificateStatus describes the TLS certificate in use.
type CertificateStatus struct {
	Subject    string    `json:"subject"`
	Names      []string  `json:"names"` // DNS names and IP addresses
	Expires    time.Time `json:"expires"`
	SelfSigned bool      `json:"self_signed"`
	Hostname   string    `json:"hostname"` // by which clients reach the server
	Named      bool      `json:"named"`    // it is for that name
	Suited     bool      `json:"suited"`   // a cipher suite works with its key, where any are needed: TLS 1.3 has its own
}

// StoreStatus tells how the database does.
type StoreStatus struct {
	Problem string `json:"problem,omitempty"` // why no changes can be made
	Waiting int    `json:"waiting"`           // changes that wait for their turn
}

// AuditStatus tells how the audit log does. Sizes are in bytes.
type AuditStatus struct {
	Problem string `json:"problem,omitempty"` // why nothing can be audited

	Unchained int        `json:"unchained"`           // records of changes made that are not in the log yet
	Unsynced  int        `json:"unsynced"`            // records in the log that are not known to be on disk
	Since     *time.Time `json:"since,omitempty"`     // since when the oldest of these waits
	Lines     int64      `json:"lines"`               // that the log has, by the hash chain's count
	Head      int64      `json:"head"`                // the line that the last head sent vouches for; 0: none was sent since the start
	HeadSent  *time.Time `json:"head_sent,omitempty"` // when

	HeadProblem string `json:"head_problem,omitempty"` // why the next head was not sent

	Free     int64 `json:"free"` // on its disk, the reserve not counted; -1 if that cannot be told
	Mark     int64 `json:"mark"` // with less than that free, changes are refused; 0: there is no mark
	Reserve  int64 `json:"reserve"`
	LowWater bool  `json:"low_water"` // changes are refused
}

// Counts tell how much there is.
type Counts struct {
	Clients       int64            `json:"clients"` // registered, in whatever state
	Pending       int64            `json:"pending"`
	PendingBy     []PendingClients `json:"pending_by,omitempty"` // ten organizations at most, those with the most
	Organizations int64            `json:"organizations"`
	Expired       int64            `json:"expired"`                 // organizations whose time has passed
	ExpiredNames  []string         `json:"expired_names,omitempty"` // ten at most
}

// PendingClients is how many clients wait to be let in to an organization.
type PendingClients struct {
	Organization string `json:"organization"`
	Clients      int64  `json:"clients"`
}
