package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// tell makes a request on the admin socket, with a reason where one is given.
func tell(t *testing.T, c *http.Client, method, path, body string, reasons ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://ktsd"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if len(reasons) > 0 {
		req.Header["Ktsd-Reason"] = reasons
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	r, err := readReply(resp)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// only returns what the operator sees of an organization.
func only(t *testing.T, s *ktest.Server, name string) api.Organization {
	t.Helper()
	all, err := s.Admin().Organizations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if o.Name == name {
			return o
		}
	}
	t.Fatalf("no organization %s in %+v", name, all)
	return api.Organization{}
}

// TestBadTenancy: what is wrong with the expiration, management, usage and removal of an
// organization is refused, says what it is, and changes nothing.
func TestBadTenancy(t *testing.T) {
	t.Parallel()
	s, b, _ := serviceOn(t, ktest.Dir(t))
	kept := b.keep(t, "h", []byte("kept"))
	c := socketHTTP(t, s)
	before := only(t, s, "acme")
	const org = "/v1/organizations/acme"
	large := `{"managed_by":"` + strings.Repeat("a", 64<<10) + `"}`
	for _, bad := range []struct {
		request, body string
		kind          fault.Kind
	}{
		{"PUT " + org + "/expiration", ``, fault.Invalid},
		{"PUT " + org + "/expiration", `{}`, fault.Invalid},
		{"PUT " + org + "/expiration", `null`, fault.Invalid},
		{"PUT " + org + "/expiration", `{"expires":null}`, fault.Invalid},
		{"PUT " + org + "/expiration", `{"expires":""}`, fault.Invalid},
		{"PUT " + org + "/expiration", `{"expires":"never"}`, fault.Invalid},
		{"PUT " + org + "/expiration", `{"expires":"2027-12-31"}`, fault.Invalid},
		{"PUT " + org + "/expiration", `{"expires":4102444800}`, fault.Invalid},
		{"PUT " + org + "/expiration", `{"expires":"0001-01-01T00:00:00Z"}`, fault.Invalid},
		{"PUT " + org + "/expiration", `{"expires":"1969-12-31T23:59:59Z"}`, fault.Invalid},
		{"PUT " + org + "/expiration", `{"expires":"9999-12-31T23:59:59-12:00"}`, fault.Invalid},
		{"PUT " + org + "/expiration", `{"expires":"10000-01-01T00:00:00Z"}`, fault.Invalid},
		{"PUT " + org + "/expiration", `{"expires":"2027-12-31T00:00:00Z","managed_by":"file"}`, fault.Invalid},
		{"PUT " + org + "/expiration", strings.Replace(large, "managed_by", "expires", 1), fault.TooLarge},
		{"PUT " + org + "/management", `{}`, fault.Invalid},
		{"PUT " + org + "/management", `{"managed_by":""}`, fault.Invalid},
		{"PUT " + org + "/management", `{"managed_by":"File"}`, fault.Invalid},
		{"PUT " + org + "/management", `{"managed_by":"nobody"}`, fault.Invalid},
		{"PUT " + org + "/management", `{"managed_by":["file"]}`, fault.Invalid},
		{"PUT " + org + "/management", `"file"`, fault.Invalid},
		{"PUT " + org + "/management", large, fault.TooLarge},
		{"PUT /v1/organizations/none/expiration", `{"expires":"2027-12-31T00:00:00Z"}`, fault.NotFound},
		{"PUT /v1/organizations/none/management", `{"managed_by":"file"}`, fault.NotFound},
		{"PUT /v1/organizations/a.b/management", `{"managed_by":"file"}`, fault.Invalid},
		{"GET /v1/organizations/none/usage", ``, fault.NotFound},
		{"GET /v1/organizations/a%20b/usage", ``, fault.Invalid},
		{"POST " + org + "/usage", ``, fault.Method},
		{"GET " + org, ``, fault.Method},
		{"DELETE /v1/organizations/none?deposits=0", ``, fault.NotFound},
		{"DELETE /v1/organizations/a.b?deposits=0", ``, fault.Invalid},
		{"DELETE " + org, ``, fault.Invalid},
		{"DELETE " + org + "?deposits=", ``, fault.Invalid},
		{"DELETE " + org + "?deposits=-1", ``, fault.Invalid},
		{"DELETE " + org + "?deposits=%2B1", ``, fault.Invalid},
		{"DELETE " + org + "?deposits=1.0", ``, fault.Invalid},
		{"DELETE " + org + "?deposits=0x1", ``, fault.Invalid},
		{"DELETE " + org + "?deposits=all", ``, fault.Invalid},
		{"DELETE " + org + "?deposits=1&deposits=1", ``, fault.Invalid},
		{"DELETE " + org + "?deposit=1", ``, fault.Invalid},
		{"DELETE " + org + "?deposits=9223372036854775808", ``, fault.Invalid},
		{"DELETE " + org + "?deposits=9223372036854775807", ``, fault.Conflict},
		{"DELETE " + org + "?deposits=0", ``, fault.Conflict},
		{"DELETE " + org + "?deposits=2", ``, fault.Conflict},
		{"POST /v1/organizations", `{"name":"other","expires":"0001-01-01T00:00:00Z"}`, fault.Invalid},
		{"POST /v1/organizations", `{"name":"other","expires":"9999-12-31T23:59:59-12:00"}`, fault.Invalid},
		{"POST /v1/organizations", `{"name":"other","managed_by":"nobody"}`, fault.Invalid},
	} {
		method, path, _ := strings.Cut(bad.request, " ")
		r := tell(t, c, method, path, bad.body)
		wantKind(t, fmt.Sprintf("%s %.60q", bad.request, bad.body), r, bad.kind)
		if r.detail().Message == "" || r.detail().RequestID == "" {
			t.Errorf("%s %.60q: got %s, want what is wrong", bad.request, bad.body, r)
		}
	}
	if after := only(t, s, "acme"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("got %+v, want it as before: %+v", after, before)
	}
	if all, err := s.Admin().Organizations(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("got organizations %+v, %v, want one", all, err)
	}
	wantContents(t, "the deposit", b.get(t, kept.UUID), []byte("kept"))
}

