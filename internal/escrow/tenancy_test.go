package escrow_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// ends returns when an organization expires and who manages it.
func (r *rig) ends(org escrow.OrgName) (time.Time, escrow.Management) {
	r.Helper()
	v := r.view(org)
	return v.Expires, v.ManagedBy
}

// TestExpiration: an organization is made with an expiration, and given another one;
// from then on nobody in it is served and nobody registers, at once where that has
// passed, and nothing is lost.
func TestExpiration(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	soon := r.clock.Now().Add(time.Hour)
	_, err := r.CreateOrganization(ctx, operator(), escrow.NewOrganization{Name: "acme", Approval: escrow.ApprovalAutomatic, Expires: &soon, ManagedBy: escrow.ManagedByFile})
	if err != nil {
		t.Fatal(err)
	}
	if got, by := r.ends("acme"); !got.Equal(micro(soon)) || by != escrow.ManagedByFile {
		t.Errorf("made: got expiration %s, managed by %s", got, by)
	}
	h := r.client("acme")
	r.put(h, 1, "h", "one")
	set := func(expires time.Time) {
		t.Helper()
		if err := r.SetExpiration(ctx, operator(), "acme", expires); err != nil {
			t.Fatalf("SetExpiration %s: %v", expires, err)
		}
		if got, by := r.ends("acme"); !got.Equal(micro(expires)) || got.Location() != time.UTC || by != escrow.ManagedByFile {
			t.Errorf("got expiration %s, managed by %s, want %s", got, by, expires)
		}
	}
	served := func(when string) {
		t.Helper()
		r.get(h, escrow.Selector{Handle: "h"}, "one", "")
		if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", "")); err != nil {
			t.Errorf("%s: Register: %v", when, err)
		}
	}
	over := func(when string) {
		t.Helper()
		r.out(when, h, fault.Disabled)
		if _, err := r.Register(ctx, h.Caller, r.registration(h, "acme", "")); !is(err, fault.Denied) {
			t.Errorf("%s: Register: got %v, want %q", when, err, fault.Denied)
		}
	}
	served("before its end")
	r.clock.add(time.Hour)
	over("at its end")
	set(r.clock.Now().Add(time.Second).In(time.FixedZone("", -12*60*60)))
	served("with a later end")
	for _, past := range []time.Time{r.clock.Now(), r.clock.Now().Add(-time.Microsecond), time.Unix(0, 0), time.Unix(0, 1)} {
		set(past)
		over("ended at once")
	}
	set(time.Date(9999, 12, 31, 18, 59, 59, 0, time.UTC))
	served("without end")
	set(time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC))
	served("at the last of times")

	for _, nonsense := range []time.Time{{}, time.Unix(-1, 0), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -60*60)), time.Date(1970, 1, 1, 0, 0, 0, 0, time.FixedZone("", 60*60)), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if err := r.SetExpiration(ctx, operator(), "acme", nonsense); !is(err, fault.Invalid) {
			t.Errorf("SetExpiration %s: got %v, want %q", nonsense, err, fault.Invalid)
		}
		_, err := r.CreateOrganization(ctx, operator(), escrow.NewOrganization{Name: "bad", Expires: &nonsense})
		if !is(err, fault.Invalid) {
			t.Errorf("CreateOrganization with %s: got %v, want %q", nonsense, err, fault.Invalid)
		}
	}
	served("after nonsense")
	if err := r.SetExpiration(ctx, operator(), "none", soon); !is(err, fault.NotFound) {
		t.Errorf("one that is not there: got %v, want %q", err, fault.NotFound)
	}
	ended := r.clock.Now().Add(-time.Hour)
	if _, err := r.CreateOrganization(ctx, operator(), escrow.NewOrganization{Name: "ended", Approval: escrow.ApprovalAutomatic, Expires: &ended}); err != nil {
		t.Errorf("one that has ended: %v", err)
	}
	if _, err := r.Register(ctx, h.Caller, r.registration(h, "ended", "")); !is(err, fault.Denied) {
		t.Errorf("registering in one that has ended: got %v, want %q", err, fault.Denied)
	}
	r.stop()
	r.start()
	served("after a restart")
}

