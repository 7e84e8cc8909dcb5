package escrow

import (
	"context"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/proof"
)

// NewCertificate is a TLS key that a client wants to have bound to it, beside
// those that are.
type NewCertificate struct {
	Key       KeyHash // of a certification request that its private key signed
	PublicKey []byte  // the client's OpenPGP key, armored or binary
	Time      time.Time
	Signature []byte // detached, by that key over proof.Certificate
}

// AddCertificate binds another TLS key to the caller. Its OpenPGP key has to sign
// for it, so who stole one TLS key cannot make itself another. The same key again
// is the same certificate; a retired one is fault.Conflict.
func (s *Service) AddCertificate(ctx context.Context, c Caller, n NewCertificate) (Certificate, error) {
	const action = "certificate.add"
	who, err := s.admitted(ctx, c, action)
	if err != nil {
		return Certificate{}, err
	}
	rec := s.record(c, action, n.Key.String())
	rec.by(who)
	if err := s.admitRequest(who, rec.Time); err != nil {
		return Certificate{}, s.refuse(rec, err)
	}
	if err := s.proveCertificate(ctx, who, n); err != nil {
		return Certificate{}, s.refuse(rec, err)
	}
	var cert Certificate
	keys := Keys{Certificates: []KeyHash{c.Certificate, n.Key}, Clients: []Fingerprint{who.Client.Fingerprint}, Spent: []KeyHash{n.Key}}
	err = s.change(ctx, rec, keys, func(f *Facts, rec *Record) ([]Mutation, error) {
		now := f.standing(c.Certificate)
		if err := s.admit(now, rec.Time); err != nil {
			return nil, err
		}
		if now.Client.Fingerprint != who.Client.Fingerprint {
			return nil, errUnregistered()
		}
		if f.spent[n.Key] || s.denied(certificateSubject(n.Key)) {
			return nil, errBoundBefore()
		}
		if have, ok := f.certificates[n.Key]; ok {
			if have.Client != now.Client.Fingerprint || !have.Retired.IsZero() {
				return nil, errBoundBefore()
			}
			cert = have
			return nil, s.authenticCertificate(&have)
		}
		if err := anotherKey(f, now.Client.Fingerprint); err != nil {
			return nil, err
		}
		bind := s.bind(n.Key, now.Client.Fingerprint, rec.Time)
		cert = bind.(AddCertificate).Certificate
		return []Mutation{bind}, nil
	})
	if err != nil {
		return Certificate{}, err
	}
	return cert, nil
}

// proveCertificate checks that the caller's OpenPGP key signed for a TLS key.
func (s *Service) proveCertificate(ctx context.Context, who Standing, n NewCertificate) error {
	release, err := s.limits.place(ctx)
	if err != nil {
		return err
	}
	defer release()
	now := s.config.Now()
	if err := checkProofTime(n.Time, now); err != nil {
		return err
	}
	key, err := s.config.OpenPGP.ParsePublicKey(n.PublicKey, now)
	if err != nil {
		return err
	}
	if key.Fingerprint != who.Client.Fingerprint {
		return fault.New(fault.Invalid, "key %s is not the caller's, %s", key.Fingerprint, who.Client.Fingerprint)
	}
	text := proof.Certificate(string(who.Organization.Name), string(s.config.Server), string(key.Fingerprint), n.Key, n.Time)
	if err := s.config.OpenPGP.VerifyDetached(key, text, n.Signature, now); err != nil {
		return fault.New(fault.Invalid, "the signature of the proof does not hold for this server, organization, client, TLS key and time").
			WithHint("it must be made by key %s over: purpose, organization, server, client, TLS key, time", key.Fingerprint)
	}
	return nil
}

// Certificates returns the caller's own, retired ones too.
func (s *Service) Certificates(ctx context.Context, c Caller) ([]Certificate, error) {
	const action = "certificate.list"
	who, err := s.admitted(ctx, c, action)
	if err != nil {
		return nil, err
	}
	rec := s.record(c, action, string(who.Client.Fingerprint))
	rec.by(who)
	if err := s.admitRequest(who, rec.Time); err != nil {
		return nil, s.refuse(rec, err)
	}
	return s.certificates(ctx, rec, who.Client.Fingerprint)
}

