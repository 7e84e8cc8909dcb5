package metrics_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/metrics"
	"github.com/ktsd/ktsd/internal/web"
)

var _ web.Observer = (*metrics.Metrics)(nil)

// started is when the ktsd of these tests did.
var started = time.Date(2026, 11, 1, 12, 0, 0, 500_000_000, time.UTC)

// newMetrics makes metrics of a ktsd whose health is h.
func newMetrics(h *escrow.Health) *metrics.Metrics {
	return metrics.New(metrics.Config{
		Version: "v1", Engine: "sqlite", Started: started, Log: slog.New(slog.DiscardHandler),
		Certificate: func() time.Time { return started.Add(24 * time.Hour) },
		Health:      func() escrow.Health { return *h },
	})
}

// scrape returns the samples of ktsd, by their names and labels, and the types of
// all metrics by their names.
func scrape(t *testing.T, m *metrics.Metrics) (samples, types map[string]string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("got %d, %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	samples, types = map[string]string{}, map[string]string{}
	for line := range strings.Lines(w.Body.String()) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			types[name] = kind
		} else if strings.HasPrefix(line, "ktsd_") {
			at := strings.LastIndex(line, " ")
			samples[line[:at]] = line[at+1:]
		}
	}
	return samples, types
}

// changed is what samples tell that they did not tell before.
func changed(before, after map[string]string) map[string]string {
	differs := map[string]string{}
	for name, value := range after {
		if before[name] != value {
			differs[name] = value
		}
	}
	return differs
}

// TestTypes: the names and types, which dashboards go by.
func TestTypes(t *testing.T) {
	t.Parallel()
	_, types := scrape(t, newMetrics(&escrow.Health{}))
	want := map[string]string{
		"ktsd_requests_total": "counter", "ktsd_request_duration_seconds": "histogram", "ktsd_requests_in_flight": "gauge",
		"ktsd_group_size": "histogram", "ktsd_group_duration_seconds": "histogram", "ktsd_group_errors_total": "counter",
		"ktsd_changes_total": "counter", "ktsd_changes_waiting": "gauge", "ktsd_store_up": "gauge", "ktsd_audit_up": "gauge",
		"ktsd_audit_unchained_records": "gauge", "ktsd_audit_unsynced_records": "gauge", "ktsd_audit_unsynced_seconds": "gauge",
		"ktsd_audit_pending_rows": "gauge", "ktsd_audit_summarized_refusals_total": "counter",
		"ktsd_audit_free_bytes": "gauge", "ktsd_audit_mark_bytes": "gauge", "ktsd_audit_reserve_bytes": "gauge", "ktsd_audit_low_water": "gauge",
		"ktsd_certificate_expiry_timestamp_seconds": "gauge", "ktsd_build_info": "gauge", "ktsd_start_time_seconds": "gauge",
	}
	for _, foreign := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "process_cpu_seconds_total", "process_open_fds"} {
		if types[foreign] == "" {
			t.Errorf("there is no %s", foreign)
		}
	}
	for name := range types {
		if !strings.HasPrefix(name, "ktsd_") {
			delete(types, name)
		}
	}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestRequests: each route and outcome has a counter of its own from the start,
