package escrow

// Keys name the facts that a change needs.
type Keys struct {
	Certificates  []KeyHash // with the clients and organizations they lead to
	Clients       []Fingerprint
	Organizations []OrgName // with their contacts
	Deposits      []DepositKey
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
}

// NewFacts returns facts for a Store to fill.
func NewFacts() *Facts {
	return &Facts{
		certificates:  map[KeyHash]Certificate{},
		clients:       map[Fingerprint]Client{},
		organizations: map[OrgName]Organization{},
		deposits:      map[depositID]Deposit{},
		latest:        map[handleID]int64{},
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

// apply makes the facts what they will be once m is written.
func (f *Facts) apply(m Mutation) {
	switch m := m.(type) {
	case AddOrganization:
		f.AddOrganization(m.Organization)
	case SetAdmission:
		o := f.organizations[m.Organization]
		o.Approval, o.Code = m.Approval, m.Code
		f.organizations[m.Organization] = o
	case AddContact:
		o := f.organizations[m.Organization]
		o.Contacts = append(o.Contacts[:len(o.Contacts):len(o.Contacts)], m.Contact)
		f.organizations[m.Organization] = o
	case RemoveContact:
		o := f.organizations[m.Organization]
		o.Contacts = without(o.Contacts, m.Contact)
		f.organizations[m.Organization] = o
	case AddClient:
		f.AddClient(m.Client)
	case AddCertificate:
		f.AddCertificate(m.Certificate)
	case SetClientState:
		c := f.clients[m.Client]
		c.State = m.State
		f.clients[m.Client] = c
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
	}
}

func without(list []string, item string) []string {
	var rest []string
	for _, s := range list {
		if s != item {
			rest = append(rest, s)
		}
	}
	return rest
}
