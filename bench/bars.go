package main

import (
	"fmt"
	"strings"
)

// bar is a goal and what was reached.
type bar struct {
	Name        string  `json:"name"`
	Connections int     `json:"connections,omitempty"`
	Got         float64 `json:"got"`
	Want        float64 `json:"want"`
	Unit        string  `json:"unit,omitempty"`
	AtLeast     bool    `json:"at_least,omitempty"` // or at most
	Met         bool    `json:"met"`
}

func newBar(name string, connections int, got, want float64, unit string, atLeast bool) bar {
	return bar{name, connections, got, want, unit, atLeast, got >= want == atLeast || got == want}
}

// ratio is a of b; 0 where b was too little to be measured.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// goals are the bars of gets and puts on one store.
type goals struct {
	floor   map[string]float64 // server's processor time, of the floor's, at most
	peer    float64            // server's and database's processor time, of the peer's, at most
	rate    map[string]float64 // of the peer's, at 64 connections, at least
	latency map[string]float64 // milliseconds of 99 % at 64 connections, at most
}

func goalsOf(engine string) goals {
	g := goals{
		floor: map[string]float64{"get": 1.5, "put": 2.5}, latency: map[string]float64{"get": 25, "put": 20},
		peer: 0.2, rate: map[string]float64{"get": 3, "put": 7},
	}
	if engine == "postgres" {
		g.peer, g.rate = 0.25, map[string]float64{"get": 2, "put": 5}
	}
	return g
}

// judge compares ktsd's rows with the bars. At one connection there are none.
func judge(rows []row, engine string) []bar {
	find := func(operation string, connections int, server string) *row {
		for i, r := range rows {
			if r.Operation == operation && r.Connections == connections && r.Server == server {
				return &rows[i]
			}
		}
		return nil
	}
	g := goalsOf(engine)
	var bars []bar
	for _, k := range rows {
		if k.Server != "ktsd" || k.Connections < 8 {
			continue
		}
		relative := func(name string, got, of, want float64, atLeast bool) {
			if of > 0 {
				bars = append(bars, newBar(k.Operation+": "+name, k.Connections, ratio(got, of), want, "", atLeast))
			}
		}
		if f := find(k.Operation, k.Connections, "floor"); f != nil {
			relative("server's processor time, of the floor's", k.sample.Server, f.sample.Server, g.floor[k.Operation], false)
		}
		p := find(k.Operation, k.Connections, "peer")
		if p != nil {
			relative("processor time with the database's, of the peer's", k.total(), p.total(), g.peer, false)
		}
		if k.Connections != 64 {
			continue
		}
		if p != nil {
			relative("rate, of the peer's", k.Rate, p.Rate, g.rate[k.Operation], true)
		}
		bars = append(bars, newBar(k.Operation+": latency of 99 %", k.Connections, k.P99, g.latency[k.Operation], "ms", false))
	}
	return bars
}

// goal is what a bar asks for.
func (b bar) goal() string {
	sign := "≤"
	if b.AtLeast {
		sign = "≥"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %g %s", sign, b.Want, b.Unit))
}

// reached shows what was got, so precisely that nobody wonders at the verdict.
func (b bar) reached() string {
	if b.Unit == "" {
		return fmt.Sprintf("%.3f", b.Got)
	}
	return fmt.Sprintf("%.1f %s", b.Got, b.Unit)
}

func (b bar) verdict() string {
	if b.Met {
		return "met"
	}
	return "MISSED"
}
