package main_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestTampering edits rows of the database behind the server's back. What the
// seal covers (organization, client, uuid, handle, version, not_after, created,
// data key, contents) is detected, named in answer and log, and not served;
// everything else still is.
func TestTampering(t *testing.T) {
	t.Parallel()
	s, b, id := service(t)
	const where = ` WHERE uuid = $1`
	later := []string{"not_after", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
	cases := []struct {
		name, edit string
		policy     []string // of the put
	}{
		{"a byte of the contents", flip("contents", 30) + where, nil},
		{"the first byte of the contents", flip("contents", 0) + where, nil},
		{"a byte of the nonce", flip("contents", 3) + where, nil},
		{"the contents cut", `UPDATE deposits SET contents = substr(contents, 1, 20)` + where, nil},
		{"the contents empty", `UPDATE deposits SET contents = x''` + where, nil},
		{"a byte of the data key", flip("data_key", 20) + where, nil},
		{"a not_after added", fmt.Sprintf(`UPDATE deposits SET not_after = %d`+where, time.Now().Add(time.Hour).UnixMicro()), nil},
		{"not_after later", `UPDATE deposits SET not_after = not_after + 3600000000` + where, later},
		{"not_after removed", `UPDATE deposits SET not_after = NULL` + where, later},
		{"created", `UPDATE deposits SET created = created + 1` + where, nil},
		{"handle", `UPDATE deposits SET handle = 'renamed'` + where, nil},
		{"version", `UPDATE deposits SET version = 7` + where, nil},
	}
	uuids := make([]string, len(cases))
	for i, c := range cases {
		uuids[i] = b.keep(t, fmt.Sprintf("case %d", i), []byte("contents of "+c.name), c.policy...).UUID
	}
	untouched := b.keep(t, "untouched", []byte("untouched")).UUID

	s.Stop(t)
	for i, c := range cases {
		sqlExec(t, s.Dir, c.edit, uuids[i])
	}
	s = ktest.Start(t, s.Dir)
	b = box{s.HTTP(t, id.pair), s.URL}

	for i, c := range cases {
		wantCorrupt(t, s, c.name, uuids[i], b.get(t, uuids[i]))
	}
	wantCorrupt(t, s, "a changed handle, asked for", uuids[10], b.getHandle(t, "renamed"))
	wantKind(t, "the handle it had", b.getHandle(t, "case 10"), fault.NotFound)
	wantContents(t, "an untouched one", b.get(t, untouched), []byte("untouched"))
	b.keep(t, "new", []byte("new"))
	if got := auditFailed(t, s.Dir); got != len(cases)+1 {
		t.Errorf("audit records of failed reads: got %d, want %d", got, len(cases)+1)
	}
}

// TestSwappedRows: sealed bytes that were moved to another row, and rows that
// were moved to another client, open for nobody.
func TestSwappedRows(t *testing.T) {
	t.Parallel()
	s, b, id := service(t)
	_, stranger := newBox(t, s, "acme")
	pair := func() [2]string {
		return [2]string{b.keep(t, "left", []byte("left")).UUID, b.keep(t, "right", []byte("right")).UUID}
	}
	bytes, whole := pair(), pair()
	moved, renamed, kek := b.keep(t, "moved", []byte("moved")).UUID, b.keep(t, "uuid", []byte("uuid")).UUID, b.keep(t, "kek", []byte("kek")).UUID
	s.Stop(t)
	swap(t, s.Dir, "contents", bytes)
	swap(t, s.Dir, "contents, data_key", whole)
	const other = "11111111-2222-4333-8444-555555555555"
	sqlExec(t, s.Dir, `UPDATE deposits SET client = $2 WHERE uuid = $1`, moved, stranger.key.Fingerprint())
	sqlExec(t, s.Dir, `UPDATE deposits SET uuid = $2 WHERE uuid = $1`, renamed, other)
	sqlExec(t, s.Dir, `UPDATE deposits SET kek = 9 WHERE uuid = $1`, kek)
	s = ktest.Start(t, s.Dir)
	b = box{s.HTTP(t, id.pair), s.URL}
	for _, uuid := range []string{bytes[0], bytes[1], whole[0], whole[1], other} {
		wantCorrupt(t, s, "a swapped row", uuid, b.get(t, uuid))
	}
	wantCorrupt(t, s, "the left one by its handle", whole[0], b.getHandle(t, "left"))
	wantCorrupt(t, s, "a moved row, asked for by its new client", moved, box{s.HTTP(t, stranger.pair), s.URL}.get(t, moved))
	wantKind(t, "a moved row, asked for by its owner", b.get(t, moved), fault.NotFound)
	wantKind(t, "a KEK generation that is not there", b.get(t, kek), fault.Unavailable)
}

// wantCorrupt: refused as corrupt, the deposit named in the answer and the log.
func wantCorrupt(t *testing.T, s *ktest.Server, what, uuid string, r reply) {
	t.Helper()
	wantKind(t, what, r, fault.Corrupt)
	contains(t, what+": the answer", r.detail().Message, uuid)
	logged(t, s, what, "deposit "+uuid+" of client ", r.detail().RequestID)
}

// flip is the statement that changes one byte of a column.
func flip(column string, at int) string {
	return fmt.Sprintf(`UPDATE deposits SET %[1]s = CAST(substr(%[1]s, 1, %[2]d) ||
		CASE substr(%[1]s, %[2]d + 1, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(%[1]s, %[2]d + 2) AS BLOB)`, column, at)
}

// swap exchanges columns of two rows.
func swap(t *testing.T, dir, columns string, uuids [2]string) {
	t.Helper()
	sqlExec(t, dir, `CREATE TABLE aside AS SELECT * FROM deposits WHERE uuid IN ($1, $2);
		UPDATE deposits SET (`+columns+`) = (SELECT `+columns+` FROM aside WHERE aside.uuid <> deposits.uuid) WHERE uuid IN ($1, $2);
		DROP TABLE aside`, uuids[0], uuids[1])
}

func auditFailed(t *testing.T, dir string) (n int) {
	t.Helper()
	for _, r := range auditRecords(t, dir) {
		if r.Action == "deposit.get" && r.Outcome == "failed" {
			n++
		}
	}
	return n
}

// TestTamperingWithAnOrganization: a client moved to another organization finds
// its deposits closed, and a code that was edited lets nobody in.
func TestTamperingWithAnOrganization(t *testing.T) {
	t.Parallel()
	s, b, id := service(t)
	organization(t, s, "careful", "auth_code", "OpenSesame")
	organization(t, s, "other", "auth_code", "Gugelhupf")
	kept := b.keep(t, "h", []byte("x"))
	s.Stop(t)
	sqlExec(t, s.Dir, `UPDATE clients SET organization = 'other' WHERE fingerprint = $1`, id.key.Fingerprint())
	sqlExec(t, s.Dir, `UPDATE organizations SET (code, code_key) = (SELECT code, code_key FROM organizations WHERE name = 'other') WHERE name = 'careful'`)
	s = ktest.Start(t, s.Dir)
	b = box{s.HTTP(t, id.pair), s.URL}
	wantKind(t, "a deposit of a client that was moved", b.get(t, kept.UUID), fault.Corrupt)
	for _, code := range []string{"OpenSesame", "Gugelhupf"} {
		joining := newIdentity(t)
		in := joining.registration(t, s, "careful")
		in.AuthCode = code
		wantKind(t, "registering where the code was swapped", joining.register(t, s, in), fault.Denied)
	}
	logged(t, s, "a swapped code", "authorization code of an organization cannot be opened", "organization=careful")
	if _, err := s.Admin().Organizations(t.Context()); err == nil {
		t.Errorf("listing the organizations: got no error, want one about the code of careful")
	} else {
		contains(t, "listing the organizations", err.Error(), "careful")
	}
}

// TestDamagedPeople: a row that cannot be understood is an error of its own
// request, not the end of the server nor of the requests beside it.
func TestDamagedPeople(t *testing.T) {
	t.Parallel()
	s, b, _ := service(t)
	other, victim := newBox(t, s, "acme")
	kept := other.keep(t, "h", []byte("x"))
	s.Stop(t)
	sqlExec(t, s.Dir, `UPDATE clients SET created = 'x' WHERE fingerprint = $1`, victim.key.Fingerprint())
	s = ktest.Start(t, s.Dir)
	b.url, other.url = s.URL, s.URL
	for range 3 {
		wantKind(t, "a put of the damaged client", other.put(t, uuid.NewString(), "h", []byte("y")), fault.Corrupt)
		wantKind(t, "a get of the damaged client", other.get(t, kept.UUID), fault.Corrupt)
		b.keep(t, "another client's", []byte("z"))
	}
	var wg sync.WaitGroup
	for i := range 20 { // in groups with the damaged one
		wg.Go(func() {
			if i%4 == 0 {
				wantKind(t, "a put of the damaged client", other.put(t, uuid.NewString(), "h", []byte("y")), fault.Corrupt)
			} else {
				b.keep(t, fmt.Sprintf("beside %d", i), []byte("z"))
			}
		})
	}
	wg.Wait()
	wantOK(t, "readyz", request(t, s.HTTP(t), "GET", s.URL+"/readyz", nil), nil)
}
