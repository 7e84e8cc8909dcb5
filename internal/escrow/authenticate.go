package escrow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// Row is a row that decides over access, and that this server did not write: it has
// no MAC, or another one than its own.
type Row struct {
	Kind         string // organization, contact, client, certificate
	Name         string
	Organization OrgName // of what is not one itself
	Client       Fingerprint
	Created      time.Time
	Grants       string // what it gives: an approval, a state

	sets Authenticate // names the row, for the store
	says Binding
}

// Rows are those of a store that decide over access.
type Rows struct {
	Authentic       int   // written by this server
	Unauthenticated []Row // without a MAC: written by hand, or before rows had one
	Foreign         []Row // with another MAC than its own: changed, or written by another server
}

// ReadRows reads all rows that decide over access and checks them. It is for a
// store that no Service works with.
func ReadRows(ctx context.Context, store Store, sealer Sealer) (Rows, error) {
	s := &Service{config: Config{Store: store, Sealer: sealer, Now: time.Now}}
	if err := s.checkKEKs(ctx); err != nil {
		return Rows{}, err
	}
	var rows Rows
	orgs, err := store.Organizations(ctx)
	if err != nil {
		return Rows{}, fmt.Errorf("reading the organizations: %w", err)
	}
	for _, o := range orgs {
		grants := "approval " + string(o.Approval)
		if o.ManagedBy != ManagedByTenant {
			grants += ", managed by " + string(o.ManagedBy)
		}
		rows.add(sealer, o.MAC, Row{Kind: "organization", Name: string(o.Name), Created: o.Created,
			Grants: grants, sets: Authenticate{Organization: o.Name}, says: o.row()})
		for _, c := range o.Contacts {
			rows.add(sealer, c.MAC, Row{Kind: "contact", Name: c.Address, Organization: o.Name, Created: c.Created,
				sets: Authenticate{Organization: o.Name, Contact: c.Address}, says: c.row(o.Name)})
		}
	}
	clients, err := store.Clients(ctx, "")
	if err != nil {
		return Rows{}, fmt.Errorf("reading the clients: %w", err)
	}
	for _, c := range clients {
		rows.add(sealer, c.MAC, Row{Kind: "client", Name: string(c.Fingerprint), Organization: c.Organization, Created: c.Created,
			Grants: c.State.String() + ", name " + c.Name, sets: Authenticate{Client: c.Fingerprint}, says: c.row()})
		certs, err := store.Certificates(ctx, c.Fingerprint)
		if err != nil {
			return Rows{}, fmt.Errorf("reading the certificates of client %s: %w", c.Fingerprint, err)
		}
		for _, k := range certs {
			grants := "in force"
			if !k.Retired.IsZero() {
				grants = "retired"
			}
			rows.add(sealer, k.MAC, Row{Kind: "certificate", Name: k.Key.String(), Organization: c.Organization, Client: k.Client, Created: k.Created,
				Grants: grants, sets: Authenticate{Certificate: &k.Key}, says: k.row()})
		}
	}
	return rows, nil
}

// add puts a row where it belongs.
func (r *Rows) add(sealer Sealer, mac MAC, row Row) {
	switch {
	case len(mac) == 0:
		r.Unauthenticated = append(r.Unauthenticated, row)
	case sealer.Verify(row.says, mac) != nil:
		r.Foreign = append(r.Foreign, row)
	default:
		r.Authentic++
	}
}

// Counts puts the numbers of rows of each kind in words.
func Counts(rows []Row) string {
	var words []string
	for _, kind := range []string{"organization", "contact", "client", "certificate"} {
		n := 0
		for _, r := range rows {
			if r.Kind == kind {
				n++
			}
		}
		if n > 0 {
			words = append(words, fmt.Sprintf("%s %d", kind, n))
		}
	}
	return strings.Join(words, ", ")
}

// AuthenticateRows makes rows that have no MAC authentic, as they were read: what
// was changed since is refused by the service. It is for a store that no Service
// works with; the record of it is chained by the next that does.
func AuthenticateRows(ctx context.Context, store Store, sealer Sealer, rows []Row, operator Caller) error {
	if !operator.Operator {
		return errNotHere()
	}
	s := &Service{config: Config{Store: store, Sealer: sealer, Now: time.Now}}
	now, err := ReadRows(ctx, store, sealer)
	if err != nil {
		return err
	}
	mutations := make([]Mutation, 0, len(rows)+1)
	for _, row := range rows {
		same := func(have Row) bool { return have.Kind == row.Kind && slices.Equal(have.says, row.says) }
		if !slices.ContainsFunc(now.Unauthenticated, same) {
			return fault.New(fault.Conflict, "%s %s was changed meanwhile", row.Kind, row.Name).WithHint("do it again, and look at what is listed")
		}
		set := row.sets
		set.MAC = s.sign(row.says)
		mutations = append(mutations, set)
	}
	rec := s.record(operator, "rows.authenticate", "")
	rec.Outcome, rec.Detail = OutcomeOK, Counts(rows)
	mutations = append(mutations, AddRecord{rec})
	return store.Change(Keys{}, func(*Facts) ([]Mutation, error) { return mutations, nil })
}
