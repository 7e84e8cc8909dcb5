package metrics

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ktsd/ktsd/internal/fault"
)

// changes implements escrow.Observer.
type changes struct {
	size     prometheus.Histogram
	duration prometheus.Histogram
	failed   prometheus.Counter
	results  map[fault.Kind]prometheus.Counter // "" is a success
}

func (m *changes) register(r prometheus.Registerer) {
	m.size = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "ktsd_group_size", Help: "Changes in a group, which share one commit; ktsd's own upkeep counts as one.",
		Buckets: prometheus.ExponentialBuckets(1, 2, 7), // to 64, the most that a group has
	})
	m.duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "ktsd_group_duration_seconds", Help: "Time the store took to write a group, commit and fsync included.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10},
	})
	m.failed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "ktsd_group_errors_total", Help: "Groups that the store did not write, or of which it is unknown whether it did.",
	})
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ktsd_changes_total", Help: "Changes asked for, by result: ok once durable, or the kind of the error.",
	}, []string{"result"})
	r.MustRegister(m.size, m.duration, m.failed, total)
	m.results = byOutcome(func(result string) prometheus.Counter { return total.WithLabelValues(result) })
}

// Group implements escrow.Observer.
func (m *changes) Group(size int, took time.Duration, err error) {
	m.size.Observe(float64(size))
	m.duration.Observe(took.Seconds())
	if err != nil {
		m.failed.Inc()
	}
}

// Change implements escrow.Observer.
func (m *changes) Change(err error) {
	var kind fault.Kind
	if err != nil {
		kind = fault.Internal
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		kind = f.Kind
	}
	count(m.results, kind)
}
