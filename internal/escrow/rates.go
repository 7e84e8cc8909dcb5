package escrow

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/ktsd/ktsd/internal/fault"
)

// rates bound the requests of each client, and of all clients of an organization.
// Who has never been admitted has no place here.
type rates struct {
	mu            sync.Mutex
	clients       map[member]*rate.Limiter
	organizations map[OrgName]*rate.Limiter
}

// member is a client of an organization.
type member struct {
	organization OrgName
	client       Fingerprint
}

// maxRates bounds the clients, and the organizations, that are remembered: beyond
// that all begin anew.
const maxRates = 100_000

func newRates() *rates {
	return &rates{clients: map[member]*rate.Limiter{}, organizations: map[OrgName]*rate.Limiter{}}
}

// admit counts a request, or refuses it.
func (r *rates) admit(who Standing, l *Limits, now time.Time) error {
	client, org := r.of(who, l)
	if !client.AllowN(now, 1) {
		return errTooFast("client "+string(who.Client.Fingerprint), l.ClientRate)
	}
	if !org.AllowN(now, 1) {
		return errTooFast("organization "+string(who.Organization.Name), l.OrganizationRate)
	}
	return nil
}

// of returns the two limiters, with the limits as they are now.
func (r *rates) of(who Standing, l *Limits) (client, org *rate.Limiter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := member{who.Organization.Name, who.Client.Fingerprint}
	return limiter(r.clients, one, l.ClientRate), limiter(r.organizations, who.Organization.Name, l.OrganizationRate)
}

// forget drops what an organization and its clients have asked for.
func (r *rates) forget(org OrgName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.organizations, org)
	maps.DeleteFunc(r.clients, func(m member, _ *rate.Limiter) bool { return m.organization == org })
}

func limiter[K comparable](of map[K]*rate.Limiter, key K, perSecond int64) *rate.Limiter {
	limit := rate.Limit(perSecond)
	if have, ok := of[key]; ok && have.Limit() == limit {
		return have
	}
	if len(of) >= maxRates {
		clear(of)
	}
	of[key] = rate.NewLimiter(limit, int(perSecond)) // a second's requests at once
	return of[key]
}

func errTooFast(holder string, perSecond int64) error {
	return fault.New(fault.Limited, "%s makes more than %d requests a second", holder, perSecond).
		WithHint("make fewer, or have the server's operator raise the limit (block limits)").RetryAfter(time.Second)
}
