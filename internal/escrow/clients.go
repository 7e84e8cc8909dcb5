package escrow

import (
	"context"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// Self returns who the caller's certificate is bound to, also while that client
// is pending or disabled, so that it can be told so.
func (s *Service) Self(ctx context.Context, c Caller) (Client, error) {
	found, err := s.config.Store.Fetch(ctx, c.Certificate, Selector{})
	if err != nil {
		return Client{}, err
	}
	if err := s.identify(found.Standing); err != nil {
		return Client{}, err
	}
	if err := s.rates.admit(found.Standing, s.bounds.Load(), s.config.Now()); err != nil {
		return Client{}, err
	}
	return s.shown(*found.Client), nil
}

// Admit returns nil if the caller is a client that is served now. It decides
// nothing for good: what is asked for is decided with its own facts.
func (s *Service) Admit(ctx context.Context, c Caller) error {
	_, err := s.admitted(ctx, c, "client.admit")
	return err
}

// admitted returns who the caller is, if it is a client that is served now; else
// it audits the refusal of action.
func (s *Service) admitted(ctx context.Context, c Caller, action string) (Standing, error) {
	found, err := s.config.Store.Fetch(ctx, c.Certificate, Selector{})
	if err == nil {
		err = s.admit(found.Standing, s.now())
	}
	if err == nil {
		return found.Standing, nil
	}
	rec := s.record(c, action, "")
	rec.by(found.Standing)
	return Standing{}, s.refuse(rec, err)
}

// identify says whether a certificate stands for a client: it is bound to it here,
// by this server, and was not taken away since.
func (s *Service) identify(who Standing) error {
	if err := identify(who); err != nil {
		return err
	}
	if err := s.authentic(who); err != nil {
		return err
	}
	if !s.deniesNone() && s.denied(certificateSubject(who.Certificate.Key)) {
		return errUnregistered()
	}
	return nil
}

// admitRequest is admit, and counts the request: a holder of certificates may
// make so many a second.
func (s *Service) admitRequest(who Standing, now time.Time) error {
	if err := s.admit(who, now); err != nil {
		return err
	}
	return s.rates.admit(who, s.bounds.Load(), s.config.Now())
}

// admit says whether a certificate's holder is served.
func (s *Service) admit(who Standing, now time.Time) error {
	if err := s.identify(who); err != nil {
		return err
	}
	if !s.deniesNone() {
		client := s.shown(*who.Client)
		who.Client = &client
	}
	return admit(who, now)
}

// shown is a client as it is served: disabled, where this node denies it.
func (s *Service) shown(c Client) Client {
	if s.denied(clientSubject(c.Fingerprint)) {
		c.State = ClientDisabled
	}
	return c
}

// Clients returns an organization's clients, or all with "", to the operator.
func (s *Service) Clients(ctx context.Context, c Caller, org OrgName) ([]Client, error) {
	rec := s.record(c, "client.list", string(org))
	if !c.Operator {
		return nil, s.refuse(rec, errNotHere())
	}
	clients, err := s.config.Store.Clients(ctx, org)
	for i := range clients {
		clients[i] = s.shown(clients[i])
	}
	return clients, s.read(rec, err)
}

// EnableClient lets a pending or disabled client in.
func (s *Service) EnableClient(ctx context.Context, c Caller, fp Fingerprint) (Client, error) {
	s.giving.Lock()
	defer s.giving.Unlock()
	turn := s.turn()
	var after Client
	rec := s.record(c, "client.enable", string(fp))
	err := s.operate(ctx, c, rec, Keys{Clients: []Fingerprint{fp}}, s.setState(fp, ClientActive, &after))
	if err != nil {
		return Client{}, err
	}
	return after, s.lift(clientSubject(fp), turn)
}

// DisableClient shuts a client out from its next request on, whether or not the
// database can be written. Nothing of its deposits is lost.
func (s *Service) DisableClient(ctx context.Context, c Caller, fp Fingerprint) (Client, Reach, error) {
	var changed Client // the writer's own until it has ended
	reach, err := s.takeAway(ctx, c, s.record(c, "client.disable", string(fp)), clientSubject(fp),
		Keys{Clients: []Fingerprint{fp}}, s.setState(fp, ClientDisabled, &changed))
	if err != nil || !reach.Everywhere {
		return Client{Fingerprint: fp, State: ClientDisabled}, reach, err
	}
	return changed, reach, nil
}

// setState decides that a client is in another state, and tells it to after.
func (s *Service) setState(fp Fingerprint, state ClientState, after *Client) decision {
	return func(f *Facts, rec *Record) ([]Mutation, error) {
		client, ok := f.clients[fp]
		if !ok {
			return nil, fault.New(fault.NotFound, "no client %s", fp).WithHint("orgtool clients shows those that exist")
		}
		if err := s.authenticClient(&client); err != nil {
			return nil, err
		}
		rec.Organization, rec.Detail = client.Organization, client.State.String()+" before"
		client.State = state
		client.MAC = s.sign(client.row())
		*after = client
		return []Mutation{SetClientState{fp, state, client.MAC}}, nil
	}
}
