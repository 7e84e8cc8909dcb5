package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/escrow"
)

// world is one test and its store.
type world struct {
	testing.TB
	store  escrow.Store
	reopen func() escrow.Store
}

// change writes mutations, which the store must take.
func (w *world) change(mutations ...escrow.Mutation) {
	w.Helper()
	if err := w.try(mutations...); err != nil {
		w.Fatalf("Change: got %v, want no error", err)
	}
}

// try writes mutations and returns what comes.
func (w *world) try(mutations ...escrow.Mutation) error {
	return w.store.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) { return mutations, nil })
}

// errLook ends a change that only looks.
var errLook = errors.New("nothing is to be written")

// facts returns what the store finds under keys.
func (w *world) facts(keys escrow.Keys) (found *escrow.Facts) {
	w.Helper()
	err := w.store.Change(keys, func(f *escrow.Facts) ([]escrow.Mutation, error) {
		found = f
		return nil, errLook
	})
	if !errors.Is(err, errLook) {
		w.Fatalf("Change: got %v, want the error of decide", err)
	}
	return found
}

// same compares whole values, unexported fields included: a nil slice is not an
// empty one, and a time is in UTC.
func (w *world) same(what string, got, want any, err error) {
	w.Helper()
	if err != nil {
		w.Errorf("%s: got error %v, want none", what, err)
		return
	}
	all := cmp.Exporter(func(reflect.Type) bool { return true })
	times := cmp.Transformer("Time", func(t time.Time) string { return t.Format(time.RFC3339Nano) })
	if diff := cmp.Diff(want, got, all, times); diff != "" {
		w.Errorf("%s: (-want +got)\n%s", what, diff)
	}
}

// state is all that a store tells without being asked for one thing.
type state struct {
	Organizations []escrow.Organization
	Clients       []escrow.Client
	Pending       []escrow.Record
	KEKs          map[uint32][]byte
	Standing      escrow.Standing
	Deposits      []escrow.Deposit
	Certificates  []escrow.Certificate
}

// state returns it, with the deposits of the client of certificate 1, and the
// certificates of client 1.
func (w *world) state() (s state) {
	w.Helper()
	ctx := context.Background()
	var errs [6]error
	s.Organizations, errs[0] = w.store.Organizations(ctx)
	s.Clients, errs[1] = w.store.Clients(ctx, "")
	s.Pending, errs[2] = w.store.PendingAudit(ctx)
	s.KEKs, errs[3] = w.store.KEKs(ctx)
	s.Standing, s.Deposits, errs[4] = w.store.List(ctx, keyHash(1), escrow.ListQuery{All: true, Limit: 1000})
	s.Certificates, errs[5] = w.store.Certificates(ctx, fingerprint(1))
	if err := errors.Join(errs[:]...); err != nil {
		w.Fatal(err)
	}
	return s
}

// settle writes what deposits need: a key-encryption key, organization acme with
// clients 1 and 2, organization beta with client 3, and a certificate of the
// same number for each.
func (w *world) settle() {
	w.Helper()
	mutations := []escrow.Mutation{
		escrow.AddKEK{Generation: 1, Check: []byte("check 1"), Created: at(0)},
		escrow.AddOrganization{Organization: organization("acme", "a@example.com", "b@example.com")},
		escrow.AddOrganization{Organization: organization("beta")},
	}
	for n, org := range map[int]escrow.OrgName{1: "acme", 2: "acme", 3: "beta"} {
		mutations = append(mutations, escrow.AddClient{Client: client(n, org)},
			escrow.AddCertificate{Certificate: certificate(n, n)})
	}
	w.change(mutations...)
}

// put writes deposits.
func (w *world) put(deposits ...escrow.Deposit) {
	w.Helper()
	var mutations []escrow.Mutation
	for _, d := range deposits {
		mutations = append(mutations, escrow.AddDeposit{Deposit: d})
	}
	w.change(mutations...)
}

// at is a time with microseconds, different for each n.
func at(n int) time.Time {
	return time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC).Add(time.Duration(n)*time.Minute + time.Duration(n)*time.Microsecond)
}

func fingerprint(n int) escrow.Fingerprint { return escrow.Fingerprint(fmt.Sprintf("%040X", n)) }

