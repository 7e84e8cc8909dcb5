package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/ktsd/ktsd/internal/fault"
)

// Error is the body of every answer that is not a success:
//
//	{"error": {"kind": "not_found", "message": "…", "hint": "…", "request_id": "…"}}
type Error struct {
	Error ErrorDetail `json:"error"`
}

// ErrorDetail is what an Error says.
type ErrorDetail struct {
	Kind      fault.Kind `json:"kind"`
	Message   string     `json:"message"`
	Hint      string     `json:"hint,omitempty"`
	RequestID string     `json:"request_id,omitempty"`
}

// statuses is the one table of error kinds and HTTP statuses (RFC 9110, 15).
var statuses = map[fault.Kind]int{
	fault.Invalid:         http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Denied:          http.StatusForbidden,
	fault.Pending:         http.StatusForbidden,
	fault.Disabled:        http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Method:          http.StatusMethodNotAllowed,
	fault.Timeout:         http.StatusRequestTimeout,
	fault.Conflict:        http.StatusConflict,
	fault.Gone:            http.StatusGone,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.Limited:         http.StatusTooManyRequests,
	fault.Quota:           http.StatusForbidden, // not 429: to ask again does not help
	fault.Corrupt:         http.StatusInternalServerError,
	fault.Internal:        http.StatusInternalServerError,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.OutcomeUnknown:  http.StatusServiceUnavailable,
}

// Status returns the HTTP status of a kind; 500 for one it does not know.
func Status(k fault.Kind) int {
	if s, ok := statuses[k]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Kinds returns the kinds of error that can be answered, in the order of their
// names.
func Kinds() []fault.Kind { return slices.Sorted(maps.Keys(statuses)) }

// ReadError returns the fault that an answer with an error status carries. A body
// that is not an Error, such as a proxy's page, gives Unavailable for 502 to 504
// and Internal for the rest.
func ReadError(status int, body []byte) *fault.Error {
	var e Error
	if err := json.Unmarshal(body, &e); err == nil {
		if want, known := statuses[e.Error.Kind]; known && want == status {
			f := fault.New(e.Error.Kind, "%s", e.Error.Message)
			f.Hint = e.Error.Hint
			return f
		}
	}
	kind := fault.Internal
	if status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout {
		kind = fault.Unavailable
	}
	return fault.New(kind, "the server answered %d %s without saying why", status, http.StatusText(status)).
		WithHint("is this a Key Trustee server, and no proxy in between?")
}
