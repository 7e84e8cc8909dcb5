package escrow

import "time"

// Limits are the site's bounds on what clients and organizations may keep and ask
// for. They can be changed while the service runs: what is over a new one stays,
// and is refused more.
type Limits struct {
	ClientDeposits int64 // of one client, deleted ones included, purged ones not
	ClientBytes    int64 // of these together
	ClientRate     int64 // requests of one client, a second

	OrganizationDeposits int64 // of all clients of an organization, counted alike
	OrganizationBytes    int64
	OrganizationRate     int64

	PendingClients int64         // of an organization, that wait for approval
	PendingExpiry  time.Duration // how long a registration waits for it

	PurgeAfter time.Duration // from a delete to when its client may purge

	Verifications int // of OpenPGP signatures, at once
}

// DefaultLimits are the bounds of a site that names none.
func DefaultLimits() Limits {
	return Limits{
		ClientDeposits: 100_000, ClientBytes: 1 << 30, ClientRate: 1000,
		OrganizationDeposits: 1_000_000, OrganizationBytes: 64 << 30, OrganizationRate: 10_000,
		PendingClients: 100, PendingExpiry: 14 * 24 * time.Hour,
		PurgeAfter:    7 * 24 * time.Hour,
		Verifications: 4,
	}
}

// SetLimits has the service work with other bounds from now on.
func (s *Service) SetLimits(l Limits) {
	s.bounds.Store(&l)
	s.limits.places.resize(l.Verifications)
}