// ClientCertificates returns a client's, retired ones too, to the operator.
func (s *Service) ClientCertificates(ctx context.Context, c Caller, fp Fingerprint) ([]Certificate, error) {
	rec := s.record(c, "certificate.list", string(fp))
	if !c.Operator {
		return nil, s.refuse(rec, errNotHere())
	}
	return s.certificates(ctx, rec, fp)
}

func (s *Service) certificates(ctx context.Context, rec Record, fp Fingerprint) ([]Certificate, error) {
	certs, err := s.config.Store.Certificates(ctx, fp)
	for i, c := range certs {
		if at, ok := s.deniedSince(certificateSubject(c.Key)); ok && c.Retired.IsZero() {
			certs[i].Retired = at
		}
	}
	return certs, s.read(rec, err)
}

// RetireCertificate ends one of the caller's certificates, but not the one it
// comes with. Retired again, it stays as it is.
func (s *Service) RetireCertificate(ctx context.Context, c Caller, key KeyHash) (Certificate, error) {
	var after Certificate
	keys := Keys{Certificates: []KeyHash{c.Certificate, key}}
	err := s.change(ctx, s.record(c, "certificate.retire", key.String()), keys, func(f *Facts, rec *Record) ([]Mutation, error) {
		who := f.standing(c.Certificate)
		rec.by(who)
		if err := s.admitRequest(who, rec.Time); err != nil {
			return nil, err
		}
		cert, ok := f.certificates[key]
		if !ok || cert.Client != who.Client.Fingerprint {
			return nil, errNoCertificate(key)
		}
		if key == c.Certificate {
			return nil, fault.New(fault.Conflict, "certificate %s is the one of this connection", key).
				WithHint("retire it over a connection with another one: keytrustee rotate-certificate does")
		}
		return s.retire(cert, &after, rec)
	})
	if err != nil {
		return Certificate{}, err
	}
	return after, nil
}

// RevokeCertificate ends a certificate, whether or not the database can be
// written, for the operator.
func (s *Service) RevokeCertificate(ctx context.Context, c Caller, key KeyHash) (Certificate, Reach, error) {
	rec := s.record(c, "certificate.revoke", key.String())
	var changed Certificate // the writer's own until it has ended
	reach, err := s.takeAway(ctx, c, rec, certificateSubject(key), Keys{Certificates: []KeyHash{key}}, s.revoke(key, &changed))
	if err != nil || !reach.Everywhere {
		return Certificate{Key: key, Retired: rec.Time}, reach, err
	}
	return changed, reach, nil
}

// revoke decides that a certificate, whoever has it, is retired.
func (s *Service) revoke(key KeyHash, after *Certificate) decision {
	return func(f *Facts, rec *Record) ([]Mutation, error) {
		cert, ok := f.certificates[key]
		if !ok {
			return nil, errNoCertificate(key)
		}
		rec.Organization, rec.Detail = f.clients[cert.Client].Organization, "of client "+string(cert.Client)
		return s.retire(cert, after, rec)
	}
}

// retire returns what ends a certificate, and tells it to after.
func (s *Service) retire(cert Certificate, after *Certificate, rec *Record) ([]Mutation, error) {
	if err := s.authenticCertificate(&cert); err != nil {
		return nil, err
	}
	*after = cert
	if !cert.Retired.IsZero() {
		return nil, nil
	}
	after.Retired = rec.Time
	after.MAC = s.sign(after.row())
	return []Mutation{RetireCertificate{after.Key, after.Retired, after.MAC}}, nil
}

func errNoCertificate(key KeyHash) error {
	return fault.New(fault.NotFound, "no certificate %s", key).WithHint("orgtool certificates shows those that exist")
}