// TestReasonHeader: the operator's reason is in the audit log, in his own words; one that
// is none is refused, and nothing is done. A client's is nothing to ktsd.
func TestReasonHeader(t *testing.T) {
	t.Parallel()
	s, b, _ := serviceOn(t, ktest.Dir(t))
	c := socketHTTP(t, s)
	const path, body = "/v1/organizations/acme/contacts", `{"contacts":["mallory@example.com"]}`
	for name, reasons := range map[string][]string{
		"empty": {""}, "blank": {"  "}, "two": {"one", "two"}, "no UTF-8": {"caf\xe9"}, "too long": {strings.Repeat("a", 256)}, "too many bytes": {strings.Repeat("ü", 128)},
		"a tab": {"a\tb"}, "turned around": {"\u202egnp"}, "a line of its own": {"a\u2028b"}, "C1": {"a\u0085b"},
	} {
		r := tell(t, c, http.MethodPost, path, body, reasons...)
		wantKind(t, name, r, fault.Invalid)
		contains(t, name, r.detail().Message, "Ktsd-Reason")
	}
	for _, control := range []string{"a\rb", "a\x00b", "a\nb: c"} {
		if err := s.Admin().WithReason(control).AddContacts(t.Context(), "acme", []string{"mallory@example.com"}); err == nil {
			t.Errorf("the client takes %q as a reason", control)
		}
	}
	if o := only(t, s, "acme"); len(o.Contacts) != 0 && strings.Contains(fmt.Sprint(o.Contacts), "mallory") {
		t.Errorf("got contacts %v, want nothing done", o.Contacts)
	}

	reason := `CHG-1 <b>"ü"</b> \ 𝄞, for ` + strings.Repeat("x", 200)
	admin := s.Admin().WithReason(reason)
	if err := admin.AddContacts(t.Context(), "acme", []string{"finn@example.com", "jake@example.com"}); err != nil {
		t.Fatal(err)
	}
	if err := admin.RemoveOrganization(t.Context(), "acme", 7); err == nil {
		t.Error("removed with a wrong number")
	}
	if err := admin.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, b.at(uuid.NewString())+"?handle=h", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Ktsd-Reason", "a client's own words")
	resp, err := b.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := readReply(resp); err != nil || r.status != http.StatusOK {
		t.Errorf("a put with a reason: got %v, %v", r, err)
	}
	s.Stop(t)
	var told []string
	for line := range strings.Lines(ktest.Must(t, "ktadmin", "audit", "search", "--confdir", s.Dir, "--json")) {
		var e struct{ Action, Object, Outcome, Reason string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Reason != "" {
			told = append(told, e.Action+" "+e.Object+" "+e.Outcome)
		}
		if e.Reason != "" && e.Reason != reason {
			t.Errorf("%s: got reason %q, want %q", e.Action, e.Reason, reason)
		}
	}
	if got, want := strings.Join(told, ", "), "contact.add jake@example.com ok, contact.add finn@example.com ok, organization.remove acme refused, server.reload  ok"; got != want {
		t.Errorf("with a reason: got %s, want %s", got, want)
	}
	contains(t, "for people", ktest.Must(t, "ktadmin", "audit", "search", "--confdir", s.Dir, "--action", "contact.add"), ` reason "CHG-1 <b>\"ü\"</b> \\ 𝄞, for xxx`)
	ktest.Must(t, "ktadmin", "audit", "verify", "--confdir", s.Dir)
}

// TestRemovedOrganization: it is gone with all its clients kept, on either store, also
// after a restart; what is made under its name begins with nothing.
func TestRemovedOrganization(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s, b, id := serviceOn(t, dir)
		organization(t, s, "beta", "automatic", "")
		other, bystander := newBox(t, s, "beta")
		stolen, thief := newBox(t, s, "acme")
		large := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
		for n := range 3 {
			b.keep(t, fmt.Sprint("h", n), large[n:])
		}
		deleted := b.keep(t, "deleted", []byte("deleted"))
		wantOK(t, "deleting", b.delete(t, deleted.UUID), nil)
		theirs := other.keep(t, "h0", []byte("a bystander's"))
		ctx, admin := t.Context(), s.Admin()
		if _, err := admin.RevokeCertificate(ctx, thief.keyHash()); err != nil {
			t.Fatal(err)
		}
		used, err := admin.Usage(ctx, "acme")
		if want := (client.Usage{Clients: 2, Deposits: 4, Bytes: 3<<20 - 3 + 7}); err != nil || used != want {
			t.Fatalf("Usage: got %+v, %v, want %+v", used, err, want)
		}
		err = admin.RemoveOrganization(ctx, "acme", 3)
		if err == nil || !strings.Contains(err.Error(), "holds 4 deposits of 2 clients") {
			t.Errorf("with a wrong number: got %v", err)
		}
		if err := admin.WithReason("the customer left").RemoveOrganization(ctx, "acme", 4); err != nil {
			t.Fatal(err)
		}
		check := func(when string) {
			t.Helper()
			for what, r := range map[string]reply{
				"get": b.get(t, deleted.UUID), "find": b.getHandle(t, "h0"), "put": b.put(t, uuid.NewString(), "h", []byte("x")), "a revoked one's get": stolen.getHandle(t, "h"),
			} {
				wantKind(t, when+": "+what, r, fault.Unauthenticated)
			}
			wantContents(t, when+": a bystander's", other.get(t, theirs.UUID), []byte("a bystander's"))
		}
		check("removed")
		if all, err := admin.Clients(ctx, ""); err != nil || len(all) != 1 || all[0].Fingerprint != bystander.key.Fingerprint() {
			t.Errorf("got clients %+v, %v, want the bystander alone", all, err)
		}
		s.Stop(t)
		s = ktest.Start(t, dir)
		b.url, other.url, stolen.url = s.URL, s.URL, s.URL
		check("after a restart")

		organization(t, s, "acme", "automatic", "")
		wantOK(t, "registering again", id.register(t, s, id.registration(t, s, "acme")), nil)
		wantKind(t, "registering with a revoked key", thief.register(t, s, thief.registration(t, s, "acme")), fault.Conflict)
		wantKind(t, "what was there", b.getHandle(t, "h0"), fault.NotFound)
		if d := b.keep(t, "h0", []byte("new")); d.Version != 1 {
			t.Errorf("got version %d, want 1", d.Version)
		}
		s.Stop(t)
		contains(t, "the audit log", ktest.Must(t, "ktadmin", "audit", "search", "--confdir", dir, "--action", "organization.remove"),
			" refused organization.remove acme (conflict) ", ` ok      organization.remove acme (deposits 4, clients 2) by operator uid `, ` reason "the customer left"`)
	})
}

