// Package bounds is what the blocks limits and audit of a site hold: the name of
// each value, what it may be, and what it is where nobody says. The reader of the
// file, the differ, keytrustee.conf and ktsd share it, so that none of them has an
// idea of its own.
//
// It does no I/O, knows no syntax but that of sizes and times, and enforces
// nothing: that is for those whose bounds they are.
package bounds

import "time"

// Limits is the block limits: what clients and organizations may keep and ask
// for, and what ktsd holds at once. DefaultLimits makes one; the zero value is
// out of range.
type Limits struct {
	ClientDeposits int64 // of one client, deleted ones included, purged ones not
	ClientBytes    int64 // of these together
	ClientRate     int64 // requests of one client, a second

	OrganizationDeposits int64 // of all clients of an organization
	OrganizationBytes    int64
	OrganizationRate     int64

	PendingClients int64         // of an organization, that wait for approval
	PendingExpiry  time.Duration // how long a registration waits for it
	PurgeAfter     time.Duration // from a delete to when its client may purge

	Connections           int64 // of clients at once; 0: as many as descriptors allow
	ConnectionsPerAddress int64 // 0: half of these
	Bodies                int64 // bytes of request bodies held at once
	Answers               int64 // bytes of answers held at once
	Verifications         int64 // of OpenPGP signatures at once
}

// Audit is the block audit: how a node's audit log is kept. DefaultAudit makes
// one; the zero value is out of range.
type Audit struct {
	SegmentSize int64         // bytes from which on a segment is full
	SegmentAge  time.Duration // or how old it is then
	Reserve     int64         // bytes set aside for what is read while the disk is full
	LowWater    int64         // bytes of free space below which writes stop; 0: none
	Heads       bool          // a signed head every minute into the system's journal
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
	tib = 1 << 40

	day = 24 * time.Hour
)

// DefaultLimits are the limits of a site that names none.
func DefaultLimits() Limits {
	return Limits{
		ClientDeposits: 100_000, ClientBytes: gib, ClientRate: 1000,
		OrganizationDeposits: 1_000_000, OrganizationBytes: 64 * gib, OrganizationRate: 10_000,
		PendingClients: 100, PendingExpiry: 14 * day, PurgeAfter: 7 * day,
		Bodies: 64 * mib, Answers: 128 * mib, Verifications: 4,
	}
}

// DefaultAudit is how an audit log is kept where nobody says.
func DefaultAudit() Audit {
	return Audit{SegmentSize: 64 * mib, SegmentAge: day, Reserve: 64 * mib, LowWater: 256 * mib, Heads: true}
}

// Settings returns the values of l, to be read and set by name, in the order in
// which they are shown.
func (l *Limits) Settings() []Setting {
	return []Setting{
		{"client_deposits", Count, 1, 1e12, &l.ClientDeposits},
		{"client_bytes", Size, mib, 1024 * tib, &l.ClientBytes},
		{"client_rate", Count, 1, 1e6, &l.ClientRate},
		{"organization_deposits", Count, 1, 1e12, &l.OrganizationDeposits},
		{"organization_bytes", Size, mib, 1024 * tib, &l.OrganizationBytes},
		{"organization_rate", Count, 1, 1e6, &l.OrganizationRate},
		{"pending_clients", Count, 1, 1e6, &l.PendingClients},
		{"pending_expiry", Age, int64(time.Hour), int64(3650 * day), &l.PendingExpiry},
		{"purge_after", Age, int64(day), int64(3650 * day), &l.PurgeAfter},
		{"connections", Count, 0, 1e6, &l.Connections},
		{"connections_per_address", Count, 0, 1e6, &l.ConnectionsPerAddress},
		{"bodies", Size, 2 * mib, tib, &l.Bodies},
		{"answers", Size, 2 * mib, tib, &l.Answers},
		{"verifications", Count, 1, 256, &l.Verifications},
	}
}

// Settings returns the values of a, to be read and set by name, in the order in
// which they are shown.
func (a *Audit) Settings() []Setting {
	return []Setting{
		{"segment_size", Size, mib, gib, &a.SegmentSize},
		{"segment_age", Age, int64(time.Hour), int64(3650 * day), &a.SegmentAge},
		{"reserve", Size, mib, 10 * gib, &a.Reserve},
		{"low_water", Size, 0, tib, &a.LowWater},
		{"heads", Switch, 0, 1, &a.Heads},
	}
}
