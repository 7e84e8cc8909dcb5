package escrow_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// view returns an organization as the operator sees it.
func (r *rig) view(name escrow.OrgName) escrow.OrganizationView {
	r.Helper()
	all, err := r.Organizations(context.Background(), operator())
	if err != nil {
		r.Fatalf("Organizations: %v", err)
	}
	for _, o := range all {
		if o.Name == name {
			return o
		}
	}
	r.Fatalf("no organization %s in %+v", name, all)
	return escrow.OrganizationView{}
}

// withoutMAC compares rows by what they say.
func withoutMAC() cmp.Option { return cmpopts.IgnoreTypes(escrow.MAC{}) }

// contacts are an organization's addresses.
func (r *rig) contacts(name escrow.OrgName) string {
	r.Helper()
	var addresses []string
	for _, c := range r.view(name).Contacts {
		addresses = append(addresses, c.Address)
	}
	return strings.Join(addresses, " ")
}

func TestCreateOrganization(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	got, err := r.CreateOrganization(ctx, operator(), escrow.NewOrganization{
		Name: "acme", Contacts: []string{"b@example.com", "a@example.com", "b@example.com"},
	})
	if err != nil {
		t.Fatalf("CreateOrganization: %v", err)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9]{43}$`).MatchString(got.UUID) {
		t.Errorf("got uuid %q, want 43 letters and digits", got.UUID)
	}
	view := r.view("acme")
	if diff := cmp.Diff(got, view.Organization); diff != "" {
		t.Errorf("Organizations: (-created +seen)\n%s", diff)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9+/]{22}==$`).MatchString(view.AuthCode.Reveal()) {
		t.Errorf("got generated code %q, want 128 bits in base64", view.AuthCode.Reveal())
	}
	want := escrow.Organization{Name: "acme", UUID: got.UUID, Approval: escrow.ApprovalAuthCode, Code: got.Code,
		Created: micro(r.clock.Now()), Expires: got.Expires, ManagedBy: escrow.ManagedByTenant}
	for _, address := range []string{"a@example.com", "b@example.com"} {
		want.Contacts = append(want.Contacts, escrow.Contact{Address: address, Created: want.Created})
	}
	if diff := cmp.Diff(want, got, withoutMAC()); diff != "" {
		t.Errorf("CreateOrganization: (-want +got)\n%s", diff)
	}
	if got := got.Expires.Format("2006-01-02T15:04:05"); got != "9999-12-31T18:59:59" {
		t.Errorf("got expiry %s, want the original's 9999-12-31T18:59:59", got)
	}

	r.organization("beta", escrow.ApprovalAutomatic, "")
	beta := r.view("beta")
	if beta.UUID == view.UUID || beta.AuthCode != "" || beta.Code.Generation != 0 {
		t.Errorf("got %+v, want another uuid and no code", beta)
	}
	if _, err := r.CreateOrganization(ctx, operator(), escrow.NewOrganization{Name: "acme"}); !is(err, fault.Conflict) {
		t.Errorf("an organization that exists: got %v, want %q", err, fault.Conflict)
	}
	for name, bad := range map[string]escrow.NewOrganization{
		"a bad contact":         {Name: "bad", Contacts: []string{"a@example.com", "no address"}},
		"a code with contacts":  {Name: "bad", Approval: escrow.ApprovalContacts, Code: "secret-code"},
		"a code with automatic": {Name: "bad", Approval: escrow.ApprovalAutomatic, Code: "secret-code"},
		"a bad code":            {Name: "bad", Code: "secret-code\n"},
		"too many contacts":     {Name: "bad", Contacts: make([]string, 1001)},
	} {
		_, err := r.CreateOrganization(ctx, operator(), bad)
		if !is(err, fault.Invalid) || strings.Contains(err.Error(), "secret-code") {
			t.Errorf("%s: got %v, want %q that does not show the code", name, err, fault.Invalid)
		}
	}
	if diff := cmp.Diff(view, r.view("acme")); diff != "" {
		t.Errorf("acme changed:\n%s", diff)
	}
}

func TestContacts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.organization("acme", "", "")
	check := func(want string) {
		t.Helper()
		if got := r.contacts("acme"); got != want {
			t.Errorf("got contacts %q, want %q", got, want)
		}
	}
	do := func(err error, want fault.Kind) {
		t.Helper()
		if !is(err, want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	remove := func(org escrow.OrgName, contact string, want fault.Kind) {
		t.Helper()
		_, err := r.RemoveContact(ctx, operator(), org, contact)
		do(err, want)
	}
	do(r.AddContacts(ctx, operator(), "acme", []string{"b@x", "a@x", "b@x"}), "")
	check("a@x b@x")
	do(r.AddContacts(ctx, operator(), "acme", []string{"a@x", "c@x"}), "")
	check("a@x b@x c@x")
	do(r.AddContacts(ctx, operator(), "acme", []string{"d@x", "no address"}), fault.Invalid)
	do(r.AddContacts(ctx, operator(), "none", []string{"d@x"}), fault.NotFound)
	check("a@x b@x c@x")
	for range 2 {
		remove("acme", "b@x", "")
		check("a@x c@x")
	}
	remove("none", "a@x", fault.NotFound)
	remove("acme", strings.Repeat("\xff", 20_000), fault.Invalid)
	do(r.AddContacts(ctx, operator(), "acme", []string{"b@x"}), "")
	check("a@x b@x c@x")
}

// TestSetAdmission: with auth_code an empty code keeps the one that is set, or has
// one generated; another approval takes the code away.
func TestSetAdmission(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.organization("acme", escrow.ApprovalAuthCode, "first code")
	set := func(approval escrow.Approval, code names.Secret, want fault.Kind) {
		t.Helper()
		if err := r.SetAdmission(ctx, operator(), "acme", approval, code); !is(err, want) {
			t.Errorf("SetAdmission %s: got %v, want %q", approval, err, want)
		}
	}
	check := func(approval escrow.Approval, code string) {
		t.Helper()
		if got := r.view("acme"); got.Approval != approval || got.AuthCode.Reveal() != code {
			t.Errorf("got %s with code %q, want %s with %q", got.Approval, got.AuthCode.Reveal(), approval, code)
		}
	}
	check(escrow.ApprovalAuthCode, "first code")
	set(escrow.ApprovalAuthCode, "", "")
	check(escrow.ApprovalAuthCode, "first code")
	set(escrow.ApprovalAuthCode, "second code", "")
	check(escrow.ApprovalAuthCode, "second code")
	set(escrow.ApprovalContacts, "a code", fault.Invalid)
	check(escrow.ApprovalAuthCode, "second code")
	set(escrow.ApprovalContacts, "", "")
	check(escrow.ApprovalContacts, "")
	set(escrow.ApprovalAutomatic, "", "")
	check(escrow.ApprovalAutomatic, "")
	set(escrow.ApprovalAuthCode, "", "")
	generated := r.view("acme").AuthCode.Reveal()
	if len(generated) != 24 || generated == "second code" {
		t.Errorf("got code %q, want a new one", generated)
	}
	check(escrow.ApprovalAuthCode, generated)

	h := r.newHost()
	if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", "second code")); !is(err, fault.Denied) {
		t.Errorf("the old code: got %v, want %q", err, fault.Denied)
	}
	if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", names.Secret(generated))); err != nil {
		t.Errorf("the new code: got %v, want no error", err)
	}
	if err := r.SetAdmission(ctx, operator(), "none", escrow.ApprovalAutomatic, ""); !is(err, fault.NotFound) {
		t.Errorf("no organization: got %v, want %q", err, fault.NotFound)
	}
}