// TestTenancy: what the operator sets is what he sees, and what clients meet.
func TestTenancy(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s, b, _ := serviceOn(t, dir)
		ctx, admin := t.Context(), s.Admin()
		if o := only(t, s, "acme"); !o.Expires.Equal(client.Never()) || o.ManagedBy != "tenant" {
			t.Errorf("got %+v, want one without end, its tenant's", o)
		}
		end := time.Date(2099, 12, 31, 12, 0, 0, 0, time.UTC)
		if err := admin.CreateOrganization(ctx, client.NewOrganization{Name: "filed", Expires: &end, ManagedBy: "file"}); err != nil {
			t.Fatal(err)
		}
		if o := only(t, s, "filed"); !o.Expires.Equal(end) || o.ManagedBy != "file" {
			t.Errorf("got %+v, want the end and the management it was made with", o)
		}
		kept := b.keep(t, "h", []byte("kept"))
		for _, err := range []error{admin.SetExpiration(ctx, "acme", time.Now().Add(-time.Second)), admin.SetManagement(ctx, "acme", "file")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		wantKind(t, "ended", b.get(t, kept.UUID), fault.Disabled)
		s.Stop(t)
		s = ktest.Start(t, dir)
		b.url = s.URL
		wantKind(t, "after a restart", b.get(t, kept.UUID), fault.Disabled)
		if o := only(t, s, "acme"); o.ManagedBy != "file" || len(o.Foreign) > 0 {
			t.Errorf("got %+v, want it a file's", o)
		}
		if err := s.Admin().SetExpiration(ctx, "acme", time.Time{}); err != nil {
			t.Fatal(err)
		}
		wantContents(t, "without end", b.get(t, kept.UUID), []byte("kept"))
		if o := only(t, s, "acme"); !o.Expires.Equal(client.Never()) {
			t.Errorf("got expiration %s, want never", o.Expires)
		}
	})
}

