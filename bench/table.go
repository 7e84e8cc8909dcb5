package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// table prints rows in columns: the first is text, the others are numbers.
type table struct {
	rows [][]string
	text int // columns from the left that are text
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i < t.text {
				line.WriteString(cell + space + "  ")
			} else {
				line.WriteString(space + cell + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

func (m machine) print(w io.Writer) {
	fmt.Fprintf(w, "%d processors, Linux %s, %s; %s, fdatasync of 8 KB %.0f µs; load average before: %.1f\n", m.CPUs, m.Kernel, m.Go, m.FileSystem, m.Fdatasync, m.Load)
}

// print shows a comparison: rates and latencies, processor time per answer in
// microseconds, then the bars.
func (c *comparison) print(w io.Writer) {
	c.Machine.print(w)
	fmt.Fprintf(w, "store %s, deposits of %d bytes, HTTP/%d, UUIDs %s; medians of %d rounds of %s\n\n",
		c.Settings.Engine, c.Settings.Size, c.Settings.HTTP, c.Settings.UUID, c.Settings.Rounds, c.Settings.Duration)
	t := table{text: 1}
	t.add("", "connections", "", "per second", "p50 ms", "p99 ms", "max ms", "errors", "µs: server", "database", "together", "generator")
	for _, r := range c.Rows {
		t.add(r.Operation, fmt.Sprint(r.Connections), r.Server, fmt.Sprintf("%.0f", r.Rate), fmt.Sprintf("%.2f", r.P50), fmt.Sprintf("%.2f", r.P99),
			fmt.Sprintf("%.1f", r.Max), fmt.Sprint(r.Errors), fmt.Sprintf("%.1f", r.sample.Server), fmt.Sprintf("%.1f", r.Database),
			fmt.Sprintf("%.1f", r.total()), fmt.Sprintf("%.1f", r.Generator))
	}
	t.print(w)
	printBars(w, c.Bars)
}

func printBars(w io.Writer, bars []bar) {
	if len(bars) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table{text: 1}
	t.add("bar", "connections", "got", "want", "")
	for _, b := range bars {
		connections := ""
		if b.Connections > 0 {
			connections = fmt.Sprint(b.Connections)
		}
		t.add(b.Name, connections, b.reached(), b.goal(), b.verdict())
	}
	t.print(w)
}

// writeJSON writes what was found where --json says.
func (b *session) writeJSON(v any) error {
	if b.JSON == "" {
		return nil
	}
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.JSON, append(data, '\n'), 0o644)
}
