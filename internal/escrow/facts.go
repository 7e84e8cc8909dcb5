package escrow

import "maps"

// Keys name the facts that a change needs.
type Keys struct {
	Certificates  []KeyHash     // with the clients and organizations they lead to, and what these use
	Clients       []Fingerprint // with the number of their certificates, and what they and their organizations use
	Organizations []OrgName     // with their contacts, what they use, and the number of clients that are pending
	Deposits      []DepositKey
	Owned         []OwnedKey
	Holdings      []OrgName // what these hold, counted one by one: it takes long
	Spent         []KeyHash // whether these are never to be bound, since they were retired in an organization that is gone
}

// OwnedKey names a deposit by its client's fingerprint.
type OwnedKey struct {
	Client Fingerprint
	UUID   UUID
}

// DepositKey names a deposit of the client that a certificate is bound to, and
// the handle whose latest version is wanted ("" for none).
type DepositKey struct {
	Certificate KeyHash
	UUID        UUID
	Handle      Handle
}

// merge adds what other names.
func (k *Keys) merge(other Keys) {
	k.Certificates = append(k.Certificates, other.Certificates...)
	k.Clients = append(k.Clients, other.Clients...)
	k.Organizations = append(k.Organizations, other.Organizations...)
	k.Deposits = append(k.Deposits, other.Deposits...)
	k.Owned = append(k.Owned, other.Owned...)
	k.Holdings = append(k.Holdings, other.Holdings...)
	k.Spent = append(k.Spent, other.Spent...)
}

type depositID struct {
	client Fingerprint
	uuid   UUID
}

type handleID struct {
	client Fingerprint
	handle Handle
}

// Facts are what a Store found under Keys. What was not found is not in them.
// Decisions of one group share them, and each sees what those before it did.
type Facts struct {
	certificates  map[KeyHash]Certificate
	clients       map[Fingerprint]Client
	organizations map[OrgName]Organization
	deposits      map[depositID]Deposit
	latest        map[handleID]int64
	bound         map[Fingerprint]int64 // certificates of a client, retired ones too
	pending       map[OrgName]int64     // clients of an organization that wait for approval
	clientUsage   map[Fingerprint]Usage
	orgUsage      map[OrgName]Usage
	holdings      map[OrgName]Holding
	spent         map[KeyHash]bool
}

// NewFacts returns facts for a Store to fill.
func NewFacts() *Facts {
	return &Facts{
		certificates:  map[KeyHash]Certificate{},
		clients:       map[Fingerprint]Client{},
		organizations: map[OrgName]Organization{},
		deposits:      map[depositID]Deposit{},
		latest:        map[handleID]int64{},
		bound:         map[Fingerprint]int64{},
		pending:       map[OrgName]int64{},
		clientUsage:   map[Fingerprint]Usage{},
		orgUsage:      map[OrgName]Usage{},
		holdings:      map[OrgName]Holding{},
		spent:         map[KeyHash]bool{},
	}
}

// AddCertificate adds a certificate that was found.
func (f *Facts) AddCertificate(c Certificate) { f.certificates[c.Key] = c }

// AddClient adds a client that was found.
func (f *Facts) AddClient(c Client) { f.clients[c.Fingerprint] = c }

// AddOrganization adds an organization that was found, with its contacts.
func (f *Facts) AddOrganization(o Organization) { f.organizations[o.Name] = o }

// AddDeposit adds the description of a deposit that was found.
func (f *Facts) AddDeposit(d Deposit) { f.deposits[depositID{d.Client, d.UUID}] = d }

// AddLatest adds the highest version, deleted ones included, under a handle.
func (f *Facts) AddLatest(client Fingerprint, h Handle, version int64) {
	f.latest[handleID{client, h}] = version
}

// AddBound adds how many certificates a client has, retired ones included.
func (f *Facts) AddBound(client Fingerprint, n int64) { f.bound[client] = n }

// AddPending adds how many clients of an organization are pending.
func (f *Facts) AddPending(org OrgName, n int64) { f.pending[org] = n }

// AddOrganizationUsage adds what an organization uses.
func (f *Facts) AddOrganizationUsage(org OrgName, u Usage) { f.orgUsage[org] = u }

// AddHolding adds what an organization holds.
func (f *Facts) AddHolding(org OrgName, h Holding) { f.holdings[org] = h }

// AddSpent adds a TLS key that is never to be bound.
func (f *Facts) AddSpent(key KeyHash) { f.spent[key] = true }

// AddUsage adds what a client and its organization use.
func (f *Facts) AddUsage(client Fingerprint, ofClient Usage, org OrgName, ofOrganization Usage) {
	f.clientUsage[client], f.orgUsage[org] = ofClient, ofOrganization
}

