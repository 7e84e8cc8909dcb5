package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
)

// What labels say beside the names of routes and the kinds of error.
const (
	outcomeOK = "ok"
	routeNone = "none" // a path that is not there, or not with this method
)

// requests is told of requests by package web. A request costs two look-ups in maps that
// never change, and a few atomic additions.
type requests struct {
	inFlight prometheus.Gauge
	routes   map[string]route // by name; "" is none
}

// route is one route's series.
type route struct {
	duration prometheus.Observer
	outcomes map[fault.Kind]prometheus.Counter // "" is a success
}

func (m *requests) register(r prometheus.Registerer) {
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "ktsd_requests_in_flight", Help: "Requests that have arrived and are not answered yet, the one that asks for this among them.",
	})
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ktsd_requests_total", Help: "Requests answered, by route and by outcome: ok, or the kind of the error.",
	}, []string{"route", "outcome"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "ktsd_request_duration_seconds", Help: "Time from a request's headers to the end of its answer, by route.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route"})
	r.MustRegister(m.inFlight, total, duration)

	m.routes = map[string]route{"": newRoute(routeNone, total, duration)}
	for _, known := range api.Routes() {
		m.routes[known.Name] = newRoute(known.Name, total, duration)
	}
}

func newRoute(name string, total *prometheus.CounterVec, duration *prometheus.HistogramVec) route {
	return route{
		duration: duration.WithLabelValues(name),
		outcomes: byOutcome(func(outcome string) prometheus.Counter { return total.WithLabelValues(name, outcome) }),
	}
}

// byOutcome makes the counter of each outcome.
func byOutcome(of func(outcome string) prometheus.Counter) map[fault.Kind]prometheus.Counter {
	counters := map[fault.Kind]prometheus.Counter{"": of(outcomeOK)}
	for _, kind := range api.Kinds() {
		counters[kind] = of(string(kind))
	}
	return counters
}

// count adds one to the counter of an outcome; one that is no kind counts as an
// error of ours.
func count(counters map[fault.Kind]prometheus.Counter, outcome fault.Kind) {
	counter, ok := counters[outcome]
	if !ok {
		counter = counters[fault.Internal]
	}
	counter.Inc()
}

// Begin counts a request that has arrived.
func (m *requests) Begin() { m.inFlight.Inc() }

// End counts a request that was answered: outcome is "" or the kind of the error.
func (m *requests) End(name string, outcome fault.Kind, took time.Duration) {
	m.inFlight.Dec()
	r, ok := m.routes[name]
	if !ok {
		r = m.routes[""]
	}
	count(r.outcomes, outcome)
	r.duration.Observe(took.Seconds())
}