// TestManagement: it is tenant unless said otherwise, changes nothing else, and lasts.
func TestManagement(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.put(h, 1, "h", "one")
	if _, by := r.ends("acme"); by != escrow.ManagedByTenant {
		t.Errorf("got %q, want tenant", by)
	}
	for _, by := range []escrow.Management{escrow.ManagedByFile, escrow.ManagedByFile, escrow.ManagedByTenant, escrow.ManagedByFile} {
		if err := r.SetManagement(ctx, operator(), "acme", by); err != nil {
			t.Fatal(err)
		}
		if _, got := r.ends("acme"); got != by {
			t.Errorf("got %q, want %q", got, by)
		}
		r.get(h, escrow.Selector{Handle: "h"}, "one", "")
	}
	if err := r.SetAdmission(ctx, operator(), "acme", escrow.ApprovalAuthCode, "OpenSesame"); err != nil {
		t.Errorf("SetAdmission by the operator: %v", err)
	}
	if err := r.AddContacts(ctx, operator(), "acme", []string{"a@x"}); err != nil {
		t.Errorf("AddContacts by the operator: %v", err)
	}
	if err := r.SetManagement(ctx, operator(), "none", escrow.ManagedByFile); !is(err, fault.NotFound) {
		t.Errorf("one that is not there: got %v, want %q", err, fault.NotFound)
	}
	r.stop()
	r.start()
	if v := r.view("acme"); v.ManagedBy != escrow.ManagedByFile || len(v.Foreign) > 0 || v.AuthCode != "OpenSesame" {
		t.Errorf("after a restart: got %+v", v)
	}
	r.get(h, escrow.Selector{Handle: "h"}, "one", "")
	var told []string
	for _, e := range r.chain() {
		if strings.HasPrefix(e.Action, "organization.set-") {
			told = append(told, strings.TrimPrefix(e.Action, "organization.set-")+" "+string(e.Outcome)+" "+e.Detail)
		}
	}
	want := "management ok file, management ok file, management ok tenant, management ok file, admission ok auth_code, management refused not_found"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("audited: got %s, want %s", got, want)
	}
}

