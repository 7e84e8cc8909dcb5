package escrow

// Keys name the facts that a change needs.
type Keys struct {
	Certificates  []KeyHash     // with the clients and organizations they lead to, and what these use
	Clients       []Fingerprint // with the number of their certificates, and what they and their organizations use
	Organizations []OrgName     // with their contacts, what they use, and the number of clients that are pending
	Deposits      []DepositKey
	Owned         []OwnedKey
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

// AddUsage adds what a client and its organization use.
func (f *Facts) AddUsage(client Fingerprint, ofClient Usage, org OrgName, ofOrganization Usage) {
	f.clientUsage[client], f.orgUsage[org] = ofClient, ofOrganization
}

// apply makes the facts what they will be once m is written.
func (f *Facts) apply(m Mutation) {
	switch m := m.(type) {
	case AddOrganization:
		f.AddOrganization(m.Organization)
		f.AddOrganizationUsage(m.Organization.Name, Usage{})
	case SetAdmission:
		o := f.organizations[m.Organization]
		o.Approval, o.Code, o.MAC = m.Approval, m.Code, m.MAC
		f.organizations[m.Organization] = o
	case AddContact:
		o := f.organizations[m.Organization]
		o.Contacts = append(o.Contacts[:len(o.Contacts):len(o.Contacts)], m.Contact)
		f.organizations[m.Organization] = o
	case RemoveContact:
		o := f.organizations[m.Organization]
		o.Contacts = without(o.Contacts, m.Contact)
		f.organizations[m.Organization] = o
	case AddClient, RemoveClient, AddCertificate, RetireCertificate, SetClientState:
		f.applyClient(m)
	case AddDeposit:
		d := m.Deposit
		d.Sealed = Sealed{}
		f.AddDeposit(d)
		f.AddLatest(d.Client, d.Handle, d.Version)
	case SetDeleted:
		id := depositID{m.Client, m.UUID}
		d := f.deposits[id]
		d.Deleted = m.Deleted
		f.deposits[id] = d
	case Purge:
		id := depositID{m.Client, m.UUID}
		d := f.deposits[id]
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

// applyClient is apply for what is about clients and their certificates.
func (f *Facts) applyClient(m Mutation) {
	switch m := m.(type) {
	case AddClient:
		f.AddClient(m.Client)
		f.clientUsage[m.Client.Fingerprint] = Usage{}
		f.countPending(m.Client.Organization, 0, m.Client.State)
	case RemoveClient:
		c := f.clients[m.Client]
		f.countPending(c.Organization, c.State, 0)
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