// TestEditedOrganization edits, while ktsd runs, whose an organization is and when it
// ends: none of its clients is served, the operator sees that it is foreign, nothing he
// sets makes it authentic, and others are served.
func TestEditedOrganization(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s, b, _ := serviceOn(t, dir)
		organization(t, s, "beta", "automatic", "")
		other, _ := newBox(t, s, "beta")
		kept, theirs := b.keep(t, "h", []byte("kept")), other.keep(t, "h", []byte("a bystander's"))
		ctx, admin := t.Context(), s.Admin()
		for _, statement := range []string{
			`UPDATE organizations SET managed_by = 'file' WHERE name = 'acme'`,
			`UPDATE organizations SET expires = expires - 1000000 WHERE name = 'acme'`,
			`UPDATE organizations SET expires = 1 WHERE name = 'acme'`,
			`UPDATE organizations SET managed_by = '' WHERE name = 'acme'`,
		} {
			was := behind(t, dir, `SELECT expires, managed_by FROM organizations WHERE name = 'acme'`)
			wantContents(t, "before "+statement, b.get(t, kept.UUID), []byte("kept"))
			edit(t, dir, statement)
			wantKind(t, statement, b.get(t, kept.UUID), fault.Corrupt)
			wantKind(t, statement+": put", b.put(t, uuid.NewString(), "h", []byte("x")), fault.Corrupt)
			if o := only(t, s, "acme"); strings.Join(o.Foreign, ",") != "organization" {
				t.Errorf("%s: got %+v, want it foreign", statement, o)
			}
			for what, err := range map[string]error{
				"SetExpiration": admin.SetExpiration(ctx, "acme", client.Never()), "SetManagement": admin.SetManagement(ctx, "acme", "tenant"),
			} {
				if err == nil || !strings.Contains(err.Error(), "organization acme in the database is not what this server wrote") {
					t.Errorf("%s: %s: got %v, want that the row is not the server's", statement, what, err)
				}
			}
			wantContents(t, "a bystander's, after "+statement, other.get(t, theirs.UUID), []byte("a bystander's"))
			expires, managedBy, _ := strings.Cut(was, "|")
			edit(t, dir, fmt.Sprintf(`UPDATE organizations SET expires = %s, managed_by = '%s' WHERE name = 'acme'`, expires, managedBy))
		}
	})
}

// TestOlderOrganizations: a database that a build without managements left is brought up
// to date by a start: its organizations are their tenants', and authentic as they are.
func TestOlderOrganizations(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s, b, _ := serviceOn(t, dir)
		kept := b.keep(t, "h", []byte("kept"))
		s.Stop(t)
		for _, statement := range []string{ // what the migration does, taken back
			`ALTER TABLE organizations DROP COLUMN managed_by`, `DROP TABLE spent_keys`,
			`DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`,
		} {
			behind(t, dir, statement)
		}
		s = ktest.Start(t, dir)
		b.url = s.URL
		wantContents(t, "after the upgrade", b.get(t, kept.UUID), []byte("kept"))
		if o := only(t, s, "acme"); o.ManagedBy != "tenant" || len(o.Foreign) > 0 {
			t.Errorf("got %+v, want it its tenant's and authentic", o)
		}
	})
}
