package escrow

import (
	"context"

	"github.com/ktsd/ktsd/internal/fault"
)

// Self returns who the caller's certificate is bound to, also while that client
// is pending or disabled, so that it can be told so.
func (s *Service) Self(ctx context.Context, c Caller) (Client, error) {
	found, err := s.config.Store.Fetch(ctx, c.Certificate, Selector{})
	if err != nil {
		return Client{}, err
	}
	if err := identify(found.Standing); err != nil {
		return Client{}, err
	}
	return *found.Client, nil
}

// Admit returns nil if the caller is a client that is served now. It decides
// nothing for good: what is asked for is decided with its own facts.
func (s *Service) Admit(ctx context.Context, c Caller) error {
	found, err := s.config.Store.Fetch(ctx, c.Certificate, Selector{})
	if err == nil {
		err = admit(found.Standing, s.now())
	}
	if err == nil {
		return nil
	}
	rec := s.record(c, "client.admit", "")
	rec.by(found.Standing)
	return s.refuse(rec, err)
}

// Clients returns an organization's clients, or all with "", to the operator.
func (s *Service) Clients(ctx context.Context, c Caller, org OrgName) ([]Client, error) {
	rec := s.record(c, "client.list", string(org))
	if !c.Operator {
		return nil, s.refuse(rec, errNotHere())
	}
	clients, err := s.config.Store.Clients(ctx, org)
	return clients, s.read(rec, err)
}

// EnableClient lets a pending or disabled client in.
func (s *Service) EnableClient(ctx context.Context, c Caller, fp Fingerprint) (Client, error) {
	return s.setClientState(ctx, c, "client.enable", fp, ClientActive)
}

// DisableClient shuts a client out from its next request on. Nothing of its
// deposits is lost.
func (s *Service) DisableClient(ctx context.Context, c Caller, fp Fingerprint) (Client, error) {
	return s.setClientState(ctx, c, "client.disable", fp, ClientDisabled)
}

func (s *Service) setClientState(ctx context.Context, c Caller, action string, fp Fingerprint, state ClientState) (Client, error) {
	var after Client
	rec := s.record(c, action, string(fp))
	err := s.operate(ctx, c, rec, Keys{Clients: []Fingerprint{fp}}, func(f *Facts, rec *Record) ([]Mutation, error) {
		client, ok := f.clients[fp]
		if !ok {
			return nil, fault.New(fault.NotFound, "no client %s", fp).WithHint("orgtool clients shows those that exist")
		}
		rec.Organization, rec.Detail = client.Organization, client.State.String()+" before"
		after = client
		after.State = state
		return []Mutation{SetClientState{fp, state}}, nil
	})
	if err != nil {
		return Client{}, err
	}
	return after, nil
}
