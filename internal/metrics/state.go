package metrics

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// state tells, at each scrape, what is so at that moment: one look at the health
// of the service gives all of it.
type state struct {
	config Config

	build, started, certificate                    *prometheus.Desc
	storeUp, auditUp, waiting                      *prometheus.Desc
	unchained, unsynced, unsyncedAge, rows, summed *prometheus.Desc
	auditFree, auditMark, auditReserve, auditLow   *prometheus.Desc
}

func newState(config Config) *state {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &state{
		config: config,
		build: prometheus.NewDesc("ktsd_build_info", "Always 1; its labels tell what runs.", nil,
			prometheus.Labels{"version": config.Version, "go_version": runtime.Version(), "engine": config.Engine}),
		started:      desc("ktsd_start_time_seconds", "When this process started, as a Unix time."),
		certificate:  desc("ktsd_certificate_expiry_timestamp_seconds", "When the TLS certificate in use ends, as a Unix time."),
		storeUp:      desc("ktsd_store_up", "1 if the store answers and takes changes, else 0."),
		auditUp:      desc("ktsd_audit_up", "1 if the audit log can be written, else 0: requests are refused then."),
		waiting:      desc("ktsd_changes_waiting", "Changes that wait for the next group."),
		unchained:    desc("ktsd_audit_unchained_records", "Audit records of changes made that are not in the audit log yet."),
		unsynced:     desc("ktsd_audit_unsynced_records", "Audit records in the audit log that are not known to be on disk."),
		unsyncedAge:  desc("ktsd_audit_unsynced_seconds", "Since when the oldest record that is not known to be on disk waits; 0 if none does."),
		rows:         desc("ktsd_audit_pending_rows", "Audit records in the audit log whose rows wait to be removed from the database."),
		summed:       desc("ktsd_audit_summarized_refusals_total", "Refusals that are in the audit log as a sum, and not as a record each."),
		auditFree:    desc("ktsd_audit_free_bytes", "Bytes free on the disk of the audit log, the reserve not counted; -1 if that cannot be told."),
		auditMark:    desc("ktsd_audit_mark_bytes", "Below so many free bytes changes are refused, so that reads can be audited; 0 if there is no mark."),
		auditReserve: desc("ktsd_audit_reserve_bytes", "Bytes set aside on the disk of the audit log for the reads of when it is full."),
		auditLow:     desc("ktsd_audit_low_water", "1 while changes are refused because the disk of the audit log is nearly full, else 0."),
	}
}

// Describe implements prometheus.Collector.
func (s *state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		s.build, s.started, s.certificate, s.storeUp, s.auditUp, s.waiting,
		s.unchained, s.unsynced, s.unsyncedAge, s.rows, s.summed,
		s.auditFree, s.auditMark, s.auditReserve, s.auditLow,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *state) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(s.build, 1)
	gauge(s.started, unix(s.config.Started))
	gauge(s.certificate, unix(s.config.Certificate()))

	h := s.config.Health()
	gauge(s.storeUp, up(h.Store))
	gauge(s.auditUp, up(h.Audit))
	gauge(s.waiting, float64(h.Queued))
	gauge(s.unchained, float64(h.Backlog.Unchained))
	gauge(s.unsynced, float64(h.Backlog.Unsynced))
	age := 0.0
	if !h.Backlog.Since.IsZero() {
		age = time.Since(h.Backlog.Since).Seconds()
	}
	gauge(s.unsyncedAge, age)
	gauge(s.rows, float64(h.Backlog.Rows))
	space := h.Space
	gauge(s.auditFree, float64(space.Free))
	gauge(s.auditMark, float64(space.Mark))
	gauge(s.auditReserve, float64(space.Reserve))
	low := 0.0
	if space.Low {
		low = 1
	}
	gauge(s.auditLow, low)
	ch <- prometheus.MustNewConstMetric(s.summed, prometheus.CounterValue, float64(h.Summarized))
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func up(err error) float64 {
	if err != nil {
		return 0
	}
	return 1
}
