package names_test

import (
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ktsd/ktsd/internal/names"
)

// FuzzCheckHandle makes sure that an accepted handle comes through a query as it
// is, is one line, and leads out of no folder.
func FuzzCheckHandle(f *testing.F) {
	for _, seed := range []string{"luks/sda2", "a//b", "a b?&=#%", "..", "a/../b", "...", "ä", "\xff", "a\x00", "a\u0085b", "\u2028", strings.Repeat("a", 256)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, handle string) {
		if names.CheckHandle(handle) != nil {
			return
		}
		if handle == "" || len(handle) > names.MaxHandle || !utf8.ValidString(handle) || strings.ContainsFunc(handle, unicode.IsControl) {
			t.Errorf("%q is accepted", handle)
		}
		if !strings.HasPrefix(path.Join("/folder", handle), "/folder/") && strings.Trim(handle, "/") != "" {
			t.Errorf("%q leads out of its folder", handle)
		}
		query, err := url.ParseQuery(url.Values{"handle": {handle}}.Encode())
		if err != nil || query.Get("handle") != handle {
			t.Errorf("%q comes out of a query as %q (%v)", handle, query.Get("handle"), err)
		}
	})
}

// FuzzCheckNames: what is accepted as one of the other names holds nothing that a
// path, a log or a terminal takes for something else.
func FuzzCheckNames(f *testing.F) {
	for _, seed := range []string{"disaster-recov", "kts01.example.com", "a host", "a\u202eb", "a\x1b[2J", "..", "a/b", "\xff", "é", strings.Repeat("a", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		odd := strings.ContainsAny(name, "\x00\r\n\x1b\u202e") || !utf8.ValidString(name)
		for what, accepted := range map[string]bool{
			"a client": names.CheckClient(name) == nil, "a code": names.CheckAuthCode(names.Secret(name)) == nil, "a reason": names.CheckReason(name) == nil,
		} {
			if accepted && odd {
				t.Errorf("%q is accepted as the name of %s", name, what)
			}
		}
		if names.CheckOrganization(name) == nil && (name == "" || len(name) > names.MaxOrganization || strings.Trim(name, "-_") != "" && url.PathEscape(name) != name) {
			t.Errorf("%q is accepted as an organization", name)
		}
		if names.CheckHostname(name) == nil && (len(name) > names.MaxHostname || url.PathEscape(name) != name) {
			t.Errorf("%q is accepted as a host", name)
		}
	})
}
