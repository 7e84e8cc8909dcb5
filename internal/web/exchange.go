package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// exchange is one request and its answer.
type exchange struct {
	front    *front
	route    api.Route
	w        http.ResponseWriter
	r        *http.Request
	ctx      context.Context
	caller   escrow.Caller
	releases []func() // of memory
	began    time.Time
	outcome  fault.Kind // of the error that was answered; "" for none
}

func (f *front) newExchange(w http.ResponseWriter, r *http.Request, route api.Route, who callerOf) *exchange {
	var id [8]byte
	rand.Read(id[:])
	x := &exchange{front: f, route: route, w: w, r: r, ctx: r.Context(), began: time.Now()}
	f.Observer.Begin()
	x.caller = who(r)
	x.caller.RequestID = hex.EncodeToString(id[:])
	w.Header().Set(api.HeaderRequestID, x.caller.RequestID)
	return x
}

// admit refuses before anything is read what cannot be served: an operator's or
// this host's route to anybody else, no certificate where one is needed, a body that says it
// is too large, too many bodies at once.
func (x *exchange) admit() error {
	if x.route.Who == api.ByOperator && !x.caller.Operator {
		return x.front.Service.Permit(x.caller, "operator."+x.route.Name) // refused, and audited
	}
	if x.route.Who == api.ByOperator {
		if err := x.takeReason(); err != nil {
			return err
		}
	}
	if x.route.Who == api.ByHost {
		x.caller.Host = fromHost(x.r)
		return x.front.Service.PermitHost(x.caller, "host."+x.route.Name)
	}
	if x.route.Who == api.ByClient && x.caller.Certificate == (escrow.KeyHash{}) {
		return fault.New(fault.Unauthenticated, "the connection has no client certificate").
			WithHint("use the one that was registered: curl --cert client-cert.pem --key client-key.pem")
	}
	if x.route.MaxBody == 0 {
		return nil
	}
	if x.r.ContentLength > x.route.MaxBody {
		return x.tooLarge()
	}
	want := x.r.ContentLength
	if want < 0 {
		want = x.route.MaxBody
	}
	if want <= small || x.route.Who == api.ByOperator {
		return nil
	}
	return x.reserve(want)
}

// reserve takes the memory of a large body, which is had only by a client that is
// served, or out of a small part that is for strangers.
func (x *exchange) reserve(n int64) error {
	from := x.front.Memory.strangers
	if x.route.Who == api.ByClient {
		if err := x.front.Service.Admit(x.ctx, x.caller); err != nil {
			return err
		}
		from = x.front.Memory.bodies
	}
	if !from.await(x.ctx, x.caller.Certificate, n) {
		return fault.New(fault.Unavailable, "the server holds as many large bodies as it can").WithHint("try again in a moment")
	}
	x.releases = append(x.releases, func() { from.give(x.caller.Certificate, n) })
	return nil
}

// reserveAnswer takes the memory of a large answer, which a client may be slow to
// read.
func (x *exchange) reserveAnswer(n int64) error {
	if n <= small {
		return nil
	}
	if !x.front.Memory.answers.take(x.caller.Certificate, n) {
		return fault.New(fault.Unavailable, "too many large answers are on their way").WithHint("read those, then try again")
	}
	x.releases = append(x.releases, func() { x.front.Memory.answers.give(x.caller.Certificate, n) })
	return nil
}

func (x *exchange) release() {
	for _, release := range x.releases {
		release()
	}
}

func (x *exchange) tooLarge() error {
	return fault.New(fault.TooLarge, "the body has more than %d bytes", x.route.MaxBody)
}

// boundBody has a body arrive in the route's time also where nobody reads it: over
// HTTP/1.1 net/http waits for the rest of it before it sends a refusal.
func (x *exchange) boundBody() {
	if x.r.ContentLength != 0 {
		_ = http.NewResponseController(x.w).SetReadDeadline(x.began.Add(x.route.Timeout))
	}
}

