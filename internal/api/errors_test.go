package api_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
)

// declared returns the kinds that package fault declares, by its source.
func declared(t testing.TB) map[string]fault.Kind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../fault/fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]fault.Kind{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Kind" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds[spec.Names[0].Name] = fault.Kind(text)
		}
		return true
	})
	return kinds
}

// TestStatuses: each kind has its status, and a kind that is new needs a row here.
func TestStatuses(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]int{
		fault.Invalid: 400, fault.Unauthenticated: 401, fault.Denied: 403, fault.Pending: 403, fault.Disabled: 403,
		fault.NotFound: 404, fault.Method: 405, fault.Timeout: 408, fault.Conflict: 409, fault.Gone: 410,
		fault.TooLarge: 413, fault.Limited: 429, fault.Quota: 403, fault.Corrupt: 500, fault.Internal: 500,
		fault.Unavailable: 503, fault.OutcomeUnknown: 503,
	}
	clientsOwn := map[fault.Kind]bool{fault.Untrusted: true} // never sent
	kinds := declared(t)
	if len(kinds) != len(want)+len(clientsOwn) {
		t.Errorf("package fault declares %d kinds, and this test knows %d", len(kinds), len(want)+len(clientsOwn))
	}
	if got := api.Kinds(); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Errorf("kinds that are answered: got %v, want those with a status", got)
	}
	texts := map[fault.Kind]string{}
	for name, kind := range kinds {
		if other, twice := texts[kind]; twice {
			t.Errorf("%s and %s are both %q", name, other, kind)
		}
		texts[kind] = name
		status, sent := want[kind]
		if !sent && !clientsOwn[kind] {
			t.Errorf("%s has no status", name)
		}
		if sent && api.Status(kind) != status {
			t.Errorf("%s: got status %d, want %d", name, api.Status(kind), status)
		}
		body, err := json.Marshal(api.Error{Error: api.ErrorDetail{Kind: kind, Message: "what happened: 100%", Hint: "what to do: %s", RequestID: "c0ffee"}})
		if err != nil {
			t.Fatal(err)
		}
		f := api.ReadError(api.Status(kind), body)
		if sent && (!errors.Is(f, kind) || f.Message != "what happened: 100%" || f.Hint != "what to do: %s") {
			t.Errorf("%s: got %+v on the other end", name, f)
		}
		if !sent && errors.Is(f, kind) {
			t.Errorf("%s is a client's own, and a server can make it believe it", name)
		}
		if f := api.ReadError(418, body); !errors.Is(f, fault.Internal) {
			t.Errorf("%s with another status: got %q, want %q", name, f.Kind, fault.Internal)
		}
	}
	if got := api.Status("unheard of"); got != 500 {
		t.Errorf("a kind that nobody knows: got status %d, want 500", got)
	}
}

// TestForeignErrors: an answer that is not ours does not pass for one.
func TestForeignErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		body   string
		want   fault.Kind
	}{
		{404, "<html>404 Not Found</html>", fault.Internal},
		{404, `{"error": "not found"}`, fault.Internal},
		{404, `{"error": {"kind": "gone", "message": "m"}}`, fault.Internal},
		{200, `{"error": {"kind": "", "message": "m"}}`, fault.Internal},
		{0, `{}`, fault.Internal},
		{0, `{"error": {"kind": "untrusted", "message": "m"}}`, fault.Internal},
		{502, "", fault.Unavailable}, {503, "<html>", fault.Unavailable}, {504, "null", fault.Unavailable}, {500, "", fault.Internal},
		{404, `{"error": {"kind": "not_found", "message": "m"}}`, fault.NotFound},
	}
	for _, test := range tests {
		f := api.ReadError(test.status, []byte(test.body))
		if !errors.Is(f, test.want) || f.Message == "" {
			t.Errorf("%d %s: got %q, %q, want %q", test.status, test.body, f.Kind, f.Message, test.want)
		}
	}
}

func FuzzReadError(f *testing.F) {
	f.Add(404, []byte(`{"error": {"kind": "not_found", "message": "m", "hint": "h", "request_id": "r"}}`))
	f.Add(503, []byte("<html>"))
	f.Add(0, []byte(`{"error": {"kind": "untrusted"}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := api.ReadError(status, body)
		if got == nil || got.Err != nil || errors.Is(got, fault.Untrusted) {
			t.Fatalf("got %+v", got)
		}
		if s := api.Status(got.Kind); s != status && !errors.Is(got, fault.Internal) && !errors.Is(got, fault.Unavailable) {
			t.Errorf("status %d gave kind %q, whose status is %d", status, got.Kind, s)
		}
	})
}
