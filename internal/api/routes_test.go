package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/api"
)

// TestRoutes: each route has a name of its own, a pattern that ServeMux takes
// beside all others, and bounds; a body is read where its method has one.
func TestRoutes(t *testing.T) {
	t.Parallel()
	names, muxes := map[string]bool{}, map[bool]*http.ServeMux{true: http.NewServeMux(), false: http.NewServeMux()}
	for _, r := range api.Routes() {
		if r.Name == "" || names[r.Name] {
			t.Errorf("%s %s: the name %q is empty or another route's too", r.Method, r.Path, r.Name)
		}
		names[r.Name] = true
		for socket, mux := range muxes {
			if r.Who == api.ByHost || r.Who == api.ByAll || socket == (r.Who == api.ByOperator) {
				mux.HandleFunc(r.Method+" "+r.Path, func(http.ResponseWriter, *http.Request) {}) // panics for two that conflict
			}
		}
		if r.Timeout < time.Second || r.Timeout > time.Minute {
			t.Errorf("%s: got timeout %s, want 1 s to 1 min", r.Name, r.Timeout)
		}
		if r.MaxBody < 0 || r.MaxBody > 1<<20 {
			t.Errorf("%s: got a body of %d bytes, want at most 1 MiB", r.Name, r.MaxBody)
		}
		if r.MaxBody > 0 && (r.Method == http.MethodGet || r.Method == http.MethodDelete) {
			t.Errorf("%s: a %s has no body", r.Name, r.Method)
		}
		if r.Method == http.MethodPut && r.MaxBody == 0 {
			t.Errorf("%s: a PUT has a body", r.Name)
		}
		if r.Who == api.ByAnyone && r.MaxBody > api.MaxRegistration {
			t.Errorf("%s: a stranger may send %d bytes, want at most %d", r.Name, r.MaxBody, api.MaxRegistration)
		}
		if r.Who != api.ByAnyone && r.Who != api.ByHost && !strings.HasPrefix(r.Path, "/v1/") {
			t.Errorf("%s: %s is not below /v1/", r.Name, r.Path)
		}
	}
}

// TestHandlers: web has a handler for each route, and none besides.
func TestHandlers(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../web/web.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	handlers := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		f, ok := n.(*ast.FuncDecl)
		if !ok || f.Name.Name != "handlers" {
			return true
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if pair, ok := n.(*ast.KeyValueExpr); ok {
				if name, err := strconv.Unquote(pair.Key.(*ast.BasicLit).Value); err == nil {
					handlers[name] = true
				}
			}
			return true
		})
		return false
	})
	if len(handlers) == 0 {
		t.Fatal("web.go has no map of handlers any more")
	}
	for _, r := range api.Routes() {
		if !handlers[r.Name] {
			t.Errorf("route %s has no handler", r.Name)
		}
		delete(handlers, r.Name)
	}
	for name := range handlers {
		t.Errorf("handler %s has no route", name)
	}
}
