package escrow

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ktsd/ktsd/internal/fault"
)

// Purge takes the contents of a deleted deposit away for good, once they could
// have been undeleted for as long as the limits say: before that it is
// fault.Conflict. Its UUID and version stay taken. Purged again, it stays as it is.
func (s *Service) Purge(ctx context.Context, c Caller, id UUID) (Deposit, error) {
	return s.changeDeposit(ctx, c, "deposit.purge", id, func(d *Deposit, who Standing, f *Facts, rec *Record) ([]Mutation, error) {
		if !d.Purged.IsZero() {
			return nil, nil
		}
		if err := acceptPurge(d, s.bounds.Load().PurgeAfter, rec.Time); err != nil {
			return nil, err
		}
		return s.purge(f, d, who.Organization.Name, rec)
	})
}

// PurgeNow is Purge by the operator, who does not wait, and says why.
func (s *Service) PurgeNow(ctx context.Context, c Caller, client Fingerprint, id UUID, reason string) (Deposit, error) {
	rec := s.record(c, "deposit.purge-now", string(id))
	if err := checkReason(reason); err != nil {
		return Deposit{}, s.refuse(rec, err)
	}
	var after Deposit
	keys := Keys{Clients: []Fingerprint{client}, Owned: []OwnedKey{{client, id}}}
	err := s.operate(ctx, c, rec, keys, func(f *Facts, rec *Record) ([]Mutation, error) {
		d, ok := f.deposits[depositID{client, id}]
		if !ok {
			return nil, fault.New(fault.NotFound, "client %s has no deposit %s", client, id)
		}
		owner := f.clients[client]
		rec.Organization, rec.Detail = owner.Organization, reason
		after = d
		if !d.Purged.IsZero() {
			return nil, nil
		}
		if err := deleted(&d); err != nil {
			return nil, err
		}
		mutations, err := s.purge(f, &d, owner.Organization, rec)
		after = d
		return mutations, err
	})
	if err != nil {
		return Deposit{}, err
	}
	return after, nil
}

// purge returns what purges d, and marks it.
func (s *Service) purge(f *Facts, d *Deposit, org OrgName, rec *Record) ([]Mutation, error) {
	d.Purged = rec.Time
	use, err := f.use(d.Client, org, -1, -d.Size)
	return append(use, Purge{d.Client, d.UUID, d.Purged}), err
}

// maxReason bounds the reason of an operator's deed, in bytes.
const maxReason = 255

func checkReason(reason string) error {
	if reason == "" || len(reason) > maxReason || !utf8.ValidString(reason) || strings.ContainsFunc(reason, unicode.IsControl) {
		return fault.New(fault.Invalid, "the reason is not 1 to %d bytes of text", maxReason).
			WithHint("it goes into the audit log: a ticket's number, who asked for it")
	}
	return nil
}
