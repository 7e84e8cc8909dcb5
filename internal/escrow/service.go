package escrow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// Caller is who makes a request, as far as the connection tells.
type Caller struct {
	Certificate KeyHash // of the TLS key that made the connection; zero without one
	Operator    bool    // it came over the admin socket from root or the service account
	UID         int     // the peer's, where Operator is true
	Host        bool    // it came over TLS from the server's own host; known where it matters alone
	Source      string  // remote IP address, or "socket"
	RequestID   string
	Reason      string // of the operator's own words, for the audit log; empty: none was given
}

// Config is what a Service is made of.
type Config struct {
	Store   Store
	Auditor Auditor
	Sealer  Sealer
	OpenPGP OpenPGP

	DenyList DenyList    // nil: taking access away depends on the store
	Node     string      // this host's name
	Server   Fingerprint // of the server's OpenPGP key, which every proof names
	Now      func() time.Time
	Log      *slog.Logger

	Limits   Limits   // zero: DefaultLimits; see SetLimits
	Patience Patience // with a change; zero: 3 s for its turn, 2 s more for its end
	Observer Observer // nil: nobody looks on

	// Fatal is called, at most once, when a write's outcome is unknown or the
	// audit cannot be trusted to be on disk. The process should end and start
	// again; until then the Service refuses.
	Fatal func(error)
}

// Service is the one door to the domain. Its methods are safe for concurrent
// use; each authorizes, acts and audits (Self tells a caller of itself alone, and
// leaves no record).
type Service struct {
	config Config
	writer *writer
	keeper *keeper
	limits *limits
	bounds atomic.Pointer[Limits]
	rates  *rates

	authenticated authenticated

	decoy   Sealed // stands in for the code of an organization that does not exist
	stop    context.CancelFunc
	running sync.WaitGroup

	giving  sync.Mutex // held while access is given again, or the database told that it was taken: taken before denying
	listing sync.Mutex // held while the deny list is written: taken before denying
	denying sync.Mutex // held while what follows changes, and never while the disk is waited for
	denials atomic.Pointer[denials]
	unkept  map[Subject]Denial // that the deny list has not taken, or not yet
	noted   map[Subject]uint64 // when each was denied last, by turns
	merged  map[Subject]uint64 // what the database was told of and could not be lifted
	turns   uint64

	complained time.Time // of a denial that cannot be merged; with giving

	storeCheck check[struct{}]
	auditCheck check[auditState]
	census     check[Census]
	refusals   refusals // that have no records of their own
}

// auditInterval is how long an audited event may wait to be on disk.
const auditInterval = time.Second

// Start checks that the store's sealed bytes can be opened, brings the audit
// chain up to what the store holds, and starts to serve. The error tells what to
// do: a generation of the key-encryption key that is missing, or is another key,
// cannot be served around.
func Start(ctx context.Context, config Config) (*Service, error) {
	if config.DenyList == nil {
		config.DenyList = noDenyList{}
	}
	s := &Service{config: config, limits: newLimits(config.Now), rates: newRates(), unkept: map[Subject]Denial{},
		noted: map[Subject]uint64{}, merged: map[Subject]uint64{}}
	s.loadDenials()
	if config.Limits == (Limits{}) {
		config.Limits = DefaultLimits()
	}
	s.SetLimits(config.Limits)
	if err := s.checkKEKs(ctx); err != nil {
		return nil, err
	}
	decoy, err := s.config.Sealer.Seal(codeBinding(""), []byte(newAuthCode().Reveal()))
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	s.decoy = decoy
	pending, err := s.config.Store.PendingAudit(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the audit records of the last run: %w", err)
	}
	var fatal sync.Once
	fail := func(err error) { fatal.Do(func() { config.Fatal(err) }) }
	s.keeper = newKeeper(config.Auditor, config.Log, fail)
	s.keeper.committed(pending)
	s.writer = newWriter(config, s.keeper, fail)
	s.storeCheck.name, s.auditCheck.name, s.census.name = "store", "audit log", "store"
	s.storeCheck.ask = func(ctx context.Context) (none struct{}, _ error) { return none, s.writable(ctx) }
	s.auditCheck.ask = func(context.Context) (auditState, error) { return s.keeper.state() }
	s.census.ask = func(ctx context.Context) (Census, error) { return s.config.Store.Census(ctx, s.now()) }

	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.running.Go(func() { s.writer.run(ctx) })
	s.running.Go(func() { s.keepHouse(ctx) })
	s.running.Go(func() { s.summarizeRefusals(ctx) })
	s.running.Go(func() { s.keeper.run(ctx, auditInterval, s.writer.forget) })
	return s, nil
}