// and what is unknown is counted where it cannot add a series.
func TestRequests(t *testing.T) {
	t.Parallel()
	m := newMetrics(&escrow.Health{})
	before, _ := scrape(t, m)
	names := []string{"none"}
	for _, r := range api.Routes() {
		names = append(names, r.Name)
	}
	for _, name := range names {
		for _, outcome := range append([]fault.Kind{"ok"}, api.Kinds()...) {
			if key := fmt.Sprintf(`ktsd_requests_total{outcome="%s",route="%s"}`, outcome, name); before[key] != "0" {
				t.Errorf("%s: got %q at the start, want 0", key, before[key])
			}
		}
	}
	for range 4 {
		m.Begin()
	}
	m.End("get", "", 3*time.Millisecond)
	m.End("get", fault.NotFound, 200*time.Millisecond)
	m.End("", fault.NotFound, time.Second)
	after, _ := scrape(t, m)
	want := map[string]string{
		`ktsd_requests_in_flight`:                                       "1",
		`ktsd_requests_total{outcome="ok",route="get"}`:                 "1",
		`ktsd_requests_total{outcome="not_found",route="get"}`:          "1",
		`ktsd_requests_total{outcome="not_found",route="none"}`:         "1",
		`ktsd_request_duration_seconds_count{route="get"}`:              "2",
		`ktsd_request_duration_seconds_count{route="none"}`:             "1",
		`ktsd_request_duration_seconds_sum{route="get"}`:                "0.203",
		`ktsd_request_duration_seconds_sum{route="none"}`:               "1",
		`ktsd_request_duration_seconds_bucket{route="get",le="0.0025"}`: "0", `ktsd_request_duration_seconds_bucket{route="get",le="0.005"}`: "1",
		`ktsd_request_duration_seconds_bucket{route="get",le="0.1"}`: "1", `ktsd_request_duration_seconds_bucket{route="get",le="0.25"}`: "2",
		`ktsd_request_duration_seconds_bucket{route="none",le="0.5"}`: "0", `ktsd_request_duration_seconds_bucket{route="none",le="1"}`: "1",
	}
	got := map[string]string{}
	for key := range want {
		got[key] = after[key]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	m.End("handle luks/sda2", "a kind nobody knows", 0)
	again, _ := scrape(t, m)
	if got, want := again[`ktsd_requests_total{outcome="internal",route="none"}`], "1"; got != want {
		t.Errorf("unknown route and outcome: got %q, want %q", got, want)
	}
	if len(again) != len(before) {
		t.Errorf("series: got %d, want %d as at the start", len(again), len(before))
	}
}

// TestChanges: groups by size and time, changes by result.
func TestChanges(t *testing.T) {
	t.Parallel()
	m := newMetrics(&escrow.Health{})
	before, _ := scrape(t, m)
	m.Group(3, 4*time.Millisecond, nil)
	m.Group(64, time.Second, errors.New("lost"))
	m.Change(nil)
	m.Change(fmt.Errorf("wrapped: %w", fault.New(fault.Conflict, "x")))
	m.Change(errors.New("without a kind"))
	after, _ := scrape(t, m)
	got := changed(before, after)
	for key := range got {
		if strings.Contains(key, "duration_seconds_bucket") {
			delete(got, key)
		}
	}
	want := map[string]string{
		`ktsd_changes_total{result="ok"}`: "1", `ktsd_changes_total{result="conflict"}`: "1", `ktsd_changes_total{result="internal"}`: "1",
		`ktsd_group_errors_total`: "1", `ktsd_group_duration_seconds_count`: "2", `ktsd_group_duration_seconds_sum`: "1.004",
		`ktsd_group_size_count`: "2", `ktsd_group_size_sum`: "67", `ktsd_group_size_bucket{le="4"}`: "1", `ktsd_group_size_bucket{le="8"}`: "1",
		`ktsd_group_size_bucket{le="16"}`: "1", `ktsd_group_size_bucket{le="32"}`: "1", `ktsd_group_size_bucket{le="64"}`: "2", `ktsd_group_size_bucket{le="+Inf"}`: "2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestState: what is asked at each scrape.
func TestState(t *testing.T) {
	t.Parallel()
	h := &escrow.Health{}
	m := newMetrics(h)
	first, _ := scrape(t, m)
	for key, want := range map[string]string{
		"ktsd_store_up": "1", "ktsd_audit_up": "1", "ktsd_audit_unsynced_seconds": "0",
		"ktsd_start_time_seconds": "1.7935344005e+09", "ktsd_certificate_expiry_timestamp_seconds": "1.7936208005e+09",
	} {
		if first[key] != want {
			t.Errorf("%s: got %s, want %s", key, first[key], want)
		}
	}
	build := slices.DeleteFunc(slices.Collect(maps.Keys(first)), func(key string) bool { return !strings.HasPrefix(key, "ktsd_build_info") })
	if len(build) != 1 || !regexp.MustCompile(`^ktsd_build_info\{engine="sqlite",go_version="go[^"]+",version="v1"\}$`).MatchString(build[0]) {
		t.Errorf("build: got %q", build)
	}

	*h = escrow.Health{
		Store: errors.New("full"), Audit: errors.New("full"), Queued: 5, Summarized: 6,
		Backlog: escrow.Backlog{Unchained: 2, Unsynced: 3, Rows: 4, Since: time.Now().Add(-time.Hour)},
		Space:   escrow.Space{Free: 7, Mark: 8, Reserve: 9, Low: true},
	}
	second, _ := scrape(t, m)
	got := changed(first, second)
	if age := got["ktsd_audit_unsynced_seconds"]; !regexp.MustCompile(`^3[67]\d\d\.`).MatchString(age) {
		t.Errorf("unsynced since an hour: got %s s", age)
	}
	delete(got, "ktsd_audit_unsynced_seconds")
	want := map[string]string{
		"ktsd_store_up": "0", "ktsd_audit_up": "0", "ktsd_changes_waiting": "5", "ktsd_audit_summarized_refusals_total": "6",
		"ktsd_audit_free_bytes": "7", "ktsd_audit_mark_bytes": "8", "ktsd_audit_reserve_bytes": "9", "ktsd_audit_low_water": "1",
		"ktsd_audit_unchained_records": "2", "ktsd_audit_unsynced_records": "3", "ktsd_audit_pending_rows": "4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestNothingIsAllocated: the way of every request has no room for garbage.
func TestNothingIsAllocated(t *testing.T) {
	m := newMetrics(&escrow.Health{})
	n := testing.AllocsPerRun(1000, func() {
		m.Begin()
		m.End("get", "", 50*time.Microsecond)
		m.End("find", fault.NotFound, 50*time.Microsecond)
		m.Group(1, time.Millisecond, nil)
		m.Change(nil)
	})
	if n != 0 {
		t.Errorf("got %v allocations a request, want none", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	m := newMetrics(&escrow.Health{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			began := time.Now()
			m.Begin()
			m.End("get", "", time.Since(began))
		}
	})
}
