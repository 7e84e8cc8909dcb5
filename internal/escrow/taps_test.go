package escrow_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/deny"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/pgp"
)

// tapStore counts the changes of a store and makes them fail.
type tapStore struct {
	escrow.Store
	writes atomic.Int64 // changes that wrote deposits
	pings  atomic.Int64
	deaf   atomic.Bool // Ping does not return, whatever its context says

	mu      sync.Mutex
	gate    chan struct{}                 // until it is closed, changes wait
	reached chan struct{}                 // closed when the first one waits
	refuse  func([]escrow.Mutation) error // rolls a change back
	lose    func([]escrow.Mutation) error // the error of a change that was written all the same
}

func (s *tapStore) set(edit func(s *tapStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit(s)
}

func (s *tapStore) Change(keys escrow.Keys, decide func(*escrow.Facts) ([]escrow.Mutation, error)) error {
	s.mu.Lock()
	gate, reached, refuse, lose := s.gate, s.reached, s.refuse, s.lose
	s.reached = nil
	s.mu.Unlock()
	if reached != nil {
		close(reached)
	}
	if gate != nil {
		<-gate
	}
	var all []escrow.Mutation
	err := s.Store.Change(keys, func(f *escrow.Facts) ([]escrow.Mutation, error) {
		mutations, err := decide(f)
		if err == nil && refuse != nil {
			err = refuse(mutations)
		}
		all = mutations
		return mutations, err
	})
	if err == nil && depositsIn(all) > 0 {
		s.writes.Add(1)
	}
	if err == nil && lose != nil {
		err = lose(all)
	}
	return err
}

func (s *tapStore) Ping(ctx context.Context) error {
	s.pings.Add(1)
	for s.deaf.Load() {
		time.Sleep(5 * time.Millisecond)
	}
	return s.Store.Ping(ctx)
}

// hold makes changes wait until open is called; reached is closed when the first
// one does.
func (s *tapStore) hold() (reached chan struct{}) {
	reached = make(chan struct{})
	s.set(func(s *tapStore) { s.gate, s.reached = make(chan struct{}), reached })
	return reached
}

// open lets changes go on.
func (s *tapStore) open() {
	s.set(func(s *tapStore) {
		if s.gate != nil {
			close(s.gate)
		}
		s.gate, s.reached = nil, nil
	})
}

func depositsIn(mutations []escrow.Mutation) (n int) {
	for _, m := range mutations {
		if _, ok := m.(escrow.AddDeposit); ok {
			n++
		}
	}
	return n
}

// hasHandle tells whether mutations add a deposit under a handle.
func hasHandle(mutations []escrow.Mutation, handle escrow.Handle) bool {
	for _, m := range mutations {
		if add, ok := m.(escrow.AddDeposit); ok && add.Deposit.Handle == handle {
			return true
		}
	}
	return false
}

// tapAuditor is a chain that a test makes fail.
type tapAuditor struct {
	*audit.Log
	failing, failSync, holdSync, holdAppend atomic.Bool
	appends, syncs                          atomic.Int64
	space                                   atomic.Pointer[escrow.Space] // what it tells, if not the truth
}

func (a *tapAuditor) Space() escrow.Space {
	if s := a.space.Load(); s != nil {
		return *s
	}
	return a.Log.Space()
}

var errDisk = errors.New("no space left on device")

func (a *tapAuditor) Append(records ...escrow.Record) error {
	a.appends.Add(1)
	for a.holdAppend.Load() {
		time.Sleep(5 * time.Millisecond)
	}
	if a.failing.Load() {
		return errDisk
	}
	return a.Log.Append(records...)
}

func (a *tapAuditor) Sync() error {
	a.syncs.Add(1)
	for a.holdSync.Load() {
		time.Sleep(5 * time.Millisecond)
	}
	if a.failSync.Load() {
		return errDisk
	}
	return a.Log.Sync()
}

// tapDenyList is a deny list that a test makes fail.
type tapDenyList struct {
	*deny.List
	failing, failLift, hold atomic.Bool
}

func (l *tapDenyList) Deny(d escrow.Denial) error {
	for l.hold.Load() {
		time.Sleep(5 * time.Millisecond)
	}
	if l.failing.Load() {
		return errDisk
	}
	return l.List.Deny(d)
}

func (l *tapDenyList) Lift(s escrow.Subject) error {
	if l.failLift.Load() {
		return errDisk
	}
	return l.List.Lift(s)
}

// tapSealer counts.
type tapSealer struct {
	escrow.Sealer
	opens atomic.Int64
	fail  atomic.Bool // every Seal
}

func (s *tapSealer) Open(b escrow.Binding, sealed escrow.Sealed) ([]byte, error) {
	s.opens.Add(1)
	return s.Sealer.Open(b, sealed)
}

func (s *tapSealer) Seal(b escrow.Binding, plaintext []byte) (escrow.Sealed, error) {
	if s.fail.Load() {
		return escrow.Sealed{}, errors.New("the sealer does not work")
	}
	return s.Sealer.Seal(b, plaintext)
}

// openPGP is the real OpenPGP, as ktsd uses it.
type openPGP struct{}

func (openPGP) ParsePublicKey(block []byte, now time.Time) (escrow.PublicKey, error) {
	key, err := pgp.ParsePublicKey(block, now)
	if err != nil {
		return escrow.PublicKey{}, fault.New(fault.Invalid, "public key: %v", err)
	}
	return escrow.PublicKey{Fingerprint: escrow.Fingerprint(key.Fingerprint()), Binary: key.Binary()}, nil
}

func (openPGP) VerifyDetached(key escrow.PublicKey, message, signature []byte, now time.Time) error {
	parsed, err := pgp.ParsePublicKey(key.Binary, now)
	if err != nil {
		return err
	}
	return parsed.Verify(message, signature, now)
}
