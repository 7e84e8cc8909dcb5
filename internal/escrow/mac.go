package escrow

import (
	"bytes"
	"fmt"
	"maps"
	"sync"

	"github.com/ktsd/ktsd/internal/fault"
)

// MAC authenticates a row that decides over access: whoever made it had the
// key-encryption key, and the row says what it said then. A row that an older one
// took the place of is as authentic as that was.
//
//	version 1 byte = 1 | generation of the KEK 4 bytes, big-endian |
//	HMAC-SHA-256 (RFC 2104) 32 bytes
type MAC []byte

// Each row is what its MAC is over: everything that decides, in the layout of a
// Binding. A client's public key is not in it: its fingerprint is.

func (c *Certificate) row() Binding {
	return bind("ktsd-certificate-row/1", string(c.Key[:]), string(c.Client), micros(c.Created), micros(c.Retired))
}

func (c *Client) row() Binding {
	return bind("ktsd-client-row/1", string(c.Fingerprint), string(c.Organization), c.Name, number(int64(c.State)), micros(c.Created))
}

// An organization's management is a field of its own where it is not the tenant's:
// rows that were written before there was one say the same as a tenant's.
func (o *Organization) row() Binding {
	fields := []string{string(o.Name), string(o.Approval), micros(o.Expires)}
	if o.ManagedBy != ManagedByTenant {
		fields = append(fields, string(o.ManagedBy))
	}
	return bind("ktsd-organization-row/1", fields...)
}

func (c *Contact) row(org OrgName) Binding {
	return bind("ktsd-contact-row/1", string(org), c.Address, micros(c.Created))
}

// authentic returns nil if what a certificate leads to is what this server wrote.
func (s *Service) authentic(who Standing) error {
	if s.authenticated.has(who) {
		return nil
	}
	if err := s.authenticCertificate(who.Certificate); err != nil {
		return err
	}
	if err := s.authenticClient(who.Client); err != nil {
		return err
	}
	if err := s.authenticOrganization(who.Organization); err != nil {
		return err
	}
	s.authenticated.add(who)
	return nil
}

// authenticated remembers rows that were authentic when they were last read. Rows
// that say the very same, under the same MACs, still are, without three HMACs.
type authenticated struct {
	mu  sync.RWMutex
	all map[KeyHash]Standing
}

// maxAuthenticated bounds what is remembered: beyond that it begins anew.
const maxAuthenticated = 10_000

func (a *authenticated) has(who Standing) bool {
	a.mu.RLock()
	known, ok := a.all[who.Certificate.Key]
	a.mu.RUnlock()
	return ok && known.Certificate.same(who.Certificate) && known.Client.same(who.Client) && known.Organization.same(who.Organization)
}

func (a *authenticated) add(who Standing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil || len(a.all) >= maxAuthenticated {
		a.all = map[KeyHash]Standing{}
	}
	a.all[who.Certificate.Key] = who
}

// forget drops what is known of an organization's rows, which were removed.
func (a *authenticated) forget(org OrgName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.all, func(_ KeyHash, who Standing) bool { return who.Organization.Name == org })
}

// same compares what row binds, and the MAC over that.

func (c *Certificate) same(d *Certificate) bool {
	return c.Key == d.Key && c.Client == d.Client && c.Created.Equal(d.Created) && c.Retired.Equal(d.Retired) && bytes.Equal(c.MAC, d.MAC)
}

func (c *Client) same(d *Client) bool {
	return c.Fingerprint == d.Fingerprint && c.Organization == d.Organization && c.Name == d.Name && c.State == d.State &&
		c.Created.Equal(d.Created) && bytes.Equal(c.MAC, d.MAC)
}

func (o *Organization) same(p *Organization) bool {
	return o.Name == p.Name && o.Approval == p.Approval && o.Expires.Equal(p.Expires) && o.ManagedBy == p.ManagedBy && bytes.Equal(o.MAC, p.MAC)
}

func (s *Service) authenticCertificate(c *Certificate) error {
	if err := s.config.Sealer.Verify(c.row(), c.MAC); err != nil {
		return notAuthentic(fmt.Sprintf("certificate %s", c.Key), c.MAC, err)
	}
	return nil
}

func (s *Service) authenticClient(c *Client) error {
	if err := s.config.Sealer.Verify(c.row(), c.MAC); err != nil {
		return notAuthentic(fmt.Sprintf("client %s", c.Fingerprint), c.MAC, err)
	}
	return nil
}

func (s *Service) authenticOrganization(o *Organization) error {
	if err := s.config.Sealer.Verify(o.row(), o.MAC); err != nil {
		return notAuthentic(fmt.Sprintf("organization %s", o.Name), o.MAC, err)
	}
	return nil
}

// notAuthentic says what is wrong with a row.
func notAuthentic(row string, mac MAC, err error) error {
	if len(mac) == 0 {
		return fault.New(fault.Corrupt, "the row of %s in the database is not authenticated", row).
			WithHint("the server's operator: it was written by hand, or before rows were authenticated; look at it, then stop ktsd and have it authenticated: ktadmin db authenticate").
			Because(err)
	}
	return fault.New(kindOf(err), "the row of %s in the database is not what this server wrote", row).
		WithHint("the server's operator: find out who changed it; restore it from a backup").Because(err)
}

// sign returns the MAC of a row under the current generation.
func (s *Service) sign(row Binding) MAC { return s.config.Sealer.Authenticate(row) }