// body reads the body within the route's bounds of size and time.
func (x *exchange) body() ([]byte, error) {
	deadline := time.Now().Add(x.route.Timeout)
	if err := http.NewResponseController(x.w).SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if x.r.ContentLength > 0 {
		buf.Grow(int(x.r.ContentLength) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(x.w, x.r.Body, x.route.MaxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, x.tooLarge()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fault.New(fault.Timeout, "the body did not arrive within %s", x.route.Timeout)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "the body ended before its length")
	}
	return buf.Bytes(), nil
}

// decode reads the body as JSON into v: one value, no unknown fields.
func (x *exchange) decode(v any) error {
	data, err := x.body()
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return badJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "the body goes on after its JSON value")
	}
	return nil
}

// badJSON tells what is wrong with a body without showing any of its values.
func badJSON(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if t.Field == "" {
			return fault.New(fault.Invalid, "the body has the JSON type %s, where an object is expected", t.Value)
		}
		return fault.New(fault.Invalid, "field %q of the body has the wrong JSON type, %s", t.Field, t.Value)
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fault.New(fault.Invalid, "the body is not JSON from byte %d on", s.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.New(fault.Invalid, "the body is no whole JSON value")
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		return fault.New(fault.Invalid, "a time in the body is not one like 2027-01-31T12:00:00Z (RFC 3339)")
	}
	return fault.New(fault.Invalid, "the body is not the JSON of this request: %v", err)
}

// query returns the parameters of the query. One that is malformed, repeated or
// not among names is refused: a mistyped not_after must not be passed over.
func (x *exchange) query(names ...string) (url.Values, error) {
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the query cannot be understood").WithHint("percent-encode names and values")
	}
	for name, given := range values {
		if !slices.Contains(names, name) {
			return nil, fault.New(fault.Invalid, "the query has a parameter %.40q, which is not used here", name).
				WithHint("it may have: %s", strings.Join(names, ", "))
		}
		if len(given) > 1 {
			return nil, fault.New(fault.Invalid, "the query has the parameter %s more than once", name)
		}
	}
	return values, nil
}

// answer writes v as JSON.
func (x *exchange) answer(status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if x.route.Who == api.ByClient { // a page of a list; what the operator reads is not bounded
		if err := x.reserveAnswer(int64(len(data))); err != nil {
			return err
		}
	}
	x.send(status, "application/json", append(data, '\n'))
	return nil
}

// text writes plain text.
func (x *exchange) text(status int, text string) error {
	x.send(status, "text/plain; charset=utf-8", []byte(text+"\n"))
	return nil
}

func (x *exchange) send(status int, contentType string, body []byte) {
	h := x.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	x.w.WriteHeader(status)
	x.w.Write(body)
}

// retryAfter is what an answer that asks to try again later names, where the error
// does not say when.
const retryAfter = 3 * time.Second

// fail answers with an error; what is ours is told in full in the log only.
func (x *exchange) fail(err error) {
	f := faultOf(err)
	x.outcome = f.Kind
	status := api.Status(f.Kind)
	retry := f.Retry
	if retry <= 0 && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) {
		retry = retryAfter
	}
	if retry > 0 {
		x.w.Header().Set("Retry-After", strconv.FormatInt(seconds(retry), 10)) // RFC 9110, 10.2.3
	}
	level := slog.LevelDebug
	switch {
	case status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case status >= 500:
		level = slog.LevelError
	}
	x.front.Log.Log(x.ctx, level, "request refused", "route", x.route.Name, "status", status, "kind", f.Kind,
		"source", x.caller.Source, "request_id", x.caller.RequestID, "error", err)
	_ = x.answer(status, api.Error{Error: api.ErrorDetail{
		Kind: f.Kind, Message: f.Message, Hint: f.Hint, RequestID: x.caller.RequestID,
	}})
}

// seconds rounds up: who waits that long does not come too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
