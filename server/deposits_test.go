package main_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// service starts a server with an organization that lets everybody in, and
// registers a client.
func service(t *testing.T) (*ktest.Server, box, *identity) {
	t.Helper()
	return serviceOn(t, ktest.Dir(t))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// TestDepositByteForByte: what is put comes back as it is, after a restart too.
func TestDepositByteForByte(t *testing.T) {
	t.Parallel()
	s, b, id := service(t)
	contents := map[string][]byte{
		"one byte": {0}, "binary": randomBytes(4096), "line ends": []byte("a\r\nb\n\r\x00\xff"), "a mebibyte": randomBytes(api.MaxDeposit),
		"JSON": []byte(`{"error":{"kind":"not_found"}}`), "percent": []byte("%00%2e+ &="),
	}
	deposits := map[string]api.Deposit{}
	for handle, data := range contents {
		d := b.keep(t, handle, data)
		if d.Handle != handle || d.Version != 1 || d.Size != int64(len(data)) || time.Since(d.Created).Abs() > time.Minute || d.Deleted != nil || d.NotAfter != nil {
			t.Errorf("put %s: got %+v, want version 1 of %d bytes, made now", handle, d, len(data))
		}
		deposits[handle] = d
	}
	check := func(b box) {
		t.Helper()
		for handle, data := range contents {
			d := deposits[handle]
			for what, r := range map[string]reply{"by uuid": b.get(t, d.UUID), "by handle": b.getHandle(t, handle), "by version": b.getHandle(t, handle, "version", "1")} {
				wantContents(t, handle+" "+what, r, data)
				got := map[string]string{}
				for _, name := range []string{api.HeaderUUID, api.HeaderVersion, api.HeaderCreated, api.HeaderHandle, "Content-Type"} {
					got[name] = r.header.Get(name)
				}
				want := map[string]string{api.HeaderUUID: d.UUID, api.HeaderVersion: "1", api.HeaderCreated: d.Created.Format(time.RFC3339Nano),
					api.HeaderHandle: strings.TrimPrefix(query("", handle), "="), "Content-Type": "application/octet-stream"}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s %s: headers (-want +got):\n%s", handle, what, diff)
				}
			}
		}
	}
	check(b)
	s.Stop(t)
	check(box{ktest.Start(t, s.Dir).HTTP(t, id.pair), s.URL})
}

// TestVersions: new content is a new version, an older one is served by its
// number, and a delete of the latest never brings an older one up unasked.
func TestVersions(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	put := func(version int64, text string) api.Deposit {
		t.Helper()
		d := b.keep(t, "h", []byte(text))
		if d.Version != version {
			t.Errorf("version: got %d, want %d", d.Version, version)
		}
		return d
	}
	first, second := put(1, "one"), put(2, "two")
	wantContents(t, "the latest", b.getHandle(t, "h"), []byte("two"))
	wantContents(t, "version 1", b.getHandle(t, "h", "version", "1"), []byte("one"))
	wantKind(t, "version 3", b.getHandle(t, "h", "version", "3"), fault.NotFound)
	for _, version := range []string{"0", "-1", "x", "", "1.0", "99999999999999999999"} {
		wantKind(t, "version "+version, b.getHandle(t, "h", "version", version), fault.Invalid)
	}

	var d api.Deposit
	wantOK(t, "deleting the latest", b.delete(t, second.UUID), &d)
	if d.Deleted == nil || d.UUID != second.UUID {
		t.Errorf("deleted: got %+v, want it with the time of its delete", d)
	}
	wantKind(t, "the handle", b.getHandle(t, "h"), fault.NotFound)
	wantKind(t, "version 2", b.getHandle(t, "h", "version", "2"), fault.NotFound)
	wantKind(t, "its uuid", b.get(t, second.UUID), fault.NotFound)
	wantContents(t, "version 1", b.getHandle(t, "h", "version", "1"), []byte("one"))
	if all, _ := b.list(t, "prefix", ""); len(all) != 0 {
		t.Errorf("list: got %v, want none: the handle is hidden", all)
	}
	var again api.Deposit
	wantOK(t, "deleting it again", b.delete(t, second.UUID), &again)
	if diff := cmp.Diff(d, again); diff != "" {
		t.Errorf("deleting again (-first +second):\n%s", diff)
	}

	var back api.Deposit
	wantOK(t, "undeleting", b.undelete(t, second.UUID), &back)
	if diff := cmp.Diff(second, back); diff != "" {
		t.Errorf("undeleted (-put +now):\n%s", diff)
	}
	wantContents(t, "the latest, undeleted", b.getHandle(t, "h"), []byte("two"))
	wantOK(t, "undeleting what is not deleted", b.undelete(t, second.UUID), nil)

	wantOK(t, "deleting version 1", b.delete(t, first.UUID), nil)
	wantContents(t, "the latest without version 1", b.getHandle(t, "h"), []byte("two"))
	wantOK(t, "deleting version 2", b.delete(t, second.UUID), nil)
	put(3, "three") // a number is never used again
	wantContents(t, "the latest", b.getHandle(t, "h"), []byte("three"))
	wantKind(t, "deleting what is not there", b.delete(t, uuid.NewString()), fault.NotFound)
	wantKind(t, "undeleting what is not there", b.undelete(t, uuid.NewString()), fault.NotFound)
}

// TestNotAfter: a deposit is served until then and not from then on.
func TestNotAfter(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	soon := time.Now().Add(1500 * time.Millisecond)
	d := b.keep(t, "short", []byte("x"), "not_after", soon.UTC().Format(time.RFC3339Nano))
	if d.NotAfter == nil || d.NotAfter.Sub(soon).Abs() > time.Microsecond {
		t.Errorf("not_after: got %v, want %v", d.NotAfter, soon)
	}
	r := b.get(t, d.UUID)
	if time.Now().Before(soon) {
		wantContents(t, "before", r, []byte("x"))
		if got := r.header.Get(api.HeaderNotAfter); got != d.NotAfter.Format(time.RFC3339Nano) {
			t.Errorf("%s: got %q, want %s", api.HeaderNotAfter, got, d.NotAfter)
		}
	}
	for what, at := range map[string]string{
		"the past": "2020-01-01T00:00:00Z", "now": time.Now().UTC().Format(time.RFC3339), "a date": "2099-01-01", "a number": "4102444800",
		"the zero time": "0001-01-01T00:00:00Z", "nothing": "", "no zone": "2099-01-01T00:00:00",
	} {
		wantKind(t, "not_after of "+what, b.put(t, uuid.NewString(), "other", []byte("x"), "not_after", at), fault.Invalid)
	}
	time.Sleep(time.Until(soon) + 10*time.Millisecond)
	wantKind(t, "after, by uuid", b.get(t, d.UUID), fault.Gone)
	wantKind(t, "after, by handle", b.getHandle(t, "short"), fault.Gone)
	wantOK(t, "the same put again, after", b.put(t, d.UUID, "short", []byte("x"), "not_after", d.NotAfter.Format(time.RFC3339Nano)), nil)
	b.keep(t, "short", []byte("a new version"))
	wantContents(t, "the handle with a new version", b.getHandle(t, "short"), []byte("a new version"))
}
