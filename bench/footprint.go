package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ktsd/ktsd/bench/internal/load"
	"github.com/ktsd/ktsd/bench/internal/rig"
	"github.com/ktsd/ktsd/bench/internal/usage"
	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
)

type footprintCommand struct {
	settings
	Deposits   int `help:"Deposits that are there." default:"1000"`
	Starts     int `help:"Cold starts." default:"11"`
	Gets       int `help:"Calls of 'keytrustee get'." default:"21"`
	Handshakes int `help:"TLS handshakes." default:"1000"`
}

// Help is shown by --help.
func (footprintCommand) Help() string {
	return `Measures what is paid once: the start of ktsd until its first answer, its memory, a TLS
handshake, and a 'keytrustee get' from exec to exit.

Examples:
  bench footprint
  bench footprint --engine postgres`
}

// figure is one number that was measured.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// footprint is what the command finds.
type footprint struct {
	Machine  machine  `json:"machine"`
	Settings settings `json:"settings"`
	Figures  []figure `json:"figures"`
	Bars     []bar    `json:"bars"`
}

func (f *footprint) add(name string, value float64, unit string) {
	f.Figures = append(f.Figures, figure{name, value, unit})
}

// atMost is add for a figure that has a bar.
func (f *footprint) atMost(name string, value, most float64, unit string) {
	f.add(name, value, unit)
	f.Bars = append(f.Bars, newBar(name, 0, value, most, unit, false))
}

// Run measures.
func (c *footprintCommand) Run(ctx context.Context, streams *cli.Streams) (err error) {
	b, err := c.begin(streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	found := &footprint{Settings: b.settings}
	if found.Machine, err = b.inspect(); err != nil {
		return err
	}
	b.progress("starting ktsd (%s)", c.Engine)
	k, err := b.ktsd(ctx, "ktsd", 1, 1)
	if err != nil {
		return err
	}
	for _, part := range []func(context.Context, *session, *rig.Ktsd, *footprint) error{c.memory, c.starts, c.handshakes, c.gets} {
		if err := part(ctx, b, k, found); err != nil {
			return err
		}
	}
	found.print(streams.Out)
	return errors.Join(b.writeJSON(found), b.verdict())
}

// idling is how long a server is left alone before its memory is looked at.
const idling = 3 * time.Second

// megabytes returns a process's memory now, and the most that it was.
func megabytes(pid int) (now, most float64, err error) {
	n, m, err := usage.RSS(pid)
	return float64(n) / 1e6, float64(m) / 1e6, err
}

// memory looks at ktsd's memory before, at the end of and after some load.
func (c *footprintCommand) memory(ctx context.Context, b *session, k *rig.Ktsd, found *footprint) error {
	s, err := k.Server()
	if err != nil {
		return err
	}
	bodies := load.NewBodies(c.Size)
	kept, err := load.Fill(ctx, &s.Target, bodies, b.newID, c.Deposits)
	if err != nil {
		return err
	}
	if err := errors.Join(k.Stop(), k.Start(ctx)); err != nil {
		return err
	}
	if s, err = k.Server(); err != nil {
		return err
	}
	time.Sleep(idling)
	idle, _, err := megabytes(k.PID())
	if err != nil {
		return err
	}
	found.atMost("idle memory of ktsd", idle, 40, "MB")
	for _, put := range []bool{false, true} {
		b.progress("memory: load on 64 connections")
		work := load.Work{Put: put, Connections: 64, Duration: c.Duration, Bodies: bodies, Kept: kept, NewID: b.newID}
		if _, err := b.round(ctx, s, work); err != nil {
			return err
		}
	}
	time.Sleep(idling)
	after, most, err := megabytes(k.PID())
	found.add("memory of ktsd under load on 64 connections, the most", most, "MB")
	found.add("memory of ktsd 3 s after it", after, "MB")
	return err
}

// starts starts ktsd anew, over a database that is not empty.
func (c *footprintCommand) starts(ctx context.Context, b *session, k *rig.Ktsd, found *footprint) error {
	var took []float64
	for i := range c.Starts {
		if err := k.Stop(); err != nil {
			return err
		}
		began := time.Now()
		if err := k.Launch(); err != nil {
			return err
		}
		if err := k.Await(ctx, time.Millisecond); err != nil {
			return err
		}
		took = append(took, float64(time.Since(began).Microseconds())/1e3)
		b.progress("start %d of %d: %.1f ms", i+1, c.Starts, took[i])
	}
	found.atMost("cold start of ktsd, from exec to its first answer over TLS", middle(took), 60, "ms")
	return nil
}

// handshakes makes many connections for one request each.
func (c *footprintCommand) handshakes(ctx context.Context, b *session, k *rig.Ktsd, found *footprint) error {
	s, err := k.Server()
	if err != nil {
		return err
	}
	for _, resume := range []bool{false, true} {
		b.progress("%d handshakes", c.Handshakes)
		before, err := readClocks(s)
		if err != nil {
			return err
		}
		resumed, err := load.Handshakes(ctx, &s.Target, "/healthz", c.Handshakes, resume)
		if err != nil {
			return err
		}
		after, err := readClocks(s)
		if err != nil {
			return err
		}
		name := "full"
		if resume {
			name = fmt.Sprintf("resumed (%d of %d)", resumed, c.Handshakes)
		}
		per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(c.Handshakes) }
		found.add("mutual TLS handshake, "+name+", and one answer: server", per(after.server-before.server), "µs")
		found.add("mutual TLS handshake, "+name+", and one answer: client", per(after.generator-before.generator), "µs")
	}
	return nil
}

// gets runs the client's command.
func (c *footprintCommand) gets(ctx context.Context, b *session, k *rig.Ktsd, found *footprint) error {
	own, err := client.Open(k.ClientDir(0))
	if err != nil {
		return err
	}
	secret := load.NewBodies(c.Size).Append(nil, [16]byte{})
	if _, err := own.Put(ctx, "bench/secret", secret, nil); err != nil {
		return err
	}
	var used, took []float64
	b.progress("%d times keytrustee get", c.Gets)
	for range c.Gets {
		cmd := exec.CommandContext(ctx, filepath.Join(b.Programs, "keytrustee"), "--confdir", k.ClientDir(0), "get", "bench/secret")
		began := time.Now()
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("keytrustee get: %w", err)
		}
		if !bytes.Equal(out, secret) {
			return errors.New("keytrustee get brought something else than was put")
		}
		took = append(took, float64(time.Since(began).Microseconds())/1e3)
		used = append(used, float64((cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()).Microseconds())/1e3)
	}
	found.atMost("processor time of keytrustee get", middle(used), 40, "ms")
	found.add("keytrustee get, from exec to exit", middle(took), "ms")
	return nil
}

func (f *footprint) print(w io.Writer) {
	f.Machine.print(w)
	fmt.Fprintf(w, "store %s, deposits of %d bytes; medians\n\n", f.Settings.Engine, f.Settings.Size)
	t := table{text: 1}
	for _, x := range f.Figures {
		t.add(x.Name, fmt.Sprintf("%.1f %s", x.Value, x.Unit))
	}
	t.print(w)
	printBars(w, f.Bars)
}
