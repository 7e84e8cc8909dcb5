package confdir_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/confdir"
)

// TestBounds: what LIMITS and AUDIT do not name is the default, and only what is not
// the default is written.
func TestBounds(t *testing.T) {
	t.Parallel()
	c, err := confdir.ParseConf([]byte(`{"LIMITS": {"client_bytes": 2097152, "pending_expiry": "36h", "connections": 0}, "AUDIT": {"heads": false}, "OTHER": {"a": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	limits, audit := bounds.DefaultLimits(), bounds.DefaultAudit()
	limits.ClientBytes, limits.PendingExpiry, audit.Heads = 2<<20, 36*time.Hour, false
	if diff := cmp.Diff(limits, c.LimitsInForce()) + cmp.Diff(audit, c.AuditInForce()); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
	data, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"AUDIT": {"heads": false}, "LIMITS": {"client_bytes": 2097152, "pending_expiry": "36h0m0s"}, "OTHER": {"a": 1}}`
	if got := compact(t, json.RawMessage(data)); got != compact(t, json.RawMessage(want)) {
		t.Errorf("written: got %s, want %s", got, want)
	}

	limits, audit = bounds.DefaultLimits(), bounds.DefaultAudit()
	for what, c := range map[string]confdir.Conf{"nothing": {}, "the defaults": {Limits: &limits, Audit: &audit}} {
		if data, err := c.Marshal(); err != nil || strings.TrimSpace(string(data)) != "{}" {
			t.Errorf("%s: got %s, %v, want {}", what, data, err)
		}
		if c.LimitsInForce() != limits || c.AuditInForce() != audit {
			t.Errorf("%s: got %+v, %+v, want the defaults", what, c.LimitsInForce(), c.AuditInForce())
		}
	}
}

// TestWrongBounds: the error names the key and the value's name, and what it may be.
func TestWrongBounds(t *testing.T) {
	t.Parallel()
	for conf, want := range map[string]string{
		`{"LIMITS": 7}`:                           `LIMITS: it is no object such as {"client_deposits": …}`,
		`{"AUDIT": null}`:                         `AUDIT: it is no object such as {"segment_size": …}`,
		`{"AUDIT": ["x"]}`:                        `AUDIT: it is no object such as {"segment_size": …}`,
		`{"LIMITS": {"client_byte": 5000000}}`:    `LIMITS: "client_byte" is no name that it has`,
		`{"LIMITS": {"client_bytes": 5}}`:         `LIMITS: client_bytes: it must be from 1MiB to 1024TiB`,
		`{"LIMITS": {"client_bytes": "64MiB"}}`:   `LIMITS: client_bytes: it is no whole number`,
		`{"LIMITS": {"client_rate": 1.5}}`:        `LIMITS: client_rate: it is no whole number`,
		`{"LIMITS": {"verifications": 257}}`:      `LIMITS: verifications: it must be from 1 to 256`,
		`{"LIMITS": {"purge_after": "23h"}}`:      `LIMITS: purge_after: it must be from 1d to 3650d`,
		`{"LIMITS": {"pending_expiry": 14}}`:      `LIMITS: pending_expiry: it is no time in quotes, such as "336h"`,
		`{"AUDIT": {"segment_age": "0s"}}`:        `AUDIT: segment_age: it must be from 1h to 3650d`,
		`{"AUDIT": {"segment_age": "a while"}}`:   `AUDIT: segment_age: this is no time such as "14d", "36h" or "90m"`,
		`{"AUDIT": {"heads": "yes"}}`:             `AUDIT: heads: it is neither true nor false`,
		`{"AUDIT": {"low_water": -1}}`:            `AUDIT: low_water: it must be from 0 to 1TiB`,
		`{"LIMITS": {}, "AUDIT": {"reserve": 0}}`: `AUDIT: reserve: it must be from 1MiB to 10GiB`,
	} {
		if _, err := confdir.ParseConf([]byte(conf)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", conf, err, want)
		}
	}
}
