package docs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestPromtool has Prometheus' own tool judge the rules, and try them.
func TestPromtool(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "promtool")
	for _, args := range [][]string{{"check", "rules", alertRules}, {"test", "rules", alertTests}} {
		if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// prometheus is a running Prometheus.
type prometheus struct{ url string }

// startPrometheus starts one that scrapes a ktsd as the page says, but more often,
// and goes by the rules.
func startPrometheus(t *testing.T, s *ktest.Server) *prometheus {
	t.Helper()
	ktest.Need(t, "prometheus")
	dir := t.TempDir()
	rules, err := filepath.Abs(alertRules)
	if err != nil {
		t.Fatal(err)
	}
	p := readPage(t, ktest.Root(t), filepath.Join(ktest.Root(t), "docs", monitoringPage))
	var config string
	for _, b := range p.blocks(t) {
		if text := strings.Join(b.lines, "\n"); b.info == "yaml" && strings.Contains(text, "scrape_configs:") {
			config = text
		}
	}
	for shown, real := range map[string]string{
		"/etc/prometheus/ktsd-ca.pem": s.CA(), "localhost:11371": s.Addr, "/etc/prometheus/ktsd-alerts.yml": rules, "scrape_interval: 15s": "scrape_interval: 2s",
	} {
		if !strings.Contains(config, shown) {
			t.Fatalf("docs/%s: the configuration of Prometheus has no %s:\n%s", monitoringPage, shown, config)
		}
		config = strings.ReplaceAll(config, shown, real)
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config+"\nglobal:\n  evaluation_interval: 1s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := ktest.FreeAddress(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus' configuration:\n%s\nand log:\n%s", config, read(t, log.Name()))
		}
	})
	return &prometheus{"http://" + address}
}

// api asks Prometheus' HTTP API for its data.
func (p *prometheus) api(path string, into any) error {
	resp, err := http.Get(p.url + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		return fmt.Errorf("%s: %s %.500s", resp.Status, answer.Error, body)
	}
	return json.Unmarshal(answer.Data, into)
}

// query returns the values of an instant query.
func (p *prometheus) query(expr string) ([]string, error) {
	var data struct{ Result []struct{ Value [2]any } }
	if err := p.api("/api/v1/query?query="+url.QueryEscape(expr), &data); err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	var values []string
	for _, r := range data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values, nil
}

// await asks until there is a value that is a number, for a minute at most.
func (p *prometheus) await(t *testing.T, what, expr string) {
	t.Helper()
	var values []string
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if values, err = p.query(expr); err == nil {
			for _, v := range values {
				if v != "NaN" {
					return
				}
			}
		}
	}
	t.Errorf("%s: %s\ngot %v (%v), want data", what, expr, values, err)
}

// rule is a rule as Prometheus has it.
type rule struct{ Name, Query, Health, LastError, State string }

// rules waits until every rule has been evaluated.
func (p *prometheus) rules(t *testing.T) []rule {
	t.Helper()
	var data struct{ Groups []struct{ Rules []rule } }
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		err := p.api("/api/v1/rules", &data)
		if err == nil && len(data.Groups) == 1 {
			waiting := 0
			for _, r := range data.Groups[0].Rules {
				if r.Health == "unknown" {
					waiting++
				}
			}
			if waiting == 0 {
				return data.Groups[0].Rules
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the rules have not been evaluated: %+v, %v", data, err)
		}
	}
}

// traffic puts and gets until the test ends.
func traffic(t *testing.T, s *ktest.Server) {
	t.Helper()
	s.Organization(t, "acme")
	c, _ := s.Client(t, "acme")
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() { stop(); <-ended })
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_, _ = c.Put(ctx, "h", []byte("x"), nil)
			_, _, _ = c.Get(ctx, "h", 0)
			_, _, _ = c.Get(ctx, "absent", 0)
		}
	}()
}

// selector finds what a query selects of a metric.
var selector = regexp.MustCompile(`\b(?:ktsd|go|process)_[a-z_]+\b(?:\{[^}]*\})?`)

// TestPrometheus has a real Prometheus scrape a real ktsd: all queries of the
// dashboard give data, no rule is wrong, and none sees trouble where there is
// none.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	p := startPrometheus(t, s)
	p.await(t, "the scrape", `up{job="ktsd"} == 1`)
	traffic(t, s)
	panels, annotations := readDashboard(t)
	for title, queries := range panels {
		for _, q := range queries {
			p.await(t, title, q)
		}
	}
	for name, queries := range annotations {
		for _, q := range queries {
			if _, err := p.query(q); err != nil {
				t.Errorf("annotation %s: %v", name, err)
			}
		}
	}
	rules := p.rules(t)
	if len(rules) < 10 {
		t.Errorf("got %d rules", len(rules))
	}
	for _, r := range rules {
		if r.Health != "ok" || r.State == "firing" { // a machine under load may be slow for a while
			t.Errorf("%s: got %s, %s (%s), want ok, and no alarm", r.Name, r.Health, r.State, r.LastError)
		}
		for _, selected := range selector.FindAllString(r.Query, -1) {
			p.await(t, r.Name, selected)
		}
	}
}
