package escrow

import (
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

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

// use returns what counts n deposits, of size bytes together, as kept by a client
// and its organization.
func (f *Facts) use(client Fingerprint, org OrgName, n, size int64) ([]Mutation, error) {
	c, known := f.clientUsage[client]
	o, orgKnown := f.orgUsage[org]
	if !known || !orgKnown { // counted from nothing it would be wrong for good
		return nil, fault.New(fault.Internal, "what client %s and organization %s use is not among the facts", client, org)
	}
	return []Mutation{
		SetUsage{Client: client, Usage: Usage{max(0, c.Deposits+n), max(0, c.Bytes+size)}},
		SetUsage{Organization: org, Usage: Usage{max(0, o.Deposits+n), max(0, o.Bytes+size)}},
	}, nil
}

// keep is use for one more deposit, or the fault of kind Quota for which there
// may be none.
func (s *Service) keep(f *Facts, who Standing, size int64) ([]Mutation, error) {
	client, org, l := who.Client.Fingerprint, who.Organization.Name, s.bounds.Load()
	if err := room("client "+string(client), f.clientUsage[client], size, l.ClientDeposits, l.ClientBytes); err != nil {
		return nil, err
	}
	if err := room("organization "+string(org), f.orgUsage[org], size, l.OrganizationDeposits, l.OrganizationBytes); err != nil {
		return nil, err
	}
	return f.use(client, org, 1, size)
}