// Close ends the service after what is under way, with the audit on disk.
// Requests must have ended before.
func (s *Service) Close() {
	s.stop()
	s.running.Wait()
	s.summarize(true)
	s.keeper.flush(context.Background(), s.writer.forgetNow)
}

// Ready returns nil if changes can be made now, or why not.
func (s *Service) Ready(ctx context.Context) error {
	if err := cmp.Or(s.keeper.err(), s.keeper.roomForChanges()); err != nil {
		return err
	}
	return s.writable(ctx)
}

func (s *Service) checkKEKs(ctx context.Context) error {
	stored, err := s.config.Store.KEKs(ctx)
	if err != nil {
		return fmt.Errorf("reading the generations of the key-encryption key: %w", err)
	}
	ring := s.config.Sealer.Checks()
	for generation, check := range stored {
		switch have, ok := ring[generation]; {
		case !ok:
			return fault.New(fault.Unavailable, "the database names generation %d of the key-encryption key, which is not in the KEK ring", generation).
				WithHint("restore the KEK ring that belongs to this database from a backup of the configuration directory; without it what was sealed cannot be opened")
		case string(have) != string(check):
			return fault.New(fault.Unavailable, "generation %d of the key-encryption key in the KEK ring is not the key that the database was sealed with", generation).
				WithHint("this configuration directory belongs to another database: restore the one that belongs to it")
		}
	}
	for generation, check := range ring {
		if _, ok := stored[generation]; !ok {
			err := s.config.Store.Change(Keys{}, func(*Facts) ([]Mutation, error) {
				return []Mutation{AddKEK{Generation: generation, Check: check, Created: s.now()}}, nil
			})
			if err != nil {
				return fmt.Errorf("noting generation %d of the key-encryption key: %w", generation, err)
			}
		}
	}
	return nil
}

func (s *Service) now() time.Time { return micro(s.config.Now()) }

// record begins the audit record of what c asks for.
func (s *Service) record(c Caller, action, object string) Record {
	return Record{
		ID: newRecordID(), Time: s.now(), Action: action, Actor: c.actor(), Source: c.Source,
		Object: clip(object), RequestID: c.RequestID, Reason: c.Reason,
	}
}

// clip bounds what a caller's words add to a record.
func clip(s string) string { return s[:min(len(s), 512)] }

// actor tells who c is before the store is asked.
func (c Caller) actor() string {
	switch {
	case c.Operator:
		return fmt.Sprintf("operator uid %d", c.UID)
	case c.Certificate != KeyHash{}:
		return actorCertificate + c.Certificate.String()
	}
	return actorAnonymous
}

// actorClient stands before the fingerprint of a client that proved to be one.
const actorClient = "client "

// The actors that proved nothing.
const (
	actorAnonymous   = "anonymous"
	actorCertificate = "certificate "
)

// byStranger says whether nobody known stands behind the record.
func (r *Record) byStranger() bool {
	return r.Actor == actorAnonymous || strings.HasPrefix(r.Actor, actorCertificate)
}

