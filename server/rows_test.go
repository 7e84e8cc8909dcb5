package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// keyHash is a certificate's key as everything names it.
func (i *identity) keyHash() string { return fmt.Sprintf("%x", tlsconf.KeyHash(i.pair.Leaf)) }

// TestEditedRows edits, while ktsd runs, rows that decide over access: a certificate
// that is re-pointed to the victim, with and without the victim's MAC, a client in
// another organization, MACs that are removed or copied. Whoever comes with what was
// edited gets nothing, is told of no one else, and the log names the row; all others
// are served; nothing can be enabled or disabled into authenticity.
func TestEditedRows(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s, bystander, _ := serviceOn(t, dir)
		organization(t, s, "other", "automatic", "")
		others := bystander.keep(t, "others", []byte("a bystander's")).UUID
		prey, victim := newBox(t, s, "acme")
		theirs := prey.keep(t, "theirs", []byte("the victim's")).UUID
		key := func(i *identity) string { return blob(t, dir, i.keyHash()) }
		for _, c := range []struct {
			name  string
			edit  func(mallory *identity) string
			names func(mallory *identity) string // the row, in log and answer
		}{
			{"a certificate re-pointed", func(m *identity) string {
				return fmt.Sprintf(`UPDATE certificates SET client = '%s' WHERE key_hash = %s`, victim.key.Fingerprint(), key(m))
			}, certificateRow},
			{"a certificate re-pointed with the MAC", func(m *identity) string {
				return fmt.Sprintf(`UPDATE certificates SET (client, created, mac) = (SELECT client, created, mac FROM certificates WHERE key_hash = %s) WHERE key_hash = %s`, key(victim), key(m))
			}, certificateRow},
			{"a certificate without a MAC", func(m *identity) string {
				return fmt.Sprintf(`UPDATE certificates SET mac = NULL WHERE key_hash = %s`, key(m))
			}, certificateRow},
			{"a client in another organization", func(m *identity) string {
				return fmt.Sprintf(`UPDATE clients SET organization = 'other' WHERE fingerprint = '%s'`, m.key.Fingerprint())
			}, clientRow},
			{"a client without a MAC", func(m *identity) string {
				return fmt.Sprintf(`UPDATE clients SET mac = NULL WHERE fingerprint = '%s'`, m.key.Fingerprint())
			}, clientRow},
			{"a client with the victim's MAC", func(m *identity) string {
				return fmt.Sprintf(`UPDATE clients SET mac = (SELECT mac FROM clients WHERE fingerprint = '%s') WHERE fingerprint = '%s'`, victim.key.Fingerprint(), m.key.Fingerprint())
			}, clientRow},
		} {
			b, mallory := newBox(t, s, "acme")
			mine := b.keep(t, "mine", []byte("mine")).UUID
			edit(t, dir, c.edit(mallory))
			wantNothing(t, s, c.name, c.names(mallory), victim.key.Fingerprint(), map[string]reply{
				"get": b.get(t, mine), "get of the victim's": b.get(t, theirs), "find of the victim's": b.getHandle(t, "theirs"),
				"put": b.put(t, uuid.NewString(), "mine", []byte("x")), "delete": b.delete(t, theirs), "undelete": b.undelete(t, mine),
				"list": request(t, b.http, http.MethodGet, b.find("prefix", ""), nil), "self": request(t, b.http, http.MethodGet, s.URL+"/v1/self", nil),
				"certificates": request(t, b.http, http.MethodGet, s.URL+"/v1/certificates", nil),
			})
			wantContents(t, "a bystander, after "+c.name, bystander.get(t, others), []byte("a bystander's"))
			bystander.keep(t, "more", []byte("x"))
			wantContents(t, "the victim, after "+c.name, prey.get(t, theirs), []byte("the victim's"))
			if c.names(mallory) == clientRow(mallory) {
				wantNotAuthentic(t, dir, c.name, mallory)
			}
		}
		wantOK(t, "readyz", request(t, s.HTTP(t), http.MethodGet, s.URL+"/readyz", nil), nil)
		s.Stop(t)
		contains(t, "the attempts in the audit log", ktest.Must(t, "ktadmin", "audit", "search", "--confdir", dir, "--outcome", "failed"), "deposit.get", "(corrupt)")
	})
}

func certificateRow(i *identity) string { return "certificate " + i.keyHash() }
func clientRow(i *identity) string      { return "client " + i.key.Fingerprint() }

// wantNothing wants all answers to be of kind corrupt, with the row named, there and
// in the log, and nobody else.
func wantNothing(t *testing.T, s *ktest.Server, what, row, nobody string, answers map[string]reply) {
	t.Helper()
	for request, r := range answers {
		what := what + ": " + request
		wantKind(t, what, r, fault.Corrupt)
		contains(t, what, r.detail().Message, row)
		if strings.Contains(strings.ToUpper(string(r.body)), nobody) || strings.Contains(string(r.body), "victim's") {
			t.Errorf("%s: got %s, want nothing of the victim in it", what, r)
		}
		logged(t, s, what, r.detail().RequestID)
	}
	if t.Failed() {
		return // what is not logged is waited for
	}
	logged(t, s, what, "the row of "+row+" in the database is not ")
}

