package escrow

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/proof"
)

// Registration is what a client sends to be known.
type Registration struct {
	Organization string
	Name         string       // for people; may be empty
	AuthCode     names.Secret // empty: none
	PublicKey    []byte       // OpenPGP, armored or binary
	Time         time.Time    // when Signature was made
	Signature    []byte       // detached, over proof.Registration
}

// MaxClockDifference is how far a proof's time may be from the server's.
const MaxClockDifference = 5 * time.Minute

// provenRegistration is a registration whose signature was verified.
type provenRegistration struct {
	organization OrgName
	name         string
	key          PublicKey
	certificate  KeyHash
}

// Register binds the caller's TLS key to the OpenPGP key that signed for it, and
// lets the client in as the organization's approval says. Registering again
// changes no state. A wrong code, a missing one and an unknown organization are
// fault.Denied and take the same time.
func (s *Service) Register(ctx context.Context, c Caller, r Registration) (Client, error) {
	rec := s.record(c, "client.register", "")
	release, err := s.limits.place(ctx)
	if err != nil {
		return Client{}, s.refuse(rec, err)
	}
	defer release()
	if err := s.limits.registration(c.Source); err != nil {
		return Client{}, s.refuse(rec, err)
	}
	proven, err := s.prove(c, r)
	if err != nil {
		s.limits.refused(c.Source)
		return Client{}, s.refuse(rec, err)
	}
	rec.Object, rec.Actor = string(proven.key.Fingerprint), "client "+string(proven.key.Fingerprint)

	var client Client
	keys := Keys{
		Certificates:  []KeyHash{c.Certificate},
		Clients:       []Fingerprint{proven.key.Fingerprint},
		Organizations: []OrgName{proven.organization},
		Spent:         []KeyHash{c.Certificate},
	}
	err = s.change(ctx, rec, keys, func(f *Facts, rec *Record) ([]Mutation, error) {
		rec.Organization = proven.organization
		right := s.codeRight(f, proven.organization, r.AuthCode)
		a, err := acceptRegistration(f, proven, right, *s.bounds.Load(), rec.Time)
		if err != nil {
			return nil, err
		}
		if err := s.authenticRegistration(f, proven); err != nil {
			return nil, err
		}
		if a.known {
			org := f.organizations[proven.organization]
			if err := s.rates.admit(Standing{Client: &a.client, Organization: &org}, s.bounds.Load(), s.config.Now()); err != nil {
				return nil, err
			}
		}
		client, rec.Detail = a.client, a.client.State.String()
		var mutations []Mutation
		if !a.known {
			a.client.MAC = s.sign(a.client.row())
			mutations = append(mutations, AddClient{a.client})
		}
		if a.bind {
			mutations = append(mutations, s.bind(c.Certificate, a.client.Fingerprint, rec.Time))
		}
		return mutations, nil
	})
	if errors.Is(err, fault.Denied) {
		s.limits.refused(c.Source)
	}
	if err != nil {
		return Client{}, err
	}
	return client, nil
}

// authenticRegistration returns nil if what a registration was decided over is
// what this server wrote, and none of it was taken away on this node.
func (s *Service) authenticRegistration(f *Facts, r provenRegistration) error {
	org := f.organizations[r.organization]
	if err := s.authenticOrganization(&org); err != nil {
		return err
	}
	if cert, ok := f.certificates[r.certificate]; ok {
		if err := s.authenticCertificate(&cert); err != nil {
			return err
		}
	}
	if s.denied(certificateSubject(r.certificate)) {
		return errBoundBefore()
	}
	if client, ok := f.clients[r.key.Fingerprint]; ok {
		if err := s.authenticClient(&client); err != nil {
			return err
		}
		if s.denied(clientSubject(client.Fingerprint)) {
			client.State = ClientDisabled
			return served(&client)
		}
	}
	return nil
}

// bind returns what binds a TLS key to a client.
func (s *Service) bind(key KeyHash, client Fingerprint, at time.Time) Mutation {
	cert := Certificate{Key: key, Client: client, Created: at}
	cert.MAC = s.sign(cert.row())
	return AddCertificate{cert}
}

// prove checks everything about a registration that needs no facts.
func (s *Service) prove(c Caller, r Registration) (provenRegistration, error) {
	p := provenRegistration{name: r.Name, certificate: c.Certificate}
	if c.Certificate == (KeyHash{}) {
		return p, fault.New(fault.Unauthenticated, "the connection has no client certificate to bind").
			WithHint("connect with the certificate and key to register: curl --cert, --key")
	}
	var err error
	if p.organization, err = ParseOrgName(r.Organization); err != nil {
		return p, err
	}
	if err := names.CheckClient(r.Name); err != nil {
		return p, fault.New(fault.Invalid, "%v", err)
	}
	now := s.config.Now()
	if err := checkProofTime(r.Time, now); err != nil {
		return p, err
	}
	if p.key, err = s.config.OpenPGP.ParsePublicKey(r.PublicKey, now); err != nil {
		return p, err
	}
	text := proof.Registration(r.Organization, string(s.config.Server), c.Certificate, r.Time)
	if err := s.config.OpenPGP.VerifyDetached(p.key, text, r.Signature, now); err != nil {
		return p, fault.New(fault.Invalid, "the signature of the proof does not hold for this server, organization, TLS key and time").
			WithHint("it must be made by key %s over: purpose, organization, server, TLS key, time", p.key.Fingerprint)
	}
	return p, nil
}

// checkProofTime refuses a proof that was made long before, or after, now.
func checkProofTime(made, now time.Time) error {
	if d := now.Sub(made); d > MaxClockDifference || d < -MaxClockDifference {
		return fault.New(fault.Invalid, "the proof is of %s, but it is %s here: more than %s apart",
			made.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), MaxClockDifference).
			WithHint("set the clock of this host, then do the same again")
	}
	return nil
}

// codeRight says whether code is the organization's, in constant time, and with
// the same work where there is no such organization or it has no code.
func (s *Service) codeRight(f *Facts, org OrgName, code names.Secret) bool {
	sealed, binding := f.organizations[org].Code, codeBinding(org)
	hasCode := sealed.Generation != 0
	if !hasCode {
		sealed, binding = s.decoy, codeBinding("")
	}
	want, err := s.config.Sealer.Open(binding, sealed)
	if err != nil {
		s.config.Log.Error("the authorization code of an organization cannot be opened", "organization", org, "error", err)
		return false
	}
	equal := subtle.ConstantTimeCompare(want, []byte(code.Reveal())) == 1
	return equal && hasCode
}