// by notes in the record who the caller proved to be.
func (r *Record) by(s Standing) {
	if s.Client != nil {
		r.Actor = actorClient + string(s.Client.Fingerprint)
		r.Organization = s.Client.Organization
	}
}

// change takes one decision, waits until what follows from it is durable, and
// audits it: with the change if it is made, directly if it is refused. decide
// may be called again after a failed try, so it must start afresh each time.
func (s *Service) change(ctx context.Context, base Record, keys Keys, decide func(*Facts, *Record) ([]Mutation, error)) error {
	return s.changePatiently(ctx, base, keys, s.writer.wait.End, decide)
}

// changePatiently is change that is waited for until an end of its own, once it has
// had its turn.
func (s *Service) changePatiently(ctx context.Context, base Record, keys Keys, end time.Duration, decide func(*Facts, *Record) ([]Mutation, error)) error {
	if err := s.keeper.err(); err != nil {
		return err
	}
	if err := s.keeper.roomForChanges(); err != nil {
		return s.refuse(base, err)
	}
	j := newJob(keys, base, decide)
	j.end = end
	err := s.writer.do(ctx, j)
	if err == nil {
		return nil
	}
	rec := base
	if errors.Is(err, fault.OutcomeUnknown) {
		rec.ID = newRecordID() // the change may yet be made, and has a record of its own then
	} else {
		rec = j.record // the writer is done with it
	}
	return s.refuse(rec, err)
}

// Permit authorizes and audits what only the operator may have done and what is
// not kept in the store, such as a reload, before it is done.
func (s *Service) Permit(c Caller, action string) error {
	rec := s.record(c, action, "")
	if !c.Operator {
		return s.refuse(rec, errNotHere())
	}
	return s.read(rec, nil)
}

// PermitHost authorizes what only the operator and this host itself may ask for,
// and what gives nothing of anybody's away, such as the metrics. It audits that it
// was refused; that it was not, which a monitor would cause every few seconds, it
// does not.
func (s *Service) PermitHost(c Caller, action string) error {
	if c.Operator || c.Host {
		return nil
	}
	return s.refuse(s.record(c, action, ""), fault.New(fault.Denied, "this is told on the server's own host only").
		WithHint("ask there: over the admin socket, or over TLS from an address of the server's own"))
}

// refuse audits that err was the answer, and returns it.
func (s *Service) refuse(rec Record, err error) error {
	s.auditRefusal(rec, err)
	return err
}

// read audits a read that ended with err, before it is answered. A read that
// cannot be audited is refused.
func (s *Service) read(rec Record, err error) error {
	if err != nil {
		return s.refuse(rec, err)
	}
	rec.Outcome = OutcomeOK
	return s.keeper.append(rec)
}

// auditRefusal audits what was refused or failed: what those cause whom nobody has
// let in, and those who ask too often, by a few records of their own and a summary a
// minute, so they cannot fill the disk; and everything by that summary while the disk
// is nearly full.
func (s *Service) auditRefusal(rec Record, err error) {
	rec.Outcome, rec.Detail = OutcomeRefused, string(kindOf(err))
	outside, unknown := rec.byStranger(), false
	switch kindOf(err) {
	case fault.OutcomeUnknown:
		rec.Outcome, unknown = OutcomeFailed, true // it may have been done: that is never summed up
	case fault.Internal, fault.Corrupt, fault.Unavailable:
		rec.Outcome = OutcomeFailed
	case fault.Denied, fault.Pending, fault.Disabled, fault.Limited:
		outside = true
	}
	low := s.keeper.roomForChanges() != nil
	if (outside && !unknown || low) && !s.refusals.single(&rec, low) {
		return
	}
	if err := s.keeper.append(rec); err != nil {
		s.config.Log.Error("a refusal could not be audited", "action", rec.Action, "request_id", rec.RequestID, "error", err)
	}
}

// kindOf returns the kind of err; what has none is Internal.
func kindOf(err error) fault.Kind {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Kind
	}
	return fault.Internal
}
