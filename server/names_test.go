package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/fault"
)

func TestBadHandles(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	for _, handle := range []string{
		"", "..", ".", "../x", "x/..", "x/../y", "./x", "x/./y", "a\nb", "a\x00b", "a\x1b[2J", "a\x7f", "a\u0085b", "\xff", "a\xc3", "\xc0\xaf",
		strings.Repeat("a", 256), strings.Repeat("a", 300), strings.Repeat("ä", 128),
	} {
		what := fmt.Sprintf("%.30q (%d bytes)", handle, len(handle))
		wantKind(t, "put of "+what, b.put(t, uuid.NewString(), handle, []byte("x")), fault.Invalid)
		wantKind(t, "get of "+what, b.getHandle(t, handle), fault.Invalid)
	}
	wantKind(t, "put without a handle", request(t, b.http, http.MethodPut, b.at(uuid.NewString()), []byte("x")), fault.Invalid)
	if all, _ := b.list(t, "prefix", "", "show", "all"); len(all) != 0 {
		t.Errorf("deposits: got %v, want none", all)
	}
}

// TestGoodHandles: whatever is no trap is a name of its own.
func TestGoodHandles(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	good := []string{
		"a", "A", "/", "//", "/a", "a/", "a//b", "a b", " a", "...", "..a", "%2e%2e", "%00", "a?b#c&d=e;f+g", `a\..\b`, "ä", "a\u0308", "鍵/🔑",
		"' OR 1=1 --", strings.Repeat("a", 255), strings.Repeat("/", 255),
	}
	for _, handle := range good {
		b.keep(t, handle, []byte("contents of "+handle))
	}
	for _, handle := range good {
		wantContents(t, fmt.Sprintf("%.40q", handle), b.getHandle(t, handle), []byte("contents of "+handle))
	}
	if all, _ := b.list(t, "prefix", ""); len(all) != len(good) {
		t.Errorf("deposits: got %d, want %d", len(all), len(good))
	}
}

func TestBadUUIDs(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	for _, id := range []string{
		"x", "1", "6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a", "6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a11", "6dd9e5d42b174b1c9d5b29d0d6a6b1a1",
		"{6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1}", "urn:uuid:6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1", "gdd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1",
		"6dd9e5d4_2b17_4b1c_9d5b_29d0d6a6b1a1", "%27%20OR%201=1%20--", strings.Repeat("a", 4000), "6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1%00",
	} {
		what := fmt.Sprintf("%.50q", id)
		wantKind(t, "put of "+what, b.put(t, id, "h", []byte("x")), fault.Invalid)
		wantKind(t, "get of "+what, b.get(t, id), fault.Invalid)
		wantKind(t, "delete of "+what, b.delete(t, id), fault.Invalid)
		wantKind(t, "undelete of "+what, b.undelete(t, id), fault.Invalid)
	}
}

// TestPutBadQueries: what cannot be understood is refused. A not_after that was
// mistyped must not make a deposit that is served for ever.
func TestPutBadQueries(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for _, raw := range []string{
		"handle=h&not-after=" + later, "handle=h&not_after=%zz", "handle=h&not_after=" + later + ";x", "handle=h&not_after=" + later + "&not_after=" + later,
		"handle=h&handle=i", "handle=h&version=7", "handle=h&notafter=" + later,
	} {
		r := request(t, b.http, http.MethodPut, b.at(uuid.NewString())+"?"+raw, []byte("x"))
		wantKind(t, raw, r, fault.Invalid)
	}
	if all, _ := b.list(t, "prefix", "", "show", "all"); len(all) != 0 {
		t.Errorf("deposits: got %v, want none", all)
	}
}
