package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// auditBytes is the size of the audit log's segments.
func auditBytes(t *testing.T, dir string) (n int64) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(confdir.Dir(dir).Audit(), "audit-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range segments {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

// occupy takes so much of a disk that as many bytes are left as given.
func occupy(t *testing.T, name string, left int64) {
	t.Helper()
	ktest.FillDisk(t, name)
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, info.Size()-left); err != nil {
		t.Fatal(err)
	}
}

// TestFullAuditDisk: at the mark changes stop, and their refusals do not fill what
// is left; reads go on into the reserve; then they are refused too. With room again
// all is as before, without a restart.
func TestFullAuditDisk(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	disk := confdir.Dir(dir).Audit()
	ktest.OwnDisk(t, disk, "size=16m") // the mark is at 4 MB, the reserve has 1 MB
	s := ktest.Start(t, dir)
	s.Organization(t, "acme")
	b, _ := newBox(t, s, "acme")
	kept := b.keep(t, "h", []byte("contents"))
	ready := func() reply { return request(t, s.HTTP(t), http.MethodGet, s.URL+"/readyz", nil) }
	wantOK(t, "readyz", ready(), nil)
	eventually(t, s, "ktsd_audit_low_water", 0)
	eventually(t, s, "ktsd_audit_reserve_bytes", 1<<20)
	eventually(t, s, "ktsd_audit_mark_bytes", 4<<20)

	filler := filepath.Join(disk, "filler")
	occupy(t, filler, 1<<20)
	eventually(t, s, "ktsd_audit_low_water", 1)
	refused := b.put(t, uuid.NewString(), "h", []byte("x"))
	wantKind(t, "a put below the mark", refused, fault.Unavailable)
	contains(t, "its message", refused.detail().Message, "the audit log's disk has 1 MB free; changes stop below 4 MB, reads go on")
	contains(t, "its hint", refused.detail().Hint, "make room")
	wantKind(t, "readyz", ready(), fault.Unavailable)
	if err := s.Admin().AddContacts(t.Context(), "acme", []string{"finn@example.com"}); err == nil {
		t.Error("the operator's change below the mark: got no error")
	}
	wantContents(t, "a get below the mark", b.get(t, kept.UUID), []byte("contents"))
	logged(t, s, "the alarm", "nearly full", "level=ERROR")
	before := auditBytes(t, dir)
	for range 500 {
		wantKind(t, "a put below the mark", b.put(t, uuid.NewString(), "h", []byte("x")), fault.Unavailable)
	}
	if grown := auditBytes(t, dir) - before; grown > 4096 {
		t.Errorf("500 refused puts took %d bytes of the audit log, want a sum at most", grown)
	}

	os.Remove(filler)
	ktest.FillDisk(t, filler) // to the last byte: from now on there is the reserve
	before = auditBytes(t, dir)
	reads := 0
	r := b.get(t, kept.UUID)
	for ; r.status == http.StatusOK && reads < 10_000; reads++ {
		r = b.get(t, kept.UUID)
	}
	wantKind(t, "a get with the reserve spent", r, fault.Unavailable)
	line := (auditBytes(t, dir) - before) / int64(max(reads, 1))
	t.Logf("%d reads of %d bytes each from a reserve of 1 MB", reads, line)
	if int64(reads)*line < 800_000 {
		t.Errorf("reads from the reserve of 1 MB: got %d of %d bytes each", reads, line)
	}
	wantKind(t, "a put with the reserve spent", b.put(t, uuid.NewString(), "h", []byte("x")), fault.Unavailable)
	eventually(t, s, "ktsd_audit_up", 0)
	eventually(t, s, "ktsd_audit_reserve_bytes", 0)

	os.Remove(filler)
	eventually(t, s, "ktsd_audit_up", 1)
	eventually(t, s, "ktsd_audit_low_water", 0)
	eventually(t, s, "ktsd_audit_reserve_bytes", 1<<20)
	wantOK(t, "readyz with room again", ready(), nil)
	wantContents(t, "a get with room again", b.get(t, kept.UUID), []byte("contents"))
	b.keep(t, "h", []byte("more"))
	logged(t, s, "the end of the alarm", "has room again")
	if code := s.Stop(t); code != 0 {
		t.Errorf("exit code: got %d, want 0: it is the process that met the full disk", code)
	}
	contains(t, "ktadmin audit verify", ktest.Must(t, "ktadmin", "audit", "verify", "--confdir", dir), "records")
	contains(t, "the refused puts", ktest.Must(t, "ktadmin", "audit", "search", "--confdir", dir, "--action", "refusals.summary"),
		"deposit.put unavailable ×50")
}

// TestFloodOfRefusals: strangers from one address and from many, in their thousands:
// the audit log grows by a bounded number of lines, which tell of all of them.
func TestFloodOfRefusals(t *testing.T) {
	t.Parallel()
	s, b, _ := service(t)
	stranger := newIdentity(t)
	target := b.at(uuid.NewString())
	flood := func(source string, n int) {
		c := from(t, s, source, stranger.pair)
		for range n {
			wantKind(t, "a stranger's get", request(t, c, http.MethodGet, target, nil), fault.Unauthenticated)
		}
	}
	before := auditBytes(t, s.Dir)
	flood("127.0.0.1", 4000)
	for i := range 40 {
		flood(fmt.Sprintf("127.0.1.%d", i+1), 25)
	}
	if grown := auditBytes(t, s.Dir) - before; grown > 40<<10 {
		t.Errorf("5,000 refusals took %d bytes of the audit log", grown)
	}
	b.keep(t, "h", []byte("x")) // others are served
	s.Stop(t)
	grown := auditBytes(t, s.Dir) - before
	t.Logf("5,000 refusals took %d bytes", grown)
	if grown > 80<<10 { // a minute may have ended in between
		t.Errorf("5,000 refusals took %d bytes of the audit log", grown)
	}
	total, loudest := 0, false
	for _, r := range auditRecords(t, s.Dir) {
		switch {
		case r.Action == "refusals.summary":
			var n int
			fmt.Sscanf(r.Detail, "%d refused", &n)
			total += n
			loudest = loudest || r.Source == "127.0.0.1" && strings.Contains(r.Detail, "deposit.get unauthenticated ×")
		case r.Detail == "unauthenticated":
			total++
		}
	}
	if total != 5000 || !loudest {
		t.Errorf("refusals that the audit log tells of: got %d, the loudest by name %v, want 5000 and true", total, loudest)
	}
}
