// Package web is the HTTP front of the domain: it finds out who calls, bounds
// what a request may cost, decodes, calls escrow.Service, and encodes. It
// decides nothing about who may do what to which deposit.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// Config is what the handlers are made of.
type Config struct {
	Service     *escrow.Service
	Fingerprint string                  // the server's, qualified: 4096R/…
	PublicKey   string                  // the server's, armored
	Statement   func() (string, error)  // over the TLS key in use, signed in the clear; nil: there is none
	Server      func() api.Server       // what the process runs with now
	Status      func() api.ServerStatus // how it does
	Reload      func() error            // nil, or why it goes on as before
	Check       func() error            // nil, or why a reload with keytrustee.conf.next would go on as before
	Log         *slog.Logger

	Metrics  http.Handler // what GET /metrics answers; nil: there is no such route
	Observer Observer     // nil: nobody looks on
	Memory   *Memory      // nil: one of the default sizes
}

// front is the handlers of both listeners.
type front struct {
	Config
	document func() []byte // of the API
}

// New returns the handler for the TLS listener and the one for the admin socket.
// A connection of the latter must carry what PeerContext adds.
func New(config Config) (public, admin http.Handler) {
	if config.Observer == nil {
		config.Observer = unobserved{}
	}
	if config.Memory == nil {
		config.Memory = NewMemory()
	}
	f := &front{Config: config, document: sync.OnceValue(api.OpenAPI)}
	return f.mux(publicCaller, api.ByAnyone, api.ByClient, api.ByHost, api.ByAll), f.mux(adminCaller, api.ByOperator, api.ByHost, api.ByAll)
}

// handle answers one request. An error it returns becomes the answer.
type handle func(x *exchange) error

func (f *front) handlers() map[string]handle {
	return map[string]handle{
		"root": f.root, "health": f.health, "ready": f.ready, "metrics": f.metrics, "register": f.register, "openapi": f.openapi,
		"self": f.self, "put": f.put, "get": f.get, "find": f.find, "delete": f.delete, "undelete": f.undelete, "purge": f.purge,
		"certificates": f.certificates, "addCertificate": f.addCertificate, "retireCertificate": f.retireCertificate,
		"server": f.server, "status": f.status, "reload": f.reload, "check": f.check,
		"organizations": f.organizations, "createOrganization": f.createOrganization, "addContacts": f.addContacts,
		"removeContact": f.removeContact, "setAdmission": f.setAdmission,
		"setExpiration": f.setExpiration, "setManagement": f.setManagement, "usage": f.usage, "removeOrganization": f.removeOrganization,
		"clients": f.clients, "enableClient": f.enableClient, "disableClient": f.disableClient,
		"clientCertificates": f.clientCertificates, "revokeCertificate": f.revokeCertificate, "purgeNow": f.purgeNow,
	}
}

// mux serves the routes for the callers named; there are no others.
func (f *front) mux(who callerOf, callers ...api.Who) http.Handler {
	mux := http.NewServeMux()
	handlers := f.handlers()
	methods := map[string]bool{http.MethodHead: true} // ServeMux takes it where it takes GET
	for _, route := range api.Routes() {
		if handlers[route.Name] == nil {
			panic("no handler for route " + route.Name)
		}
		for _, caller := range callers {
			if route.Who == caller {
				mux.Handle(route.Method+" "+route.Path, f.serve(route, who, handlers[route.Name]))
				methods[route.Method] = true
			}
		}
	}
	mux.Handle("/", f.noRoute(mux, methods, who))
	return f.clean(mux, who)
}

// clean answers for a path that is not clean, which ServeMux would redirect to
// another deposit. A request in chunks may have named a length too, which net/http
// does not tell: after the answer its connection is closed (RFC 9112, 6.1), so what
// follows is nobody's request.
func (f *front) clean(next http.Handler, who callerOf) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 { // HTTP/1.1 alone has it
			w.Header().Set("Connection", "close")
		}
		if r.URL.Path == "" || path.Clean(r.URL.Path) != r.URL.Path {
			f.refuse(w, r, who, fault.New(fault.NotFound, "no such resource"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// noRoute answers in our form what ServeMux would answer in its own: a path that
// is not there, and one with other methods.
func (f *front) noRoute(mux *http.ServeMux, methods map[string]bool, who callerOf) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := fault.New(fault.NotFound, "no such resource")
		var allowed []string
		for method := range methods {
			other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, pattern := mux.Handler(other); pattern != "/" && pattern != "" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) > 0 {
			slices.Sort(allowed)
			w.Header().Set("Allow", strings.Join(allowed, ", ")) // RFC 9110, 15.5.6
			err = fault.New(fault.Method, "%.20s is not among the methods of this resource", r.Method)
		}
		f.refuse(w, r, who, err)
	})
}

// refuse answers a request that is for no route.
func (f *front) refuse(w http.ResponseWriter, r *http.Request, who callerOf, err error) {
	x := f.newExchange(w, r, api.Route{Timeout: 10 * time.Second}, who)
	x.boundBody()
	defer x.end()
	x.fail(err)
}

// serve runs one handler within its route's bounds.
func (f *front) serve(route api.Route, who callerOf, h handle) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*route.Timeout)
		defer cancel()
		x := f.newExchange(w, r, route, who)
		x.ctx = ctx
		x.boundBody()
		defer x.end()
		defer x.release()
		defer x.recovered()
		err := x.admit()
		if err == nil {
			err = h(x)
		}
		if err != nil {
			x.fail(err)
		}
	})
}

// recovered answers a request whose handler panicked, and puts the panic into the
// log; the other requests go on.
func (x *exchange) recovered() {
	if p := recover(); p != nil {
		x.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
}

// faultOf returns the fault that err is or wraps; for what has no kind, one that
// tells the caller nothing.
func faultOf(err error) *fault.Error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fault.New(fault.Unavailable, "the server could not answer in time").WithHint("try again in a moment")
	}
	return fault.New(fault.Internal, "an error of the server's; its log tells more")
}
