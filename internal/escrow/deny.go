package escrow

import (
	"context"
	"errors"
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

// toMerge returns all denials in force on this node. The caller holds denying.
func (s *Service) toMerge() []Denial {
	all := s.config.DenyList.Denials()
	for sub, d := range s.unkept {
		if !slices.ContainsFunc(all, func(k Denial) bool { return k.Subject == sub }) {
			all = append(all, d)
		}
	}
	return all
}

// deny notes on this node that access is taken away: in memory at once, and then on
// the disk, which is waited for as long as for a change. Should the disk not take it,
// it is in force until the process ends. It returns the turn of the note, for lift.
func (s *Service) deny(d Denial) (turn uint64, err error) {
	s.denying.Lock()
	s.turns++
	turn = s.turns
	s.unkept[d.Subject], s.noted[d.Subject] = d, turn
	s.loadDenials()
	s.denying.Unlock()
	err = s.patiently(func() error {
		s.listing.Lock()
		defer s.listing.Unlock()
		if err := s.config.DenyList.Deny(d); err != nil {
			return err
		}
		s.denying.Lock()
		defer s.denying.Unlock()
		if s.noted[d.Subject] == turn {
			delete(s.unkept, d.Subject)
		}
		return nil
	})
	if err != nil {
		return turn, fault.New(fault.Unavailable, "%s %s is denied by this node, but only until ktsd ends: the deny list cannot be written", d.Subject.Kind, d.Subject.Name).
			WithHint("make room on the disk, then do the same again").Because(err)
	}
	return turn, nil
}

// errSlowDisk tells that the disk did not come back.
var errSlowDisk = errors.New("the disk does not answer")

// patiently waits for something that is done on the disk, but no longer than for a
// change; then it goes on by itself.
func (s *Service) patiently(do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	timeout := time.NewTimer(s.writer.wait.Turn)
	defer timeout.Stop()
	select {
	case err := <-done:
		return err
	case <-timeout.C:
		return errSlowDisk
	}
}

// turn is that of the last note; what is noted later has a later one.
func (s *Service) turn() uint64 {
	s.denying.Lock()
	defer s.denying.Unlock()
	return s.turns
}

// lift removes the note: the database has it, or access is given again. One that was
// made after a turn stays.
func (s *Service) lift(sub Subject, turn uint64) error {
	if !s.denied(sub) {
		return nil
	}
	err := s.patiently(func() error {
		s.listing.Lock() // whoever notes it from here on is added to the list after this
		defer s.listing.Unlock()
		if s.notedAfter(sub, turn) {
			return nil
		}
		if err := s.config.DenyList.Lift(sub); err != nil {
			return err
		}
		s.denying.Lock()
		defer s.denying.Unlock()
		if s.noted[sub] <= turn {
			delete(s.unkept, sub)
			delete(s.noted, sub)
			delete(s.merged, sub)
		}
		s.loadDenials()
		return nil
	})
	if err != nil {
		return fault.New(fault.Unavailable, "the deny list cannot be written: %s %s stays denied by this node", sub.Kind, sub.Name).
			WithHint("see ktsd's log; then do the same again").Because(err)
	}
	return nil
}

func (s *Service) notedAfter(sub Subject, turn uint64) bool {
	s.denying.Lock()
	defer s.denying.Unlock()
	return s.noted[sub] > turn
}

// takeAway takes access away from a subject, for the operator, and audits it. When
// the store cannot take the change it is in force on this node all the same.
func (s *Service) takeAway(ctx context.Context, c Caller, rec Record, sub Subject, keys Keys, decide decision) (Reach, error) {
	if !c.Operator {
		return Reach{}, s.refuse(rec, errNotHere())
	}
	turn, noted := s.deny(Denial{sub, rec})
	err := s.change(ctx, rec, keys, decide)
	reach := Reach{Everywhere: err == nil, Node: s.config.Node}
	switch {
	case errors.Is(err, fault.Unavailable), errors.Is(err, fault.OutcomeUnknown):
		s.config.Log.Warn("access is taken away on this node until the database can be told", "kind", sub.Kind, "name", sub.Name, "error", err)
		return reach, noted
	case errors.Is(err, fault.Corrupt): // it stays denied, whoever mends the row
		return reach, err
	}
	if lifted := s.lift(sub, turn); lifted != nil {
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
	s.denying.Lock()
	turn := s.noted[d.Subject]
	told, before := s.merged[d.Subject]
	s.denying.Unlock()
	if !s.denied(d.Subject) {
		return true
	}
	if before && told == turn { // and could not be lifted
		if time.Since(s.complained) > time.Minute {
			s.complained = time.Now()
			if err := s.lift(d.Subject, turn); err != nil {
				s.config.Log.Error("a denial cannot be lifted, which the database was told of", "kind", d.Subject.Kind, "name", d.Subject.Name, "error", err)
			}
		}
		return true
	}
	err := s.tellDenied(ctx, d)
	log := s.config.Log.With("kind", d.Subject.Kind, "name", d.Subject.Name)
	switch {
	case err == nil:
		log.Info("the database was told whose access was taken away")
	case errors.Is(err, fault.NotFound):
		log.Warn("whose access was taken away does not exist")
	case errors.Is(err, fault.Corrupt), errors.Is(err, fault.Internal):
		if time.Since(s.complained) > time.Minute {
			s.complained = time.Now()
			log.Error("the database cannot be told whose access was taken away; it stays so on this node", "error", err)
		}
		return true
	default:
		return false
	}
	if err := s.lift(d.Subject, turn); err != nil {
		s.denying.Lock()
		s.merged[d.Subject] = turn
		s.denying.Unlock()
		log.Error("a denial cannot be lifted, which the database was told of", "error", err)
	}
	return true
}

// tellDenied writes to the database that access was taken away.
func (s *Service) tellDenied(ctx context.Context, d Denial) error {
	keys, decide, err := s.taking(d.Subject)
	if err != nil {
		return err
	}
	rec := d.Record
	rec.ID, rec.Time = newRecordID(), s.now()
	return s.writer.do(ctx, newJob(keys, rec, func(f *Facts, rec *Record) ([]Mutation, error) {
		mutations, err := decide(f, rec)
		rec.Detail = clip("taken away at " + d.Record.Time.Format(time.RFC3339) + " on " + s.config.Node + "; " + rec.Detail)
		return mutations, err
	}))
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
		return Keys{Certificates: []KeyHash{key}}, s.revokeOrSpend(key), nil
	case SubjectContact:
		return Keys{Organizations: []OrgName{sub.Organization}}, s.removeContact(sub.Organization, sub.Name), nil
	}
	return Keys{}, nil, fault.New(fault.NotFound, "no subject of kind %q", sub.Kind)
}

// revokeOrSpend is revoke for what the operator was told of already: where the
// certificate's client is gone by now, its key is never bound again all the same.
func (s *Service) revokeOrSpend(key KeyHash) decision {
	revoke := s.revoke(key, new(Certificate))
	return func(f *Facts, rec *Record) ([]Mutation, error) {
		if _, ok := f.certificates[key]; ok {
			return revoke(f, rec)
		}
		rec.Detail = "of no client"
		return []Mutation{SpendKey{key, rec.Time}}, nil
	}
}

// noDenyList is where none is kept: what the store cannot be told is refused.
type noDenyList struct{}

func (noDenyList) Denials() []Denial  { return nil }
func (noDenyList) Deny(Denial) error  { return errors.New("this process keeps no deny list") }
func (noDenyList) Lift(Subject) error { return nil }
