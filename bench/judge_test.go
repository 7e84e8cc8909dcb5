package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rowsOf are the rows of one operation and number of connections, by processor
// time of server and database, rate and latency.
func rowsOf(operation string, connections int, ktsd, floor, peer sample) []row {
	return []row{
		{operation, connections, "ktsd", ktsd}, {operation, connections, "floor", floor}, {operation, connections, "peer", peer},
	}
}

// TestBars: each bar on either side of its mark.
func TestBars(t *testing.T) {
	good := sample{Server: 100, Database: 20, Rate: 7000, P99: 20}
	floor := sample{Server: 100, Database: 90}
	poor := sample{Server: 251, Database: 20, Rate: 6999, P99: 25.1}
	peer := sample{Server: 500, Database: 100, Rate: 1000}
	verdicts := func(bars []bar) (all []string) {
		for _, b := range bars {
			all = append(all, b.Name+" "+b.goal()+" "+b.verdict())
		}
		return all
	}
	for _, c := range []struct {
		engine, operation string
		connections       int
		ktsd              sample
		want              []string
	}{
		{"sqlite", "get", 1, good, nil},
		{"sqlite", "get", 8, good, []string{
			"get: server's processor time, of the floor's ≤ 1.5 met",
			"get: processor time with the database's, of the peer's ≤ 0.2 met",
		}},
		{"sqlite", "put", 64, good, []string{
			"put: server's processor time, of the floor's ≤ 2.5 met",
			"put: processor time with the database's, of the peer's ≤ 0.2 met",
			"put: rate, of the peer's ≥ 7 met",
			"put: latency of 99 % ≤ 20 ms met",
		}},
		{"sqlite", "put", 64, poor, []string{
			"put: server's processor time, of the floor's ≤ 2.5 MISSED",
			"put: processor time with the database's, of the peer's ≤ 0.2 MISSED",
			"put: rate, of the peer's ≥ 7 MISSED",
			"put: latency of 99 % ≤ 20 ms MISSED",
		}},
		{"postgres", "get", 64, poor, []string{
			"get: server's processor time, of the floor's ≤ 1.5 MISSED",
			"get: processor time with the database's, of the peer's ≤ 0.25 MISSED",
			"get: rate, of the peer's ≥ 2 met",
			"get: latency of 99 % ≤ 25 ms MISSED",
		}},
	} {
		got := verdicts(judge(rowsOf(c.operation, c.connections, c.ktsd, floor, peer), c.engine))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s, %s, %d connections (-want +got):\n%s", c.engine, c.operation, c.connections, diff)
		}
	}
	if got := judge(rowsOf("get", 8, good, floor, peer)[:1], "sqlite"); got != nil {
		t.Errorf("with nothing to compare: got %v, want no bars", got)
	}
}

func TestMedian(t *testing.T) {
	got := median([]sample{
		{Rate: 3, P50: 1, P99: 9, Max: 50, Server: 7, Database: 1, Generator: 5, Errors: 1},
		{Rate: 1, P50: 3, P99: 7, Max: 70, Server: 8, Database: 3, Generator: 6, Errors: 2},
		{Rate: 2, P50: 2, P99: 8, Max: 60, Server: 9, Database: 2, Generator: 7},
	})
	want := sample{Rate: 2, P50: 2, P99: 8, Max: 70, Server: 8, Database: 2, Generator: 6, Errors: 3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for want, of := range map[float64][]float64{0: nil, 4: {4}, 2.5: {1, 4}} {
		if got := middle(of); got != want {
			t.Errorf("median of %v: got %v, want %v", of, got, want)
		}
	}
}

// TestScaleBars: a get among the most deposits against one among the fewest.
func TestScaleBars(t *testing.T) {
	rows := []scaleRow{
		{"deposits", 1000, "get", 1, sample{P50: 1}}, {"deposits", 10_000, "get", 1.5, sample{P50: 2}},
		{"deposits", 100_000, "get", 1.1, sample{P50: 1.2}}, {"deposits", 100_000, "put", 9, sample{P50: 9}},
	}
	var got []string
	for _, b := range scaleBars(rows) {
		got = append(got, b.verdict())
	}
	if diff := cmp.Diff([]string{"met", "MISSED"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFlat: memory that grows steadily is told from memory that does not.
func TestFlat(t *testing.T) {
	for growth, want := range map[float64]string{0: "met", 0.05: "met", 0.5: "MISSED"} { // MB a minute
		f := soaking{Idle: 20}
		for minute := range 60 {
			f.Moments = append(f.Moments, moment{60 * float64(minute), 30 + growth*float64(minute)})
		}
		f.judge()
		if got := f.Bars[1].verdict(); got != want {
			t.Errorf("%v MB a minute: got %s, want %s", growth, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	table := table{text: 1}
	table.add("", "µs", "x")
	table.add("long text", "1", "22")
	var out strings.Builder
	table.print(&out)
	want := "           µs   x\nlong text   1  22\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
