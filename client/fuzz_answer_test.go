package client_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/api"
)

// FuzzAnswer: whatever a server answers with a deposit's bytes is a description of
// the handle that was asked for, or an error.
func FuzzAnswer(f *testing.F) {
	f.Add("6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1", "1", "2026-01-02T03:04:05.123456Z", "2027-01-31T12:00:00Z")
	f.Add("", "", "", "")
	f.Add("x", "9223372036854775808", "today", "never")
	f.Fuzz(func(t *testing.T, uuid, version, created, notAfter string) {
		h := http.Header{}
		h.Set(api.HeaderUUID, uuid)
		h.Set(api.HeaderHandle, "another")
		h.Set(api.HeaderVersion, version)
		h.Set(api.HeaderCreated, created)
		h.Set(api.HeaderNotAfter, notAfter)
		d, err := client.DescribeAnswer(h, "h")
		if err != nil {
			return
		}
		number, bad := strconv.ParseInt(version, 10, 64)
		if bad != nil || d.Version != number || d.Handle != "h" || d.UUID != uuid || (d.NotAfter != nil) != (notAfter != "") {
			t.Errorf("got %+v", d)
		}
		if at, err := time.Parse(time.RFC3339, created); err != nil || !at.Equal(d.Created) {
			t.Errorf("created: got %s of %q", d.Created, created)
		}
	})
}