// TestOlderRows: organizations that were written before they had a management are
// their tenants', and authentic as they are.
func TestOlderRows(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.put(h, 1, "h", "one")
	r.stop()
	db, err := sql.Open("sqlite", r.database())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{ // what the migration does, taken back
		`ALTER TABLE organizations DROP COLUMN managed_by`, `DROP TABLE spent_keys`, `DELETE FROM goose_db_version WHERE version_id = 4`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	db.Close()
	r.start()
	r.get(h, escrow.Selector{Handle: "h"}, "one", "")
	if v := r.view("acme"); v.ManagedBy != escrow.ManagedByTenant || len(v.Foreign) > 0 {
		t.Errorf("got %+v, want it the tenant's and authentic", v)
	}
	if err := r.SetManagement(ctx, operator(), "acme", escrow.ManagedByFile); err != nil {
		t.Error(err)
	}
	r.get(h, escrow.Selector{Handle: "h"}, "one", "")
}

// TestEditedManagement: nobody but the server makes an organization a file's or a
// tenant's, and no change makes authentic what somebody else wrote.
func TestEditedManagement(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		was  escrow.Management
		edit string
	}{
		"a tenant's":         {escrow.ManagedByTenant, `UPDATE organizations SET managed_by = 'file'`},
		"a file's":           {escrow.ManagedByFile, `UPDATE organizations SET managed_by = 'tenant'`},
		"nobody's":           {escrow.ManagedByTenant, `UPDATE organizations SET managed_by = ''`},
		"another tenant's":   {escrow.ManagedByTenant, `UPDATE organizations SET managed_by = 'tenant '`},
		"the end of it":      {escrow.ManagedByFile, `UPDATE organizations SET expires = expires - 1`},
		"both":               {escrow.ManagedByFile, `UPDATE organizations SET expires = 1, managed_by = 'tenant'`},
		"a row with another": {escrow.ManagedByFile, `UPDATE organizations SET mac = (SELECT mac FROM contacts)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			ctx := context.Background()
			h := r.client("acme")
			r.put(h, 1, "h", "one")
			if err := r.AddContacts(ctx, operator(), "acme", []string{"a@x"}); err != nil {
				t.Fatal(err)
			}
			if err := r.SetManagement(ctx, operator(), "acme", test.was); err != nil {
				t.Fatal(err)
			}
			r.get(h, escrow.Selector{Handle: "h"}, "one", "") // remembered
			r.edit(test.edit)
			r.out("edited", h, fault.Corrupt)
			if v := r.view("acme"); strings.Join(v.Foreign, ",") != "organization" {
				t.Errorf("got foreign %q, want the organization", v.Foreign)
			}
			for what, err := range map[string]error{
				"SetManagement": r.SetManagement(ctx, operator(), "acme", test.was),
				"SetExpiration": r.SetExpiration(ctx, operator(), "acme", r.clock.Now().Add(time.Hour)),
				"SetAdmission":  r.SetAdmission(ctx, operator(), "acme", escrow.ApprovalAutomatic, ""),
			} {
				if !is(err, fault.Corrupt) {
					t.Errorf("%s: got %v, want %q", what, err, fault.Corrupt)
				}
			}
			r.out("still", h, fault.Corrupt)
		})
	}
}

// TestReason: why the operator asked is in every record of the request, done, refused
// or told to the database later, in its rows too, and in no other's.
func TestReason(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	h := r.client("acme")
	r.until("rows are removed", func() bool { return len(r.pending()) == 0 })
	before := len(r.chain())
	why := operator()
	why.Reason = "CHG-1: ü 𝄞"
	r.store.set(func(s *tapStore) { s.refuse = refuseForget })
	if err := r.AddContacts(ctx, why, "acme", []string{"a@x", "b@x"}); err != nil {
		t.Fatal(err)
	}
	for _, rec := range r.pending() {
		if rec.Reason != why.Reason {
			t.Errorf("row %s %s: got reason %q, want %q", rec.Action, rec.Object, rec.Reason, why.Reason)
		}
	}
	if n := len(r.pending()); n != 2 {
		t.Errorf("got %d rows, want 2", n)
	}
	if err := r.SetAdmission(ctx, why, "none", escrow.ApprovalContacts, ""); !is(err, fault.NotFound) {
		t.Errorf("got %v, want %q", err, fault.NotFound)
	}
	if _, err := r.Organizations(ctx, why); err != nil {
		t.Error(err)
	}
	if err := r.Permit(why, "server.reload"); err != nil {
		t.Error(err)
	}
	r.refuseChanges()
	if _, _, err := r.DisableClient(ctx, why, h.fingerprint()); err != nil {
		t.Error(err)
	}
	r.crash()
	r.start() // which chains the rows again, and tells the database
	r.merged()
	r.until("it is told", func() bool { return r.count(`SELECT count(*) FROM clients WHERE state = 3`) == 1 })
	if err := r.SetAdmission(ctx, operator(), "acme", escrow.ApprovalContacts, ""); err != nil {
		t.Error(err)
	}
	told := map[string]int{}
	for _, e := range r.chain()[before:] {
		if want := why.Reason; e.Reason != want && e.Action != "organization.set-admission" || e.Object == "acme" && e.Action == "organization.set-admission" && e.Reason != "" {
			t.Errorf("%s %s: got reason %q", e.Action, e.Object, e.Reason)
		}
		told[e.Action]++
	}
	for _, action := range []string{"contact.add", "organization.set-admission", "organization.list", "server.reload", "client.disable"} {
		if told[action] == 0 {
			t.Errorf("%s is not audited: %v", action, told)
		}
	}
}
