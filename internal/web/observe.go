package web

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// Observer is told of each request. Its methods are called on the way of every
// request, by many at once.
type Observer interface {
	// Begin is called when a request has arrived.
	Begin()

	// End is called after its answer, with the route's name ("" if it is for
	// none), the kind of the error that was the answer ("" if it was none), and
	// how long it took.
	End(route string, outcome fault.Kind, took time.Duration)
}

// unobserved is the Observer of those who want none.
type unobserved struct{}

func (unobserved) Begin()                                {}
func (unobserved) End(string, fault.Kind, time.Duration) {}

// end tells the observer how the exchange ended.
func (x *exchange) end() {
	x.front.Observer.End(x.route.Name, x.outcome, time.Since(x.began))
}

// metrics answers what Prometheus asks for; admit has let in this host alone.
func (f *front) metrics(x *exchange) error {
	if f.Metrics == nil {
		return fault.New(fault.NotFound, "no such resource")
	}
	h := x.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w := &statusWriter{ResponseWriter: x.w}
	f.Metrics.ServeHTTP(w, x.r.WithContext(x.ctx))
	if w.status >= http.StatusInternalServerError {
		x.outcome = fault.Unavailable // the answer has been given
	}
	return nil
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// fromHost says whether the other end of a TCP connection is this host itself: it has
// a loopback address, or the address that it connected to.
func fromHost(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok { // the other end of a Unix socket may give itself any name
		return false
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	peer := remote.Addr().Unmap()
	return peer.IsLoopback() || peer == local.AddrPort().Addr().Unmap()
}
