package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ktsd/ktsd/bench/internal/load"
	"github.com/ktsd/ktsd/bench/internal/rig"
	"github.com/ktsd/ktsd/internal/cli"
)

type soakCommand struct {
	settings
	For         time.Duration `arg:"" optional:"" help:"How long." default:"1h"`
	Connections int           `help:"Connections that get." default:"8"`
	Puts        int           `help:"Puts a second, at most, on one more connection." default:"50"`
	Deposits    int           `help:"Deposits of which gets choose." default:"1000"`
}

// Help is shown by --help.
func (soakCommand) Help() string {
	return `Has ktsd work for a long time and looks at its memory every minute.

Examples:
  bench soak
  bench soak 8h --engine postgres`
}

// moment is ktsd's memory at one time.
type moment struct {
	After  float64 `json:"after_s"`
	Memory float64 `json:"memory_mb"`
}

// soaking is what the command finds.
type soaking struct {
	Machine  machine  `json:"machine"`
	Settings settings `json:"settings"`
	For      string   `json:"for"`
	Idle     float64  `json:"idle_mb"`       // before
	After    float64  `json:"idle_after_mb"` // once it has rested
	Gets     float64  `json:"gets_rate"`
	Puts     float64  `json:"puts_rate"`
	Errors   uint64   `json:"errors"`
	Moments  []moment `json:"moments"`
	Bars     []bar    `json:"bars"`
}

// Run measures.
func (c *soakCommand) Run(ctx context.Context, streams *cli.Streams) (err error) {
	b, err := c.begin(streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	found := &soaking{Settings: b.settings, For: c.For.String()}
	if found.Machine, err = b.inspect(); err != nil {
		return err
	}
	b.progress("starting ktsd (%s)", c.Engine)
	k, err := b.ktsd(ctx, "ktsd", 1, 1)
	if err != nil {
		return err
	}
	s, err := k.Server()
	if err != nil {
		return err
	}
	if err := c.soak(ctx, b, k, s, found); err != nil {
		return err
	}
	found.judge()
	found.print(streams.Out)
	return errors.Join(b.writeJSON(found), b.verdict())
}

// resting is longer than ktsd takes to find that a busy time is over, and to give its
// memory back.
const resting = 75 * time.Second

// soak loads ktsd and watches it.
func (c *soakCommand) soak(ctx context.Context, b *session, k *rig.Ktsd, s *rig.Server, found *soaking) (err error) {
	bodies := load.NewBodies(c.Size)
	time.Sleep(idling)
	if found.Idle, _, err = megabytes(k.PID()); err != nil {
		return err
	}
	kept, err := load.Fill(ctx, &s.Target, bodies, b.newID, c.Deposits)
	if err != nil {
		return err
	}
	works := []load.Work{{Connections: c.Connections}, {Put: true, Connections: 1, Pause: time.Second / time.Duration(max(c.Puts, 1))}}
	type ended struct {
		put    bool
		result *load.Result
		err    error
	}
	ends := make(chan ended, len(works))
	for _, w := range works {
		w.Duration, w.Bodies, w.Kept, w.NewID = c.For, bodies, kept, b.newID
		go func() {
			r, err := load.Run(ctx, &s.Target, w)
			ends <- ended{w.Put, r, err}
		}()
	}
	began, ticker := time.Now(), time.NewTicker(min(time.Minute, c.For/20))
	defer ticker.Stop()
	for waiting := len(works); waiting > 0; {
		select {
		case <-ticker.C:
			now, _, memoryErr := megabytes(k.PID())
			if memoryErr != nil {
				return memoryErr
			}
			found.Moments = append(found.Moments, moment{time.Since(began).Seconds(), now})
			b.progress("after %s: %.1f MB", time.Since(began).Round(time.Second), now)
		case e := <-ends:
			waiting--
			if e.err != nil {
				err = errors.Join(err, e.err)
				continue
			}
			found.take(e.put, e.result)
			b.failed = append(b.failed, e.result.Failed...)
		}
	}
	if err != nil {
		return err
	}
	time.Sleep(min(resting, c.For/2))
	found.After, _, err = megabytes(k.PID())
	return err
}

func (f *soaking) take(put bool, r *load.Result) {
	f.Errors += r.Errors
	if put {
		f.Puts = r.Rate()
	} else {
		f.Gets = r.Rate()
	}
}

// judge compares the last fifth of the time with the second: what grows steadily
// grows between them.
func (f *soaking) judge() {
	part := func(from, to int) float64 {
		var all []float64
		for _, m := range f.Moments[from:to] {
			all = append(all, m.Memory)
		}
		return middle(all)
	}
	n := len(f.Moments)
	f.Bars = append(f.Bars, newBar("idle memory before", 0, f.Idle, 40, "MB", false))
	if f.After > 0 {
		f.Bars = append(f.Bars, newBar("idle memory afterwards", 0, f.After, 40, "MB", false))
	}
	if n >= 10 {
		f.Bars = append(f.Bars, newBar("memory in the last fifth, of that in the second", 0, part(n-n/5, n)/part(n/5, 2*(n/5)), 1.1, "", false))
	}
}

func (f *soaking) print(w io.Writer) {
	f.Machine.print(w)
	fmt.Fprintf(w, "store %s, deposits of %d bytes; %s of %.0f gets and %.0f puts a second, %d errors\n\n",
		f.Settings.Engine, f.Settings.Size, f.For, f.Gets, f.Puts, f.Errors)
	t := table{text: 1}
	t.add("idle, before", fmt.Sprintf("%.1f MB", f.Idle))
	for _, m := range f.Moments {
		t.add("after "+time.Duration(m.After*float64(time.Second)).Round(time.Second).String(), fmt.Sprintf("%.1f MB", m.Memory))
	}
	t.add("idle, afterwards", fmt.Sprintf("%.1f MB", f.After))
	t.print(w)
	printBars(w, f.Bars)
}
