// Package metrics counts what ktsd does and tells it to Prometheus: it observes
// requests and groups of changes, and at each scrape asks how the store and the
// audit are. It is the only importer of the Prometheus client, keeps a registry
// of its own, and decides nothing. No label ever carries a name, a handle, a
// fingerprint or an address: all their values are known at the start, and each
// series is there from the start, so that the first error of a kind shows as an
// increase. docs/monitoring.md has a row for each metric.
package metrics

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Config is what there is to tell beside what is observed. The functions are
// called at each scrape, never before the first one.
type Config struct {
	Version     string
	Engine      string // of the database
	Started     time.Time
	Certificate func() time.Time // when the TLS certificate in use ends
	Health      func() escrow.Health
	Log         *slog.Logger
}

// Metrics is the registry and what it holds. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	log      *slog.Logger
	requests
	changes
}

var _ escrow.Observer = (*Metrics)(nil)

// New makes the metrics of one ktsd.
func New(config Config) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), log: config.Log}
	m.requests.register(m.registry)
	m.changes.register(m.registry)
	m.registry.MustRegister(
		newState(config),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Bounds of a scrape.
const (
	scrapeTimeout = 5 * time.Second // longer than what is asked may take
	maxScrapes    = 4               // at once
)

// Handler answers a scrape. What can be told is told, whatever part is broken.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: scrapeLog{m.log},
		Timeout: scrapeTimeout, MaxRequestsInFlight: maxScrapes, DisableCompression: true,
	})
}

// scrapeLog takes what goes wrong in a scrape.
type scrapeLog struct{ log *slog.Logger }

func (l scrapeLog) Println(v ...any) { l.log.Error("telling the metrics", "error", v) }
