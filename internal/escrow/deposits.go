package escrow

import (
	"context"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// NewDeposit is what a client puts.
type NewDeposit struct {
	UUID     UUID // chosen by the client: the same put sent again is the same deposit
	Handle   Handle
	NotAfter time.Time // zero: without end
	Contents []byte    // opaque
}

func (n NewDeposit) digest() [32]byte { return depositDigest(n.Handle, n.NotAfter, n.Contents) }

// Put keeps a deposit as a new version under its handle, and returns its
// description once it is durable. The same put again returns the same answer;
// another one under its UUID is fault.Conflict.
func (s *Service) Put(ctx context.Context, c Caller, put NewDeposit) (Deposit, error) {
	if len(put.Contents) == 0 {
		return Deposit{}, fault.New(fault.Invalid, "the deposit is empty").WithHint("send its contents as the request's body")
	}
	put.NotAfter = micro(put.NotAfter)
	var kept Deposit
	keys := Keys{
		Certificates: []KeyHash{c.Certificate},
		Deposits:     []DepositKey{{c.Certificate, put.UUID, put.Handle}},
	}
	err := s.change(ctx, s.record(c, "deposit.put", string(put.UUID)), keys, func(f *Facts, rec *Record) ([]Mutation, error) {
		who := f.standing(c.Certificate)
		rec.by(who)
		rec.Detail = string(put.Handle)
		if err := s.admitRequest(who, rec.Time); err != nil {
			return nil, err
		}
		version, prior, err := acceptPut(f, who.Client.Fingerprint, put, rec.Time)
		if err != nil {
			return nil, err
		}
		if prior != nil {
			kept = *prior
			return nil, nil
		}
		kept = Deposit{
			Client: who.Client.Fingerprint, UUID: put.UUID, Handle: put.Handle, Version: version,
			NotAfter: put.NotAfter, Digest: put.digest(), Size: int64(len(put.Contents)), Created: rec.Time,
		}
		use, err := s.keep(f, who, kept.Size)
		if err != nil {
			return nil, err
		}
		kept.Sealed, err = s.config.Sealer.Seal(kept.binding(who.Organization.Name), put.Contents)
		return append(use, AddDeposit{kept}), err
	})
	if err != nil {
		return Deposit{}, err
	}
	return kept, nil
}

// Get returns a deposit, without its Digest, and its contents. What is absent, deleted or another
// client's is fault.NotFound; what was changed behind the server's back is
// fault.Corrupt.
func (s *Service) Get(ctx context.Context, c Caller, sel Selector) (Deposit, []byte, error) {
	object := string(sel.UUID)
	if object == "" {
		object = string(sel.Handle)
	}
	rec := s.record(c, "deposit.get", object)
	found, err := s.config.Store.Fetch(ctx, c.Certificate, sel)
	if err != nil {
		return Deposit{}, nil, s.read(rec, err)
	}
	rec.by(found.Standing)
	contents, err := s.open(found, rec.Time)
	if err == nil {
		rec.Object, rec.Detail = string(found.Deposit.UUID), string(found.Deposit.Handle)
	}
	if err := s.read(rec, err); err != nil {
		return Deposit{}, nil, err
	}
	d := *found.Deposit
	d.Size, d.Sealed = int64(len(contents)), Sealed{}
	return d, contents, nil
}

// open decides over what a read found, and unseals it.
func (s *Service) open(found Fetched, now time.Time) ([]byte, error) {
	if err := s.admitRequest(found.Standing, now); err != nil {
		return nil, err
	}
	if err := serve(found.Deposit, now); err != nil {
		return nil, err
	}
	d := found.Deposit
	contents, err := s.config.Sealer.OpenInPlace(d.binding(found.Organization.Name), d.Sealed)
	if err != nil {
		return nil, fault.New(kindOf(err), "deposit %s of client %s cannot be opened", d.UUID, d.Client).
			WithHint("the server's operator: its row in the database is not what was written; restore it from a backup").Because(err)
	}
	return contents, nil
}

// maxPage bounds the deposits in one answer of List.
const maxPage = 500

// List returns descriptions of the caller's deposits, at most 500 a call, and
// whether there are more.
func (s *Service) List(ctx context.Context, c Caller, q ListQuery) ([]Deposit, bool, error) {
	if q.Limit <= 0 || q.Limit > maxPage {
		q.Limit = maxPage
	}
	limit := q.Limit
	q.Limit++ // one more tells whether there are more
	rec := s.record(c, "deposit.list", q.Prefix)
	who, found, err := s.config.Store.List(ctx, c.Certificate, q)
	rec.by(who)
	if err == nil {
		err = s.admitRequest(who, rec.Time)
	}
	if err := s.read(rec, err); err != nil {
		return nil, false, err
	}
	if len(found) > limit {
		return found[:limit], true, nil
	}
	return found, false, nil
}

// Delete hides a deposit, and with it its handle when it is the latest version:
// an older one is served only by its number. Deleted again, it stays as it is.
func (s *Service) Delete(ctx context.Context, c Caller, id UUID) (Deposit, error) {
	return s.setDeleted(ctx, c, "deposit.delete", id, true)
}

// Undelete brings a deleted deposit back.
func (s *Service) Undelete(ctx context.Context, c Caller, id UUID) (Deposit, error) {
	return s.setDeleted(ctx, c, "deposit.undelete", id, false)
}

func (s *Service) setDeleted(ctx context.Context, c Caller, action string, id UUID, deleted bool) (Deposit, error) {
	return s.changeDeposit(ctx, c, action, id, func(d *Deposit, _ Standing, _ *Facts, rec *Record) ([]Mutation, error) {
		if !d.Purged.IsZero() && !deleted {
			return nil, errPurged(d)
		}
		if deleted == !d.Deleted.IsZero() {
			return nil, nil
		}
		d.Deleted = time.Time{}
		if deleted {
			d.Deleted = rec.Time
		}
		return []Mutation{SetDeleted{d.Client, d.UUID, d.Deleted}}, nil
	})
}

// changeDeposit changes one of the caller's own deposits, which decide makes what
// it is to be, and returns it.
func (s *Service) changeDeposit(ctx context.Context, c Caller, action string, id UUID,
	decide func(*Deposit, Standing, *Facts, *Record) ([]Mutation, error)) (Deposit, error) {
	var after Deposit
	keys := Keys{
		Certificates: []KeyHash{c.Certificate},
		Deposits:     []DepositKey{{c.Certificate, id, ""}},
	}
	err := s.change(ctx, s.record(c, action, string(id)), keys, func(f *Facts, rec *Record) ([]Mutation, error) {
		who := f.standing(c.Certificate)
		rec.by(who)
		if err := s.admitRequest(who, rec.Time); err != nil {
			return nil, err
		}
		d, ok := f.deposits[depositID{who.Client.Fingerprint, id}]
		if !ok {
			return nil, errNoDeposit()
		}
		rec.Detail = string(d.Handle)
		mutations, err := decide(&d, who, f, rec)
		after = d
		return mutations, err
	})
	if err != nil {
		return Deposit{}, err
	}
	return after, nil
}
