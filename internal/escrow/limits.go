package escrow

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/ktsd/ktsd/internal/fault"
)

// limits bound what strangers can make the server do.
type limits struct {
	now    func() time.Time
	places places // of registrations that are verified and decided

	mu      sync.Mutex
	sources map[string]*rate.Limiter // refused registrations, by address
}

const (
	maxSources      = 10_000 // addresses remembered
	refusalBurst    = 20     // refused registrations from one address at once
	refusalInterval = 3 * time.Second
)

func newLimits(now func() time.Time) *limits {
	return &limits{
		now:     now,
		sources: map[string]*rate.Limiter{},
	}
}

// neighborhood is the address that refusals are counted for: of IPv6 the first 64
// bits, since whoever has one such address has them all (RFC 4291, 2.5.1).
func neighborhood(source string) string {
	addr, err := netip.ParseAddr(source)
	if err != nil || !addr.Is6() || addr.Is4In6() {
		return source
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return source
	}
	return prefix.String()
}

// registration refuses an address that was refused too often.
func (l *limits) registration(source string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, ok := l.sources[neighborhood(source)]; ok && r.TokensAt(l.now()) < 1 {
		return fault.New(fault.Limited, "too many registrations from this address were refused").
			WithHint("wait some seconds, then try again with the right organization and code")
	}
	return nil
}

// refused counts a refused registration.
func (l *limits) refused(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	place := neighborhood(source)
	r, ok := l.sources[place]
	if !ok {
		if len(l.sources) >= maxSources {
			l.forgetRested()
		}
		r = rate.NewLimiter(rate.Every(refusalInterval), refusalBurst)
		l.sources[place] = r
	}
	r.AllowN(l.now(), 1)
}

// forgetRested makes room: it forgets the addresses that are free to try again
// at will, or, under an attack from very many, all.
func (l *limits) forgetRested() {
	for source, r := range l.sources {
		if r.TokensAt(l.now()) >= refusalBurst {
			delete(l.sources, source)
		}
	}
	if len(l.sources) >= maxSources {
		clear(l.sources)
	}
}

// place waits for one of the places for a registration, which is held to its end:
// however many come at once, few are judged before the refusals of others count.
func (l *limits) place(ctx context.Context) (release func(), err error) {
	if !l.places.take(ctx) {
		return nil, fault.New(fault.Unavailable, "the server is too busy to verify the proof").WithHint("try again in a moment")
	}
	return l.places.give, nil
}
