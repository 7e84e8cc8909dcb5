package escrow

import (
	"context"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// noExpiry is the expiration of an organization that never expires, as the
// original writes it (9999-12-31T18:59:59).
var noExpiry = time.Date(9999, 12, 31, 18, 59, 59, 0, time.UTC)

// checkExpires refuses what is no time of an organization's end. One that has passed
// is one: then it has ended.
func checkExpires(t time.Time) error {
	if year := t.UTC().Year(); year < 1970 || year > 9999 {
		return fault.New(fault.Invalid, "an organization cannot expire in the year %d", year).
			WithHint("name a time from 1970 to 9999, like 2027-12-31T00:00:00Z; %s is never", noExpiry.Format(time.RFC3339))
	}
	return nil
}

// SetExpiration sets from when on an organization's clients are not served: at once,
// where that has passed. Nothing of their deposits is lost.
func (s *Service) SetExpiration(ctx context.Context, c Caller, name OrgName, expires time.Time) error {
	const action = "organization.set-expiration"
	if err := checkExpires(expires); err != nil {
		return s.refuse(s.record(c, action, string(name)), err)
	}
	expires = micro(expires)
	return s.changeOrganization(ctx, c, action, name, string(name), func(o Organization, rec *Record) ([]Mutation, error) {
		if err := s.authenticOrganization(&o); err != nil {
			return nil, err
		}
		rec.Detail = expires.Format(time.RFC3339)
		o.Expires = expires
		return []Mutation{SetExpiration{name, expires, s.sign(o.row())}}, nil
	})
}

// SetManagement sets who has the last word on an organization.
func (s *Service) SetManagement(ctx context.Context, c Caller, name OrgName, by Management) error {
	return s.changeOrganization(ctx, c, "organization.set-management", name, string(name), func(o Organization, rec *Record) ([]Mutation, error) {
		if err := s.authenticOrganization(&o); err != nil {
			return nil, err
		}
		rec.Detail = string(by)
		o.ManagedBy = by
		return []Mutation{SetManagement{name, by, s.sign(o.row())}}, nil
	})
}

// Holding counts what an organization holds, for the operator.
func (s *Service) Holding(ctx context.Context, c Caller, name OrgName) (Holding, error) {
	rec := s.record(c, "organization.usage", string(name))
	rec.Organization = name
	if !c.Operator {
		return Holding{}, s.refuse(rec, errNotHere())
	}
	h, err := s.config.Store.Holding(ctx, name)
	if err == nil && h == nil {
		err = errNoOrganization(name)
	}
	if err := s.read(rec, err); err != nil {
		return Holding{}, err
	}
	return *h, nil
}
