package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ktsd/ktsd/bench/internal/load"
	"github.com/ktsd/ktsd/bench/internal/rig"
	"github.com/ktsd/ktsd/internal/cli"
)

type compareCommand struct {
	settings
	Connections []int    `help:"Numbers of connections." default:"1,8,64"`
	Operations  []string `help:"What to measure: get, put." enum:"get,put" default:"get,put"`
	Deposits    int      `help:"Deposits of each client, of which gets choose." default:"1000"`
	Clients     int      `help:"Clients of ktsd." default:"1"`
	Peer        peer     `embed:"" prefix:"peer-"`
}

// peer is a server to measure beside ktsd. Its templates speak to the KV version 2
// of OpenBao unless told otherwise.
type peer struct {
	URL         string `name:"url" help:"URL of a peer that runs on this machine." placeholder:"URL"`
	PID         int    `name:"pid" help:"The peer's process." placeholder:"N"`
	DatabasePID []int  `name:"database-pid" help:"First process of the peer's database, where it has one." placeholder:"N"`
	CA          string `name:"ca" help:"Certificates that vouch for the peer, PEM." placeholder:"FILE"`
	Certificate string `help:"Client certificate to show the peer, PEM." placeholder:"FILE"`
	PrivateKey  string `help:"Its key, PEM." placeholder:"FILE"`
	Headers     string `help:"File of headers to send, one a line, such as that of a token." placeholder:"FILE"`
	Get         string `help:"Path of a deposit." default:"/v1/secret/data/{id}"`
	Put         string `help:"Path to put a deposit to." default:"/v1/secret/data/{id}"`
	Method      string `help:"Method of a put." default:"POST"`
	Body        string `help:"Body of a put; '' for the bare contents." default:"{\"data\":{\"value\":\"{base64}\"}}"`
}

// Help is shown by --help.
func (compareCommand) Help() string {
	return `Starts ktsd with a client, and the floor, on free ports in a temporary directory, and has
the same load on each in turn, round by round. Exit code 1 if an answer was wrong; a bar that
is missed is told and is no error.

Examples:
  bench
  bench --engine postgres --connections 8,64
  bench --peer-url https://127.0.0.1:8200 --peer-ca ca.pem --peer-headers token --peer-pid 4711`
}

// contender is a server with what it was measured at.
type contender struct {
	*rig.Server
	kept load.Kept
}

// row is one line of the table.
type row struct {
	Operation   string `json:"operation"`
	Connections int    `json:"connections"`
	Server      string `json:"server"`
	sample
}

// comparison is what the command finds, and what --json writes.
type comparison struct {
	Machine  machine  `json:"machine"`
	Settings settings `json:"settings"`
	Rows     []row    `json:"rows"`
	Bars     []bar    `json:"bars"`
}

// Run measures.
func (c *compareCommand) Run(ctx context.Context, streams *cli.Streams) (err error) {
	b, err := c.begin(streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	result := comparison{Settings: b.settings}
	if result.Machine, err = b.inspect(); err != nil {
		return err
	}
	contenders, err := c.contenders(ctx, b)
	if err != nil {
		return err
	}
	bodies := load.NewBodies(c.Size)
	for _, p := range contenders {
		b.progress("%s: putting %d deposits", p.Name, c.Deposits*len(p.Target.TLS))
		if p.kept, err = load.Fill(ctx, &p.Target, bodies, b.newID, c.Deposits); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	for _, operation := range c.Operations {
		for _, connections := range c.Connections {
			rows, err := c.sideBySide(ctx, b, contenders, operation, connections, bodies)
			if err != nil {
				return err
			}
			result.Rows = append(result.Rows, rows...)
		}
	}
	result.Bars = judge(result.Rows, c.Engine)
	result.print(streams.Out)
	return errors.Join(b.writeJSON(result), b.verdict())
}

// contenders starts what is measured.
func (c *compareCommand) contenders(ctx context.Context, b *session) ([]*contender, error) {
	var other *rig.Server
	if c.Peer.URL != "" {
		var err error
		if other, err = c.Peer.server(c.HTTP == 2); err != nil {
			return nil, err
		}
		if err := load.Reach(&other.Target); err != nil {
			return nil, fmt.Errorf("peer: %w", err)
		}
	}
	b.progress("starting ktsd (%s) and the floor", c.Engine)
	k, err := b.ktsd(ctx, "ktsd", 1, c.Clients)
	if err != nil {
		return nil, err
	}
	server, err := k.Server()
	if err != nil {
		return nil, err
	}
	f, err := b.floor(ctx, k)
	if err != nil {
		return nil, err
	}
	all := []*contender{{Server: server}, {Server: f.Server()}}
	if other != nil {
		all = append(all, &contender{Server: other})
	}
	return all, nil
}

func (p peer) server(http2 bool) (*rig.Server, error) {
	return rig.Peer{
		URL: p.URL, CA: p.CA, Certificate: p.Certificate, PrivateKey: p.PrivateKey, HeadersFile: p.Headers,
		PID: p.PID, Databases: p.DatabasePID, HTTP2: http2,
		Dialect: load.Dialect{Get: p.Get, Put: p.Put, Method: strings.ToUpper(p.Method), Body: p.Body},
	}.Server()
}

// sideBySide measures all in turn, so that what else the machine does hits all
// alike.
func (c *compareCommand) sideBySide(ctx context.Context, b *session, contenders []*contender, operation string, connections int, bodies *load.Bodies) ([]row, error) {
	rounds := make([][]sample, len(contenders))
	for n := range c.Rounds {
		for i, p := range contenders {
			got, err := b.round(ctx, p.Server, load.Work{
				Put: operation == "put", Connections: connections, Warmup: c.Warmup, Duration: c.Duration,
				Bodies: bodies, Kept: p.kept, NewID: b.newID,
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
			rounds[i] = append(rounds[i], got)
			b.progress("%s, %d connections, round %d of %d: %s %.0f/s, %.0f µs", operation, connections, n+1, c.Rounds, p.Name, got.Rate, got.total())
		}
	}
	var rows []row
	for i, p := range contenders {
		rows = append(rows, row{operation, connections, p.Name, median(rounds[i])})
	}
	return rows, nil
}