// wantNotAuthentic: the operator's commands sign no row that somebody else wrote.
func wantNotAuthentic(t *testing.T, dir, what string, i *identity) {
	t.Helper()
	for _, command := range []string{"enable-client", "disable-client"} {
		_, stderr, code := ktest.Run(t, "orgtool", command, "--confdir", dir, "--fingerprint", i.key.Fingerprint())
		if code != 1 {
			t.Errorf("%s: %s: got exit code %d, want 1", what, command, code)
		}
		contains(t, what+": "+command, stderr, "orgtool: error: ", clientRow(i), "orgtool: hint: ")
	}
}

// TestEditedDeposits edits deposits while ktsd runs. What the seal covers is
// corrupt, such as not_after. What it does not cover, as docs/security.md says:
// whether a deposit is deleted or purged, can be edited. That hides contents or
// shows them to their own client again, and gives nobody another's.
func TestEditedDeposits(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		s, b, _ := serviceOn(t, dir)
		soon := []string{"not_after", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
		keep := func(handle string, policy ...string) api.Deposit {
			return b.keep(t, handle, []byte("contents of "+handle), policy...)
		}
		set := func(d api.Deposit, column, value string) {
			t.Helper()
			edit(t, dir, fmt.Sprintf(`UPDATE deposits SET %s = %s WHERE uuid = '%s'`, column, value, d.UUID))
		}
		untouched := keep("untouched")
		for name, value := range map[string]string{"later": "not_after + 3600000000", "sooner": "1", "removed": "NULL"} {
			d := keep("not_after "+name, soon...)
			set(d, "not_after", value)
			want := fault.Corrupt
			if name == "sooner" { // refused before anything is opened
				want = fault.Gone
			}
			wantKind(t, "not_after "+name, b.get(t, d.UUID), want)
			wantKind(t, "not_after "+name+", by its handle", b.getHandle(t, d.Handle), want)
		}
		added := keep("not_after added")
		set(added, "not_after", fmt.Sprint(time.Now().Add(time.Hour).UnixMicro()))
		wantKind(t, "not_after added", b.get(t, added.UUID), fault.Corrupt)

		hidden := keep("deleted by hand")
		set(hidden, "deleted", fmt.Sprint(time.Now().UnixMicro()))
		wantKind(t, "deleted by hand", b.get(t, hidden.UUID), fault.NotFound)
		wantOK(t, "undeleting it", b.undelete(t, hidden.UUID), nil)
		wantContents(t, "undeleted", b.get(t, hidden.UUID), []byte("contents of deleted by hand"))

		shown := keep("undeleted by hand")
		wantOK(t, "deleting", b.delete(t, shown.UUID), nil)
		set(shown, "deleted", "NULL")
		wantContents(t, "undeleted by hand", b.get(t, shown.UUID), []byte("contents of undeleted by hand"))

		purged := keep("purged by hand")
		set(purged, "purged", fmt.Sprint(time.Now().UnixMicro()))
		wantKind(t, "purged by hand", b.get(t, purged.UUID), fault.Gone)
		wantKind(t, "the same put again", b.put(t, purged.UUID, purged.Handle, []byte("contents of purged by hand")), fault.Gone)
		set(purged, "purged", "NULL")
		wantContents(t, "that taken back", b.get(t, purged.UUID), []byte("contents of purged by hand"))

		early := keep("deleted long ago, by hand")
		wantOK(t, "deleting", b.delete(t, early.UUID), nil)
		set(early, "deleted", "1")
		wantOK(t, "purging what was deleted in 1970, by hand", request(t, b.http, http.MethodPost, b.at(early.UUID)+"/purge", nil), nil)
		wantContents(t, "an untouched one", b.get(t, untouched.UUID), []byte("contents of untouched"))
		wantOK(t, "readyz", request(t, s.HTTP(t), http.MethodGet, s.URL+"/readyz", nil), nil)
	})
}

// TestRolledBackRow: what docs/security.md says is not detected: whoever writes to
// the database, and kept a row of the server's own, puts it in the place of its
// successor. A client that was disabled is in again. The audit log tells of it.
func TestRolledBackRow(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dir string) {
		_, b, id := serviceOn(t, dir)
		kept := b.keep(t, "h", []byte("x"))
		where := fmt.Sprintf(` WHERE fingerprint = '%s'`, id.key.Fingerprint())
		behind(t, dir, `CREATE TABLE aside AS SELECT * FROM clients`+where)
		ktest.Must(t, "orgtool", "disable-client", "--confdir", dir, "--fingerprint", id.key.Fingerprint())
		wantKind(t, "disabled", b.get(t, kept.UUID), fault.Disabled)
		edit(t, dir, `UPDATE clients SET state = 2`+where)
		wantKind(t, "its state alone edited", b.get(t, kept.UUID), fault.Corrupt)
		edit(t, dir, `UPDATE clients SET (state, mac) = (SELECT state, mac FROM aside)`+where)
		if r := b.get(t, kept.UUID); r.status != http.StatusOK {
			t.Errorf("a rolled-back row: got %v; if it is detected now, docs/security.md says otherwise", r)
		}
		contains(t, "the audit log", ktest.Must(t, "ktadmin", "audit", "search", "--confdir", dir, "--action", "client.disable"), id.key.Fingerprint(), " ok ")
	})
}