// apply makes the facts what they will be once m is written.
func (f *Facts) apply(m Mutation) {
	switch m := m.(type) {
	case AddOrganization, SetAdmission, SetExpiration, SetManagement, AddContact, RemoveContact, RemoveOrganization:
		f.applyOrganization(m)
	case SpendKey:
		f.AddSpent(m.Key)
	case AddClient, RemoveClient, AddCertificate, RetireCertificate, SetClientState:
		f.applyClient(m)
	case AddDeposit:
		d := m.Deposit
		d.Sealed = Sealed{}
		f.AddDeposit(d)
		f.AddLatest(d.Client, d.Handle, d.Version)
		f.count(f.clients[d.Client].Organization, Holding{Deposits: 1, Bytes: d.Size})
	case SetDeleted:
		id := depositID{m.Client, m.UUID}
		d := f.deposits[id]
		d.Deleted = m.Deleted
		f.deposits[id] = d
	case Purge:
		id := depositID{m.Client, m.UUID}
		d := f.deposits[id]
		if d.Purged.IsZero() {
			f.count(f.clients[m.Client].Organization, Holding{Deposits: -1, Bytes: -d.Size})
		}
		d.Purged = m.Purged
		f.deposits[id] = d
	case SetUsage:
		if m.Client != "" {
			f.clientUsage[m.Client] = m.Usage
		} else {
			f.orgUsage[m.Organization] = m.Usage
		}
	}
}

// applyOrganization is apply for what is about organizations and their contacts.
func (f *Facts) applyOrganization(m Mutation) {
	change := func(name OrgName, edit func(*Organization)) {
		o := f.organizations[name]
		edit(&o)
		f.organizations[name] = o
	}
	switch m := m.(type) {
	case AddOrganization:
		f.AddOrganization(m.Organization)
		f.AddOrganizationUsage(m.Organization.Name, Usage{})
		f.AddHolding(m.Organization.Name, Holding{})
	case SetAdmission:
		change(m.Organization, func(o *Organization) { o.Approval, o.Code, o.MAC = m.Approval, m.Code, m.MAC })
	case SetExpiration:
		change(m.Organization, func(o *Organization) { o.Expires, o.MAC = m.Expires, m.MAC })
	case SetManagement:
		change(m.Organization, func(o *Organization) { o.ManagedBy, o.MAC = m.ManagedBy, m.MAC })
	case AddContact:
		change(m.Organization, func(o *Organization) { o.Contacts = append(o.Contacts[:len(o.Contacts):len(o.Contacts)], m.Contact) })
	case RemoveContact:
		change(m.Organization, func(o *Organization) { o.Contacts = without(o.Contacts, m.Contact) })
	case RemoveOrganization:
		f.removeOrganization(m.Organization)
	}
}

// removeOrganization makes the facts those of a store in which an organization and
// all below it are gone.
func (f *Facts) removeOrganization(org OrgName) {
	gone := map[Fingerprint]bool{}
	for fp, c := range f.clients {
		if c.Organization == org {
			gone[fp] = true
			delete(f.clients, fp)
			delete(f.bound, fp)
			delete(f.clientUsage, fp)
		}
	}
	for key, cert := range f.certificates {
		if gone[cert.Client] {
			if !cert.Retired.IsZero() {
				f.AddSpent(key)
			}
			delete(f.certificates, key)
		}
	}
	maps.DeleteFunc(f.deposits, func(id depositID, _ Deposit) bool { return gone[id.client] })
	maps.DeleteFunc(f.latest, func(id handleID, _ int64) bool { return gone[id.client] })
	delete(f.organizations, org)
	f.AddPending(org, 0)
	f.AddOrganizationUsage(org, Usage{})
	f.count(org, Holding{-f.holdings[org].Clients, -f.holdings[org].Deposits, -f.holdings[org].Bytes})
}

// count adds to what an organization holds, where that is among the facts.
func (f *Facts) count(org OrgName, more Holding) {
	if h, asked := f.holdings[org]; asked {
		f.holdings[org] = Holding{h.Clients + more.Clients, h.Deposits + more.Deposits, h.Bytes + more.Bytes}
	}
}

// applyClient is apply for what is about clients and their certificates.
func (f *Facts) applyClient(m Mutation) {
	switch m := m.(type) {
	case AddClient:
		f.AddClient(m.Client)
		f.clientUsage[m.Client.Fingerprint] = Usage{}
		f.count(m.Client.Organization, Holding{Clients: 1})
		f.countPending(m.Client.Organization, 0, m.Client.State)
	case RemoveClient:
		c := f.clients[m.Client]
		f.countPending(c.Organization, c.State, 0)
		f.count(c.Organization, Holding{Clients: -1})
		delete(f.clients, m.Client)
		delete(f.bound, m.Client)
		delete(f.clientUsage, m.Client)
		for key, cert := range f.certificates {
			if cert.Client == m.Client {
				delete(f.certificates, key)
			}
		}
	case AddCertificate:
		f.AddCertificate(m.Certificate)
		f.bound[m.Certificate.Client]++
	case RetireCertificate:
		c := f.certificates[m.Key]
		c.Retired, c.MAC = m.Retired, m.MAC
		f.certificates[m.Key] = c
	case SetClientState:
		c := f.clients[m.Client]
		f.countPending(c.Organization, c.State, m.State)
		c.State, c.MAC = m.State, m.MAC
		f.clients[m.Client] = c
	}
}

// countPending counts a client whose state changes.
func (f *Facts) countPending(org OrgName, from, to ClientState) {
	if from == ClientPending {
		f.pending[org]--
	}
	if to == ClientPending {
		f.pending[org]++
	}
}

func without(list []Contact, address string) []Contact {
	var rest []Contact
	for _, c := range list {
		if c.Address != address {
			rest = append(rest, c)
		}
	}
	return rest
}
