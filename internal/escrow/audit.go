package escrow

import (
	"encoding/hex"
	"time"

	"github.com/google/uuid"
)

// Outcome says how an audited event ended.
type Outcome string

// The outcomes that an audit record can have.
const (
	OutcomeOK      Outcome = "ok"      // done, and durable
	OutcomeRefused Outcome = "refused" // policy said no; nothing changed
	OutcomeFailed  Outcome = "failed"  // an error of ours; whether anything changed is unknown
)

// Record is one audited event: who did what to what, from where, when, and how
// it ended. It never holds contents, keys or codes.
type Record struct {
	ID           string    `json:"id"`   // 32 hex digits; a crash can write one event twice, under one ID
	Time         time.Time `json:"time"` // UTC, microseconds
	Action       string    `json:"action"`
	Outcome      Outcome   `json:"outcome"`
	Actor        string    `json:"actor"`            // "client 4EDC…", "operator uid 0", "anonymous", "ktsd"
	Source       string    `json:"source,omitempty"` // remote address, or "socket"
	Organization OrgName   `json:"organization,omitempty"`
	Object       string    `json:"object,omitempty"` // what it was done to: a uuid, a fingerprint, a contact
	Detail       string    `json:"detail,omitempty"`
	RequestID    string    `json:"request_id,omitempty"`
	Reason       string    `json:"reason,omitempty"` // why, in the operator's own words
}

// Auditor writes records into this node's hash chain.
type Auditor interface {
	// Append chains the records in order and hands them to the kernel before it
	// returns. An error means that none of them can be relied on to be kept.
	Append(records ...Record) error

	// Sync returns once every record appended before the call is on disk.
	Sync() error

	// Space tells how much room there is for records. It is quick: it may tell what
	// was so a second ago.
	Space() Space
}

// Space is the room on the disk of the audit log.
type Space struct {
	Free    int64 // bytes; negative where that cannot be told
	Mark    int64 // Low below so many; 0 where there is no mark
	Reserve int64 // bytes set aside, for reads once nothing is free
	Low     bool  // no change is to be made, so that reads can be audited for longer
}

// newRecordID returns a UUID of version 7 (RFC 9562, 5.7) as 32 hex digits: ordered
// by time, so that records which come together lie together in a store's index.
func newRecordID() string {
	id := uuid.Must(uuid.NewV7()) // never fails: crypto/rand, Go 1.24
	return hex.EncodeToString(id[:])
}
