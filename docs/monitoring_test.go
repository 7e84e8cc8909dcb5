package docs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/ktest"
)

// The files about monitoring, from this folder.
const (
	monitoringPage = "monitoring.md"
	alertRules     = "monitoring/alerts.yml"
	alertTests     = "monitoring/alerts_test.yml"
	dashboardFile  = "monitoring/dashboard.json"
)

// metric is what there is to know of a metric beside its name.
type metric struct{ Type, Labels string }

// exposed returns what a ktsd tells Prometheus, by name.
func exposed(t *testing.T, s *ktest.Server) map[string]metric {
	t.Helper()
	resp, err := s.HTTP(t).Get(s.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s, %v", resp.Status, err)
	}
	types := map[string]metric{}
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(string(data), -1) {
		types[line[1]] = metric{Type: line[2]}
	}
	for _, sample := range regexp.MustCompile(`(?m)^([a-z_]+)\{(.*)\} `).FindAllStringSubmatch(string(data), -1) {
		name := family(types, sample[1])
		m := types[name]
		for _, label := range regexp.MustCompile(`([a-z_]+)="`).FindAllStringSubmatch(sample[2], -1) {
			if label[1] != "le" && !slices.Contains(strings.Fields(m.Labels), label[1]) {
				m.Labels = strings.TrimSpace(m.Labels + " " + label[1])
			}
		}
		types[name] = m
	}
	return types
}

// family is the name of the metric that a series belongs to.
func family(types map[string]metric, series string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if name, ok := strings.CutSuffix(series, suffix); ok && types[name].Type == "histogram" {
			return name
		}
	}
	return series
}

// TestMetricTable compares the table of metrics with what a ktsd tells.
func TestMetricTable(t *testing.T) {
	t.Parallel()
	told := exposed(t, ktest.Start(t, ktest.Dir(t)))
	got := map[string]metric{}
	for name, m := range told {
		if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			got[name] = metric{m.Type, sorted(m.Labels)}
		}
	}
	p := readPage(t, ktest.Root(t), filepath.Join(ktest.Root(t), "docs", monitoringPage))
	shown := map[string]metric{}
	labels := p.rows("labels")
	for _, r := range p.rows("type") {
		m := metric{Type: r.cell}
		for _, l := range labels {
			if l.line == r.line {
				m.Labels = sorted(strings.ReplaceAll(l.cell, "`", ""))
			}
		}
		shown[strings.Trim(r.first, "`")] = m
	}
	if diff := cmp.Diff(got, shown); diff != "" {
		t.Errorf("the metrics and the table differ (-ktsd +table):\n%s", diff)
	}
}

func sorted(words string) string {
	return strings.Join(slices.Sorted(slices.Values(strings.Fields(words))), " ")
}

// metricName finds what may be the name of a metric.
var metricName = regexp.MustCompile(`\b(ktsd|go|process)_[a-z_]+\b`)

// TestMetricNames: what the page, the rules, their tests and the dashboard name is
// what a ktsd tells, and each metric of ktsd's own is looked at by one of them.
func TestMetricNames(t *testing.T) {
	t.Parallel()
	told := exposed(t, ktest.Start(t, ktest.Dir(t)))
	used := map[string]bool{}
	for _, file := range []string{monitoringPage, alertRules, alertTests, dashboardFile} {
		data := read(t, file)
		for _, name := range metricName.FindAllString(data, -1) {
			if name == "go_version" || name == "process_" || name == "ktsd_" || name == "go_" {
				continue // a label, and prefixes
			}
			base := family(told, name)
			if told[base].Type == "" && told[name].Type == "" {
				t.Errorf("docs/%s names %s, which ktsd does not tell", file, name)
			}
			if file != monitoringPage {
				used[base] = true
			}
		}
	}
	for name := range told {
		if strings.HasPrefix(name, "ktsd_") && !used[name] {
			t.Errorf("neither a rule nor the dashboard looks at %s", name)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestAlertsAreExplained: each rule has a heading in the page, which its link
// leads to, and a test; and there are no others.
func TestAlertsAreExplained(t *testing.T) {
	t.Parallel()
	names := func(text, pattern string) []string {
		var all []string
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, found[1])
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	rules := read(t, alertRules)
	alerts := names(rules, `(?m)^ *- alert: (\S+)$`)
	if len(alerts) < 10 {
		t.Fatalf("got %d alerts", len(alerts))
	}
	if diff := cmp.Diff(alerts, names(read(t, monitoringPage), `(?m)^### (Ktsd\S+)$`)); diff != "" {
		t.Errorf("alerts and headings differ (-rules +page):\n%s", diff)
	}
	tests := read(t, alertTests)
	if diff := cmp.Diff(alerts, names(tests, `alertname: (\w+)`)); diff != "" {
		t.Errorf("alerts and their tests differ (-rules +tests):\n%s", diff)
	}
	for _, block := range strings.Split(rules, "- alert: ")[1:] {
		name, rest, _ := strings.Cut(block, "\n")
		if want := "/docs/monitoring.md#" + strings.ToLower(name) + "\n"; !strings.Contains(rest, want) {
			t.Errorf("%s: its runbook_url does not end with %q", name, want)
		}
		if !regexp.MustCompile(`severity: (critical|warning)\b`).MatchString(rest) {
			t.Errorf("%s has no severity", name)
		}
		fires := regexp.MustCompile(`alertname: ` + name + `\n +exp_alerts:\n +- exp_labels`)
		if !fires.MatchString(tests) {
			t.Errorf("%s: no test sees it fire", name)
		}
	}
}

// dashboard is what the tests read of the dashboard.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
	Annotations struct{ List []struct{ Name, Expr string } }
	Templating  struct {
		List []struct{ Name string }
	}
}

// readDashboard returns the queries of the dashboard, by the panels' titles, with
// every server chosen. It must use no variable that it does not have.
func readDashboard(t *testing.T) (panels, annotations map[string][]string) {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	replace := []string{"$__rate_interval", "30s"}
	for _, v := range d.Templating.List {
		replace = append(replace, "$"+v.Name, ".+")
	}
	fill := func(expr string) string {
		expr = strings.NewReplacer(replace...).Replace(expr)
		if strings.Contains(expr, "$") {
			t.Errorf("an unknown variable is left in %s", expr)
		}
		return expr
	}
	panels, annotations = map[string][]string{}, map[string][]string{}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			panels[p.Title] = append(panels[p.Title], fill(target.Expr))
		}
	}
	for _, a := range d.Annotations.List {
		annotations[a.Name] = []string{fill(a.Expr)}
	}
	if len(panels) < 10 {
		t.Fatalf("got %d panels with queries", len(panels))
	}
	return panels, annotations
}
