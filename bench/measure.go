package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ktsd/ktsd/bench/internal/load"
	"github.com/ktsd/ktsd/bench/internal/rig"
	"github.com/ktsd/ktsd/bench/internal/usage"
)

// settling is how long after the last answer the processor time of a server still
// counts: ktsd brings its audit log to disk within a second.
const settling = 1100 * time.Millisecond

// sample is what one round, or the median of several, came to.
type sample struct {
	Rate      float64 `json:"rate"`        // answers a second
	P50       float64 `json:"p50_ms"`      // latencies
	P99       float64 `json:"p99_ms"`      //
	Max       float64 `json:"max_ms"`      // of all rounds
	Server    float64 `json:"server_us"`   // processor time per answer
	Database  float64 `json:"database_us"` //
	Generator float64 `json:"generator_us"`
	Errors    uint64  `json:"errors"` // of all rounds
}

// total is the processor time of server and database.
func (s sample) total() float64 { return s.Server + s.Database }

// clocks are the processor times of those who take part.
type clocks struct{ server, database, generator time.Duration }

func readClocks(s *rig.Server) (c clocks, err error) {
	if c.server, err = usage.Tree(s.PID); err != nil {
		return c, err
	}
	for _, pid := range s.Databases {
		used, err := usage.Tree(pid)
		if err != nil {
			return c, err
		}
		c.database += used
	}
	c.generator, err = usage.Self()
	return c, err
}

// measure runs one round.
func measure(ctx context.Context, s *rig.Server, w load.Work) (sample, []string, error) {
	var before, after, settled clocks
	var beforeErr, afterErr error
	w.Began = func() { before, beforeErr = readClocks(s) }
	w.Ended = func() { after, afterErr = readClocks(s) }
	r, err := load.Run(ctx, &s.Target, w)
	if err != nil {
		return sample{}, nil, err
	}
	time.Sleep(settling)
	if settled, err = readClocks(s); err != nil {
		return sample{}, nil, err
	}
	for _, err := range []error{beforeErr, afterErr} {
		if err != nil {
			return sample{}, nil, err
		}
	}
	n := float64(r.Latency.Count())
	if n == 0 {
		return sample{}, nil, fmt.Errorf("%s answered nothing rightly: %v", s.Name, r.Failed)
	}
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / n }
	ms := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
	return sample{
		Rate: r.Rate(), P50: ms(r.Latency.Quantile(0.5)), P99: ms(r.Latency.Quantile(0.99)), Max: ms(r.Latency.Max()),
		Server: per(settled.server - before.server), Database: per(settled.database - before.database),
		Generator: per(after.generator - before.generator), Errors: r.Errors,
	}, r.Failed, nil
}

// median returns the medians of the rounds, the longest latency and all errors.
func median(rounds []sample) sample {
	of := func(field func(sample) float64) float64 {
		var all []float64
		for _, s := range rounds {
			all = append(all, field(s))
		}
		return middle(all)
	}
	m := sample{
		Rate: of(func(s sample) float64 { return s.Rate }),
		P50:  of(func(s sample) float64 { return s.P50 }), P99: of(func(s sample) float64 { return s.P99 }),
		Server: of(func(s sample) float64 { return s.Server }), Database: of(func(s sample) float64 { return s.Database }),
		Generator: of(func(s sample) float64 { return s.Generator }),
	}
	for _, s := range rounds {
		m.Max = max(m.Max, s.Max)
		m.Errors += s.Errors
	}
	return m
}

// middle returns the median; 0 of none.
func middle(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}
