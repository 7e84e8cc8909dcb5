package escrow

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"math/big"
	"slices"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// NewOrganization is what an operator asks for.
type NewOrganization struct {
	Name     OrgName
	Contacts []string
	Approval Approval     // "" stands for auth_code
	Code     names.Secret // with auth_code: empty has one generated

	Expires   *time.Time // nil stands for never
	ManagedBy Management // "" stands for tenant
}

// OrganizationView is an organization as the operator sees it.
type OrganizationView struct {
	Organization
	AuthCode names.Secret // empty: none
	Foreign  []string     // what of it this server did not write: "organization", "contact finn@example.com"
}

// operate is change for what only the operator may do. To anybody else there is
// no such thing.
func (s *Service) operate(ctx context.Context, c Caller, rec Record, keys Keys, decide func(*Facts, *Record) ([]Mutation, error)) error {
	if !c.Operator {
		return s.refuse(rec, errNotHere())
	}
	return s.change(ctx, rec, keys, decide)
}

func errNotHere() error { return fault.New(fault.NotFound, "no such resource") }

// CreateOrganization makes an organization; fault.Conflict if it exists.
func (s *Service) CreateOrganization(ctx context.Context, c Caller, n NewOrganization) (Organization, error) {
	rec := s.record(c, "organization.create", string(n.Name))
	rec.Organization = n.Name
	if err := n.complete(); err != nil {
		return Organization{}, s.refuse(rec, err)
	}
	code, err := s.sealCode(n.Name, n.Approval, n.Code)
	if err != nil {
		return Organization{}, s.refuse(rec, err)
	}
	if !s.deniesNone() { // else there is nothing to lift, and those made at once share a commit
		s.giving.Lock()
		defer s.giving.Unlock()
	}
	turn := s.turn()
	var org Organization
	err = s.operate(ctx, c, rec, Keys{Organizations: []OrgName{n.Name}}, func(f *Facts, rec *Record) ([]Mutation, error) {
		if _, exists := f.organizations[n.Name]; exists {
			return nil, fault.New(fault.Conflict, "organization %s exists", n.Name)
		}
		org = Organization{
			Name: n.Name, UUID: newOrganizationUUID(), Approval: n.Approval, Code: code, Created: rec.Time, Expires: micro(*n.Expires),
			ManagedBy: n.ManagedBy,
		}
		org.MAC = s.sign(org.row())
		for _, address := range slices.Compact(slices.Sorted(slices.Values(n.Contacts))) {
			org.Contacts = append(org.Contacts, s.newContact(n.Name, address, rec.Time))
		}
		return []Mutation{AddOrganization{org}}, nil
	})
	if err != nil {
		return Organization{}, err
	}
	for _, contact := range org.Contacts { // of one of the same name that was removed
		if err := s.lift(contactSubject(n.Name, contact.Address), turn); err != nil {
			return Organization{}, err
		}
	}
	return org, nil
}

// complete sets what was left out, and checks the rest.
func (n *NewOrganization) complete() error {
	n.Approval, n.ManagedBy = cmp.Or(n.Approval, ApprovalAuthCode), cmp.Or(n.ManagedBy, ManagedByTenant)
	if n.Expires == nil {
		n.Expires = new(noExpiry)
	}
	return cmp.Or(checkExpires(*n.Expires), checkContacts(n.Contacts))
}

func (s *Service) newContact(org OrgName, address string, at time.Time) Contact {
	c := Contact{Address: address, Created: at}
	c.MAC = s.sign(c.row(org))
	return c
}

// changeOrganization is operate for an organization that must exist.
func (s *Service) changeOrganization(ctx context.Context, c Caller, action string, name OrgName, object string, decide func(Organization, *Record) ([]Mutation, error)) error {
	rec := s.record(c, action, object)
	rec.Organization = name
	return s.operate(ctx, c, rec, Keys{Organizations: []OrgName{name}}, func(f *Facts, rec *Record) ([]Mutation, error) {
		org, ok := f.organizations[name]
		if !ok {
			return nil, errNoOrganization(name)
		}
		return decide(org, rec)
	})
}

func errNoOrganization(name OrgName) error {
	return fault.New(fault.NotFound, "no organization %s", name).WithHint("orgtool list shows those that exist")
}

// AddContacts adds contacts to an organization. One that is there stays there,
// unless this server did not write it: then it is written anew.
func (s *Service) AddContacts(ctx context.Context, c Caller, name OrgName, contacts []string) error {
	if err := checkContacts(contacts); err != nil {
		return s.refuse(s.record(c, "contact.add", string(name)), err)
	}
	s.giving.Lock()
	defer s.giving.Unlock()
	turn := s.turn()
	contacts = slices.Compact(slices.Sorted(slices.Values(contacts)))
	err := s.changeOrganization(ctx, c, "contact.add", name, string(name), func(o Organization, rec *Record) ([]Mutation, error) {
		var mutations []Mutation
		added := 0
		for _, address := range contacts {
			i := slices.IndexFunc(o.Contacts, func(c Contact) bool { return c.Address == address })
			if i >= 0 && s.config.Sealer.Verify(o.Contacts[i].row(name), o.Contacts[i].MAC) == nil {
				continue
			}
			if i >= 0 {
				mutations = append(mutations, RemoveContact{name, address})
			}
			mutations = append(mutations, AddContact{name, s.newContact(name, address, rec.Time)})
			if added++; added == 1 {
				rec.Object = address
				continue
			}
			each := *rec // a record for each contact
			each.ID, each.Object, each.Outcome = newRecordID(), address, OutcomeOK
			mutations = append(mutations, AddRecord{each})
		}
		return mutations, nil
	})
	for _, address := range contacts {
		if err == nil {
			err = s.lift(contactSubject(name, address), turn)
		}
	}
	return err
}