func uuid(n int) escrow.UUID { return escrow.UUID(fmt.Sprintf("00000000-0000-4000-8000-%012x", n)) }

func keyHash(n int) (k escrow.KeyHash) {
	binary.BigEndian.PutUint64(k[24:], uint64(n))
	return k
}

func organization(name escrow.OrgName, contacts ...string) escrow.Organization {
	return escrow.Organization{
		Name: name, UUID: fmt.Sprintf("%043s", name), Approval: escrow.ApprovalAuthCode,
		Code:     escrow.Sealed{Generation: 1, Key: []byte{0, 1, 255}, Contents: []byte("code of " + name)},
		Contacts: contactsOf(contacts...), Created: at(1), Expires: time.Date(9999, 12, 31, 18, 59, 59, 0, time.UTC),
		ManagedBy: escrow.ManagedByTenant,
		MAC:       mac("organization " + string(name)),
	}
}

// mac is some bytes for a row.
func mac(row string) escrow.MAC { return append([]byte{1, 0, 255}, row...) }

// contactsOf returns contacts with these addresses.
func contactsOf(addresses ...string) (list []escrow.Contact) {
	for _, address := range addresses {
		list = append(list, contact(address))
	}
	return list
}

func contact(address string) escrow.Contact {
	return escrow.Contact{Address: address, Created: at(len(address)), MAC: mac("contact " + address)}
}

func client(n int, org escrow.OrgName) escrow.Client {
	return escrow.Client{
		Fingerprint: fingerprint(n), Organization: org, Name: fmt.Sprintf("client %d, with 'quotes' and ü", n),
		State: escrow.ClientActive, PublicKey: []byte{0x98, byte(n), 0, 255}, Created: at(n), MAC: mac(fmt.Sprint("client ", n)),
	}
}

func certificate(n, client int) escrow.Certificate {
	return escrow.Certificate{Key: keyHash(n), Client: fingerprint(client), Created: at(10 + n), MAC: mac(fmt.Sprint("certificate ", n))}
}

// deposit returns deposit n of a client, without not_after.
func deposit(client, n int, handle escrow.Handle, version int64) escrow.Deposit {
	return escrow.Deposit{
		Client: fingerprint(client), UUID: uuid(n), Handle: handle, Version: version,
		Digest: [32]byte{31: byte(n)}, Size: int64(n), Created: at(n),
		Sealed: escrow.Sealed{Generation: 1, Key: []byte{1, byte(n), 0}, Contents: fmt.Appendf(nil, "sealed %d\x00\xff", n)},
	}
}

// described returns the deposits as List and facts show them.
func described(deposits ...escrow.Deposit) []escrow.Deposit {
	var list []escrow.Deposit
	for _, d := range deposits {
		d.Sealed = escrow.Sealed{}
		list = append(list, d)
	}
	return list
}

// fetched is a deposit as Fetch brings it; nil for none.
func fetched(d *escrow.Deposit) *escrow.Deposit {
	if d == nil {
		return nil
	}
	f := *d
	f.Digest, f.Size = [32]byte{}, 0
	return &f
}

// standing is what a certificate leads to, as reads show it.
func standing(cert escrow.Certificate, c escrow.Client, o escrow.Organization) escrow.Standing {
	c.PublicKey = nil
	return escrow.Standing{Certificate: &cert, Client: &c,
		Organization: &escrow.Organization{Name: o.Name, Approval: o.Approval, Expires: o.Expires, ManagedBy: o.ManagedBy, MAC: o.MAC}}
}

// settled is the standing of a certificate that settle wrote.
func settled(n int) escrow.Standing {
	org := organization("acme")
	if n == 3 {
		org = organization("beta")
	}
	return standing(certificate(n, n), client(n, org.Name), org)
}

func record(n int) escrow.Record {
	return escrow.Record{
		ID: fmt.Sprintf("%032x", n), Time: at(n), Action: "deposit.put", Outcome: escrow.OutcomeOK,
		Actor: "client " + string(fingerprint(1)), Source: "2001:db8::1", Organization: "acme",
		Object: string(uuid(n)), Detail: "a \"handle\"\\ with ü and \U00010000 and <>&", RequestID: "0011223344556677",
	}
}
