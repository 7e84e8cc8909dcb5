package hcl_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/site"
)

// TestBounds: each value is taken in each form that it may have, the rest has its
// default, and the file's own words are kept.
func TestBounds(t *testing.T) {
	got := parse(t, `
limits {
  client_deposits = 5
  client_bytes    = 1048576
  client_rate     = 1e3
  organization_bytes = "5GB"
  pending_expiry  = "336h"
  purge_after     = "30d"
  connections     = null
  bodies          = ("2 MiB")
}
audit {
  segment_age = "90m"
  low_water   = 0
  heads       = false
}
`).Site()
	limits, audit := bounds.DefaultLimits(), bounds.DefaultAudit()
	limits.ClientDeposits, limits.ClientBytes, limits.ClientRate, limits.OrganizationBytes = 5, 1<<20, 1000, 5_000_000_000
	limits.PendingExpiry, limits.PurgeAfter, limits.Bodies = 14*24*time.Hour, 30*24*time.Hour, 2<<20
	audit.SegmentAge, audit.LowWater, audit.Heads = 90*time.Minute, 0, false
	want := site.Site{
		Limits: &site.Limits{Limits: limits, Written: site.Words{
			"client_deposits": "5", "client_bytes": "1048576", "client_rate": "1000", "organization_bytes": "5GB",
			"pending_expiry": "336h", "purge_after": "30d", "bodies": "2 MiB",
		}},
		Audit: &site.Audit{Audit: audit, Written: site.Words{"segment_age": "90m", "low_water": "0", "heads": "false"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("site (-want +got):\n%s", diff)
	}

	defaults := parse(t, "limits {}\naudit {}\n").Site()
	if l, a := defaults.Limits, defaults.Audit; l == nil || a == nil || l.Limits != bounds.DefaultLimits() || a.Audit != bounds.DefaultAudit() {
		t.Errorf("empty blocks: got %+v and %+v, want the defaults", l, a)
	}
}
