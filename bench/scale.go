package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ktsd/ktsd/bench/internal/load"
	"github.com/ktsd/ktsd/internal/cli"
)

type scaleCommand struct {
	settings
	Of            []string `help:"What to let grow: deposits, clients, organizations, size." enum:"deposits,clients,organizations,size" default:"deposits,clients,organizations,size"`
	Connections   int      `help:"Number of connections." default:"8"`
	Deposits      []int    `help:"Numbers of deposits, of one client." default:"1000,10000,100000"`
	Clients       []int    `help:"Numbers of clients, with 1000 deposits among them." default:"1,100,1000"`
	Organizations []int    `help:"Numbers of organizations, with 100 clients among them." default:"1,10,100"`
	Sizes         []int    `help:"Bytes of a deposit." default:"1024,16384,262144,1048576"`
}

// Help is shown by --help.
func (scaleCommand) Help() string {
	return `Runs a ktsd for each number and compares what a get and a put cost there. All of one kind
run at the same time and have the load in turn.

Examples:
  bench scale
  bench scale --of deposits --deposits 1000,1000000 --engine postgres`
}

// step is one number of what grows, with its ktsd.
type step struct {
	contender
	bodies *load.Bodies
	n      int
}

// scaleRow is one line of the table.
type scaleRow struct {
	Of        string  `json:"of"`
	Number    int     `json:"number"`
	Operation string  `json:"operation"`
	Relative  float64 `json:"relative"` // processor time together, of the first number's
	sample
}

// scaling is what the command finds.
type scaling struct {
	Machine  machine    `json:"machine"`
	Settings settings   `json:"settings"`
	Rows     []scaleRow `json:"rows"`
	Bars     []bar      `json:"bars"`
}

// Run measures.
func (c *scaleCommand) Run(ctx context.Context, streams *cli.Streams) (err error) {
	b, err := c.begin(streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	result := scaling{Settings: b.settings}
	if result.Machine, err = b.inspect(); err != nil {
		return err
	}
	for _, of := range c.Of {
		rows, err := c.grow(ctx, b, of)
		if err != nil {
			return err
		}
		result.Rows = append(result.Rows, rows...)
	}
	result.Bars = scaleBars(result.Rows)
	result.print(streams.Out, c.Connections)
	return errors.Join(b.writeJSON(result), b.verdict())
}

// grow measures all numbers of one kind.
func (c *scaleCommand) grow(ctx context.Context, b *session, of string) (rows []scaleRow, err error) {
	before := len(b.stops)
	defer func() { err = errors.Join(err, b.endTo(before)) }()
	var steps []*step
	for _, n := range map[string][]int{"deposits": c.Deposits, "clients": c.Clients, "organizations": c.Organizations, "size": c.Sizes}[of] {
		s, err := c.step(ctx, b, of, n)
		if err != nil {
			return nil, fmt.Errorf("%s %d: %w", of, n, err)
		}
		steps = append(steps, s)
	}
	for _, operation := range []string{"get", "put"} { // the puts last: they add to the deposits
		rounds := make([][]sample, len(steps))
		for n := range c.Rounds {
			for i, s := range steps {
				got, err := b.round(ctx, s.Server, load.Work{
					Put: operation == "put", Connections: c.Connections, Warmup: c.Warmup, Duration: c.Duration,
					Bodies: s.bodies, Kept: s.kept, NewID: b.newID,
				})
				if err != nil {
					return nil, fmt.Errorf("%s %d: %w", of, s.n, err)
				}
				rounds[i] = append(rounds[i], got)
				b.progress("%s, %s %d, round %d of %d: %.0f/s, %.0f µs", operation, of, s.n, n+1, c.Rounds, got.Rate, got.total())
			}
		}
		first := median(rounds[0]).total()
		for i, s := range steps {
			m := median(rounds[i])
			rows = append(rows, scaleRow{of, s.n, operation, ratio(m.total(), first), m})
		}
	}
	return rows, nil
}

// step starts a ktsd and fills it.
func (c *scaleCommand) step(ctx context.Context, b *session, of string, n int) (*step, error) {
	organizations, clients, deposits, size := 1, 1, 1000, c.Size
	switch of {
	case "deposits":
		deposits = n
	case "clients":
		clients = n
	case "organizations":
		organizations, clients = n, max(n, 100)
	case "size":
		deposits, size = 200, n
	}
	b.progress("%s %d: starting ktsd (%s) with %d clients and %d deposits of %d bytes", of, n, c.Engine, clients, max(deposits, clients), size)
	k, err := b.ktsd(ctx, fmt.Sprintf("%s-%d", of, n), organizations, clients)
	if err != nil {
		return nil, err
	}
	s := &step{n: n, bodies: load.NewBodies(size)}
	if s.Server, err = k.Server(); err != nil {
		return nil, err
	}
	s.kept, err = load.Fill(ctx, &s.Target, s.bodies, b.newID, max(deposits/clients, 1))
	return s, err
}

// scaleBars judges how much a get costs with the most deposits.
func scaleBars(rows []scaleRow) []bar {
	var bars []bar
	var first *scaleRow
	for i, r := range rows {
		if r.Of != "deposits" || r.Operation != "get" {
			continue
		}
		if first == nil {
			first = &rows[i]
		} else if r.Number >= 100_000 {
			bars = append(bars,
				newBar(fmt.Sprintf("get among %d deposits: processor time, of that among %d", r.Number, first.Number), 0, r.Relative, 1.1, "", false),
				newBar(fmt.Sprintf("get among %d deposits: median latency, of that among %d", r.Number, first.Number), 0, ratio(r.P50, first.P50), 1.1, "", false))
		}
	}
	return bars
}

func (s *scaling) print(w io.Writer, connections int) {
	s.Machine.print(w)
	fmt.Fprintf(w, "store %s, %d connections, HTTP/%d; medians of %d rounds of %s\n\n", s.Settings.Engine, connections, s.Settings.HTTP, s.Settings.Rounds, s.Settings.Duration)
	t := table{text: 1}
	t.add("", "number", "", "per second", "p50 ms", "p99 ms", "errors", "µs: server", "database", "together", "of the first")
	for _, r := range s.Rows {
		t.add(r.Of, fmt.Sprint(r.Number), r.Operation, fmt.Sprintf("%.0f", r.Rate), fmt.Sprintf("%.2f", r.P50), fmt.Sprintf("%.2f", r.P99),
			fmt.Sprint(r.Errors), fmt.Sprintf("%.1f", r.Server), fmt.Sprintf("%.1f", r.Database), fmt.Sprintf("%.1f", r.total()), fmt.Sprintf("%.2f", r.Relative))
	}
	t.print(w)
	printBars(w, s.Bars)
}