// RemoveContact removes a contact, whether or not the database can be written; one
// that is not there is no error.
func (s *Service) RemoveContact(ctx context.Context, c Caller, name OrgName, contact string) (Reach, error) {
	rec := s.record(c, "contact.remove", contact)
	rec.Organization = name
	if err := checkContacts([]string{contact}); err != nil {
		return Reach{}, s.refuse(rec, err)
	}
	return s.takeAway(ctx, c, rec, contactSubject(name, contact), Keys{Organizations: []OrgName{name}}, s.removeContact(name, contact))
}

// removeContact decides that a contact is removed.
func (s *Service) removeContact(name OrgName, contact string) decision {
	return func(f *Facts, _ *Record) ([]Mutation, error) {
		if _, ok := f.organizations[name]; !ok {
			return nil, errNoOrganization(name)
		}
		return []Mutation{RemoveContact{name, contact}}, nil
	}
}

// SetAdmission sets how an organization lets clients in. With auth_code, an
// empty code keeps the one that is set, or has one generated.
func (s *Service) SetAdmission(ctx context.Context, c Caller, name OrgName, approval Approval, code names.Secret) error {
	given, err := s.sealCode(name, approval, code)
	if err != nil {
		return s.refuse(s.record(c, "organization.set-admission", string(name)), err)
	}
	return s.changeOrganization(ctx, c, "organization.set-admission", name, string(name), func(o Organization, rec *Record) ([]Mutation, error) {
		if err := s.authenticOrganization(&o); err != nil {
			return nil, err
		}
		rec.Detail = string(approval)
		sealed := given
		if approval == ApprovalAuthCode && code == "" && o.Code.Generation != 0 {
			sealed = o.Code
		}
		o.Approval = approval
		return []Mutation{SetAdmission{name, approval, sealed, s.sign(o.row())}}, nil
	})
}

// Organizations returns all of them, with their codes, to the operator.
func (s *Service) Organizations(ctx context.Context, c Caller) ([]OrganizationView, error) {
	rec := s.record(c, "organization.list", "")
	if !c.Operator {
		return nil, s.refuse(rec, errNotHere())
	}
	orgs, err := s.config.Store.Organizations(ctx)
	if err := s.read(rec, err); err != nil {
		return nil, err
	}
	views := make([]OrganizationView, len(orgs))
	for i, o := range orgs {
		views[i] = s.view(o)
		if o.Code.Generation == 0 {
			continue
		}
		code, err := s.config.Sealer.Open(codeBinding(o.Name), o.Code)
		if err != nil {
			return nil, fault.New(kindOf(err), "the authorization code of organization %s cannot be opened", o.Name).
				WithHint("set a new one: orgtool set-auth -n %s -s -", o.Name).Because(err)
		}
		views[i].AuthCode = names.Secret(code)
	}
	return views, nil
}

// view is an organization as it is in force: without the contacts that this node
// denies, and without those that this server did not write.
func (s *Service) view(o Organization) OrganizationView {
	v := OrganizationView{Organization: o}
	if err := s.authenticOrganization(&o); err != nil {
		v.Foreign = append(v.Foreign, "organization")
	}
	v.Contacts = nil
	for _, c := range o.Contacts {
		if err := s.config.Sealer.Verify(c.row(o.Name), c.MAC); err != nil {
			v.Foreign = append(v.Foreign, "contact "+c.Address)
		} else if !s.denied(contactSubject(o.Name, c.Address)) {
			v.Contacts = append(v.Contacts, c)
		}
	}
	if len(v.Foreign) > 0 {
		s.config.Log.Error("rows in the database are not what this server wrote", "organization", o.Name, "rows", v.Foreign)
	}
	return v
}

// sealCode checks and seals the code that approval asks for; without one given
// it generates one. Where approval asks for none there is none.
func (s *Service) sealCode(org OrgName, approval Approval, code names.Secret) (Sealed, error) {
	if approval != ApprovalAuthCode {
		if code != "" {
			return Sealed{}, fault.New(fault.Invalid, "approval %q uses no authorization code", approval)
		}
		return Sealed{}, nil
	}
	if code == "" {
		code = newAuthCode()
	}
	if err := names.CheckAuthCode(code); err != nil {
		return Sealed{}, fault.New(fault.Invalid, "%v", err)
	}
	return s.config.Sealer.Seal(codeBinding(org), []byte(code.Reveal()))
}

// maxContacts bounds the contacts given at once.
const maxContacts = 1000

func checkContacts(contacts []string) error {
	if len(contacts) > maxContacts {
		return fault.New(fault.Invalid, "%d contacts at once; at most %d are allowed", len(contacts), maxContacts)
	}
	for _, contact := range contacts {
		if err := names.CheckContact(contact); err != nil {
			return fault.New(fault.Invalid, "contact %.80q: %v", contact, err)
		}
	}
	return nil
}

// newAuthCode returns 128 random bits in base64, as the original does.
func newAuthCode() names.Secret {
	var b [16]byte
	rand.Read(b[:])
	return names.Secret(base64.StdEncoding.EncodeToString(b[:]))
}

// newOrganizationUUID returns 43 random letters and digits: 256 bits, in the form
// of the original's listing.
func newOrganizationUUID() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 43)
	for i := range b {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(err) // crypto/rand never fails, Go 1.24
		}
		b[i] = alphabet[n.Int64()]
	}
	return string(b)
}
