package escrow

import (
	"context"
	"fmt"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// removalTime is how long a removal is waited for: it takes as long as the
// organization is large, and other changes wait behind it.
const removalTime = 2 * time.Minute

// RemoveOrganization removes an organization with its contacts, clients, their
// certificates and deposits, in one transaction and for good, if it holds as many
// deposits as the operator says: else it is fault.Conflict. What it holds is counted in
// that transaction, so a put is either counted, or refused because its client is gone.
//
// Its name is free then, and an organization of that name begins with nothing. Its
// clients' keys may register again, but for TLS keys that were retired or revoked.
func (s *Service) RemoveOrganization(ctx context.Context, c Caller, name OrgName, deposits int64) error {
	rec := s.record(c, "organization.remove", string(name))
	rec.Organization = name
	if !c.Operator {
		return s.refuse(rec, errNotHere())
	}
	turn := s.turn() // giving is not held: whoever waits for it would wait for all of the removal
	keys := Keys{Organizations: []OrgName{name}, Holdings: []OrgName{name}}
	denied := s.deniedSubjects(&keys)
	var below []Subject
	err := s.changePatiently(ctx, rec, keys, removalTime, func(f *Facts, rec *Record) ([]Mutation, error) {
		if _, ok := f.organizations[name]; !ok {
			return nil, errNoOrganization(name)
		}
		holds := f.holdings[name]
		if holds.Deposits != deposits {
			return nil, fault.New(fault.Conflict, "organization %s holds %d deposits of %d clients, and was to be removed with %d",
				name, holds.Deposits, holds.Clients, deposits).WithHint("look at what it holds: what is removed is gone for good")
		}
		rec.Detail = fmt.Sprintf("deposits %d, clients %d", holds.Deposits, holds.Clients)
		var mutations []Mutation
		below, mutations = f.deniedBelow(name, denied, rec.Time)
		return append(mutations, RemoveOrganization{name}), nil
	})
	if err != nil {
		return err
	}
	s.forget(name, below, turn)
	return nil
}

// deniedSubjects returns from whom access is taken away on this node, and has keys
// name them.
func (s *Service) deniedSubjects(keys *Keys) []Subject {
	var all []Subject
	for sub := range *s.denials.Load() {
		all = append(all, sub)
		switch sub.Kind {
		case SubjectClient:
			keys.Clients = append(keys.Clients, Fingerprint(sub.Name))
		case SubjectCertificate:
			if key, err := ParseKeyHash(sub.Name); err == nil {
				keys.Certificates = append(keys.Certificates, key)
			}
		}
	}
	return all
}

// deniedBelow returns which of the subjects are an organization's, and what has the
// TLS keys among them never be bound again.
func (f *Facts) deniedBelow(org OrgName, subjects []Subject, at time.Time) (below []Subject, mutations []Mutation) {
	for _, sub := range subjects {
		switch sub.Kind {
		case SubjectContact:
			if sub.Organization == org {
				below = append(below, sub)
			}
		case SubjectClient:
			if f.clients[Fingerprint(sub.Name)].Organization == org {
				below = append(below, sub)
			}
		case SubjectCertificate:
			key, err := ParseKeyHash(sub.Name)
			if cert, ok := f.certificates[key]; err == nil && ok && f.clients[cert.Client].Organization == org {
				below = append(below, sub)
				mutations = append(mutations, SpendKey{key, at})
			}
		}
	}
	return below, mutations
}

// forget drops what this process knows of an organization that was removed, and of
// those from whom access was taken away in it.
func (s *Service) forget(org OrgName, denied []Subject, turn uint64) {
	s.authenticated.forget(org)
	s.rates.forget(org)
	for _, sub := range denied {
		if err := s.lift(sub, turn); err != nil {
			s.config.Log.Error("a denial could not be lifted of what was removed", "organization", org, "kind", sub.Kind, "name", sub.Name, "error", err)
		}
	}
}
