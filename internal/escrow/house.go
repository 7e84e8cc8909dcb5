package escrow

import (
	"context"
	"errors"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// expireInterval is how often registrations that waited too long are looked for.
const expireInterval = time.Minute

// keepHouse does what nobody asks for, until ctx ends.
func (s *Service) keepHouse(ctx context.Context) {
	tick := time.NewTicker(auditInterval)
	defer tick.Stop()
	var expired time.Time
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if s.keeper.err() != nil {
			continue
		}
		if s.writer.refuse.Load() != nil {
			s.probe(ctx)
			continue
		}
		if !s.deniesNone() {
			s.merge(ctx)
		}
		if time.Since(expired) >= expireInterval {
			expired = time.Now()
			s.expire(ctx)
		}
	}
}

// probe tries, while the store takes no changes, whether it takes one again: a
// record of just that. So a server that nobody writes to is ready once it can be.
func (s *Service) probe(ctx context.Context) {
	_ = s.writer.do(ctx, newJob(Keys{}, s.own("store.probe", ""), func(*Facts, *Record) ([]Mutation, error) { return nil, nil }))
}

// own begins the record of what ktsd does by itself.
func (s *Service) own(action, object string) Record {
	rec := s.record(Caller{}, action, object)
	rec.Actor = "ktsd"
	return rec
}

// maxExpired bounds the registrations that are looked for at once.
const maxExpired = 100

// errStays tells that a client is pending no longer.
var errStays = errors.New("the client is not pending any more")

// expire removes clients that have waited for approval for too long, with their
// certificates: they may register again.
func (s *Service) expire(ctx context.Context) {
	before := s.now().Add(-s.bounds.Load().PendingExpiry)
	clients, err := s.config.Store.PendingBefore(ctx, before, maxExpired)
	if err != nil {
		s.config.Log.Warn("registrations that waited too long cannot be looked for", "error", err)
		return
	}
	for _, c := range clients {
		err := s.expireOne(ctx, c, before)
		switch {
		case err == nil, errors.Is(err, errStays):
		case errors.Is(err, fault.Corrupt): // the others do not wait for who mends its row
			s.config.Log.Error("a registration that waited too long cannot be ended", "client", c.Fingerprint, "error", err)
		default:
			return // the next time
		}
	}
}

// expireOne removes a pending client. One that has a retired key is disabled instead,
// for that key must never be bound again.
func (s *Service) expireOne(ctx context.Context, c Client, before time.Time) error {
	certs, err := s.config.Store.Certificates(ctx, c.Fingerprint)
	if err != nil {
		return err
	}
	keys := Keys{Clients: []Fingerprint{c.Fingerprint}}
	for _, cert := range certs {
		keys.Certificates = append(keys.Certificates, cert.Key)
	}
	rec := s.own("client.expire", string(c.Fingerprint))
	return s.writer.do(ctx, newJob(keys, rec, func(f *Facts, rec *Record) ([]Mutation, error) {
		now, ok := f.clients[c.Fingerprint]
		if !ok || now.State != ClientPending || !now.Created.Before(before) || f.bound[c.Fingerprint] != int64(len(certs)) {
			return nil, errStays
		}
		rec.Organization, rec.Detail = now.Organization, "registered at "+now.Created.Format(time.RFC3339)
		for _, cert := range certs {
			if !f.certificates[cert.Key].Retired.IsZero() || s.denied(certificateSubject(cert.Key)) {
				mutations, err := s.setState(c.Fingerprint, ClientDisabled, new(Client))(f, rec)
				rec.Detail = "disabled: it has a retired key, and waited since " + now.Created.Format(time.RFC3339)
				return mutations, err
			}
		}
		return []Mutation{RemoveClient{c.Fingerprint}}, nil
	}))
}
