package escrow

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// Taking access away is never blocked. It is noted on this node first, where the
// next request finds it; then the database is told, and once that has it the note
// goes. Until then the keeper of notes, merge, tries again.

// decision is what a change does, over its facts.
type decision = func(*Facts, *Record) ([]Mutation, error)

// Reach is where it is in force that access was taken away.
type Reach struct {
	Everywhere bool   // the database has it
	Node       string // where it is in force at once
}

// denials are those in force on this node, by subject, with the time of each.
type denials map[Subject]time.Time

func clientSubject(fp Fingerprint) Subject {
	return Subject{Kind: SubjectClient, Name: string(fp)}
}

func certificateSubject(key KeyHash) Subject {
	return Subject{Kind: SubjectCertificate, Name: key.String()}
}

func contactSubject(org OrgName, contact string) Subject {
	return Subject{Kind: SubjectContact, Name: contact, Organization: org}
}

// denied says whether access was taken away from a subject on this node.
func (s *Service) denied(sub Subject) bool {
	_, denied := s.deniedSince(sub)
	return denied
}

func (s *Service) deniedSince(sub Subject) (time.Time, bool) {
	list := *s.denials.Load()
	if len(list) == 0 {
		return time.Time{}, false
	}
	at, denied := list[sub]
	return at, denied
}

// deniesNone says whether nothing is denied, so that nobody need be looked up.
func (s *Service) deniesNone() bool { return len(*s.denials.Load()) == 0 }

// loadDenials takes over what the list holds, and what it could not take. The
// caller holds denying, or is alone.
func (s *Service) loadDenials() {
	list := denials{}
	for _, d := range s.toMerge() {
		list[d.Subject] = d.Record.Time
	}
	s.denials.Store(&list)
}

// toMerge returns all denials in force on this node.
func (s *Service) toMerge() []Denial {
	return append(s.config.DenyList.Denials(), slices.Collect(maps.Values(s.unkept))...)
}

// deny notes on this node that access is taken away. Should even that fail, it is
// in force until the process ends.
func (s *Service) deny(d Denial) error {
	s.denying.Lock()
	defer s.denying.Unlock()
	defer s.loadDenials()
	if err := s.config.DenyList.Deny(d); err != nil {
		s.unkept[d.Subject] = d
		return fault.New(fault.Unavailable, "%s %s is denied by this node, but only until ktsd ends: the deny list cannot be written", d.Subject.Kind, d.Subject.Name).
			WithHint("make room on the disk, then do the same again").Because(err)
	}
	delete(s.unkept, d.Subject)
	return nil
}

// lift removes the note: the database has it, or access is given again.
func (s *Service) lift(sub Subject) error {
	if s.deniesNone() {
		return nil
	}
	s.denying.Lock()
	defer s.denying.Unlock()
	defer s.loadDenials()
	delete(s.unkept, sub)
	if err := s.config.DenyList.Lift(sub); err != nil {
		return fault.New(fault.Unavailable, "the deny list cannot be written: %s %s stays denied by this node", sub.Kind, sub.Name).
			WithHint("see ktsd's log; then do the same again").Because(err)
	}
	return nil
}

// takeAway takes access away from a subject, for the operator, and audits it. When
// the store cannot take the change it is in force on this node all the same.
func (s *Service) takeAway(ctx context.Context, c Caller, rec Record, sub Subject, keys Keys, decide decision) (Reach, error) {
	if !c.Operator {
		return Reach{}, s.refuse(rec, errNotHere())
	}
	noted := s.deny(Denial{sub, rec})
	err := s.change(ctx, rec, keys, decide)
	reach := Reach{Everywhere: err == nil, Node: s.config.Node}
	if errors.Is(err, fault.Unavailable) || errors.Is(err, fault.OutcomeUnknown) {
		s.config.Log.Warn("access is taken away on this node until the database can be told", "kind", sub.Kind, "name", sub.Name, "error", err)
		return reach, noted
	}
	if lifted := s.lift(sub); lifted != nil {
		s.config.Log.Error("a denial could not be lifted", "kind", sub.Kind, "name", sub.Name, "error", lifted)
	}
	return reach, err
}

// merge tells the database what was taken away while it could not be told.
func (s *Service) merge(ctx context.Context) {
	s.denying.Lock()
	list := s.toMerge()
	s.denying.Unlock()
	for _, d := range list {
		if !s.mergeOne(ctx, d) {
			return // the next time
		}
	}
}

// mergeOne tells the database of one denial, unless access was given again in
// between, and removes the note. It reports whether others can be tried.
func (s *Service) mergeOne(ctx context.Context, d Denial) bool {
	s.giving.Lock()
	defer s.giving.Unlock()
	if !s.denied(d.Subject) {
		return true
	}
	rec := d.Record
	rec.ID, rec.Time = newRecordID(), s.now()
	keys, decide, err := s.taking(d.Subject)
	if err == nil {
		err = s.writer.do(ctx, newJob(keys, rec, func(f *Facts, rec *Record) ([]Mutation, error) {
			mutations, err := decide(f, rec)
			rec.Detail = clip("taken away at " + d.Record.Time.Format(time.RFC3339) + " on " + s.config.Node + "; " + rec.Detail)
			return mutations, err
		}))
	}
	log := s.config.Log.With("kind", d.Subject.Kind, "name", d.Subject.Name)
	switch {
	case err == nil:
		log.Info("the database was told whose access was taken away")
	case errors.Is(err, fault.NotFound):
		log.Warn("whose access was taken away does not exist")
	case errors.Is(err, fault.Corrupt):
		if time.Since(s.complained) > time.Minute {
			s.complained = time.Now()
			log.Error("the database cannot be told whose access was taken away; it stays so on this node", "error", err)
		}
		return true
	default:
		return false
	}
	return s.lift(d.Subject) == nil
}

// taking returns the facts and the decision that take a subject's access away in
// the database.
func (s *Service) taking(sub Subject) (Keys, decision, error) {
	switch sub.Kind {
	case SubjectClient:
		fp := Fingerprint(sub.Name)
		return Keys{Clients: []Fingerprint{fp}}, s.setState(fp, ClientDisabled, new(Client)), nil
	case SubjectCertificate:
		key, err := ParseKeyHash(sub.Name)
		if err != nil {
			return Keys{}, nil, fault.New(fault.NotFound, "no certificate %.80s", sub.Name)
		}
		return Keys{Certificates: []KeyHash{key}}, s.revoke(key, new(Certificate)), nil
	case SubjectContact:
		return Keys{Organizations: []OrgName{sub.Organization}}, s.removeContact(sub.Organization, sub.Name), nil
	}
	return Keys{}, nil, fault.New(fault.NotFound, "no subject of kind %q", sub.Kind)
}

// noDenyList is where none is kept: what the store cannot be told is refused.
type noDenyList struct{}

func (noDenyList) Denials() []Denial  { return nil }
func (noDenyList) Deny(Denial) error  { return errors.New("this process keeps no deny list") }
func (noDenyList) Lift(Subject) error { return nil }
