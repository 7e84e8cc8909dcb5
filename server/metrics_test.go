package main_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// scraped is what GET /metrics answered: each series' value, and all of it.
type scraped struct {
	values map[string]float64
	text   string
}

// scrape asks over the admin socket, as curl does it.
func scrape(t *testing.T, s *ktest.Server) scraped {
	t.Helper()
	ktest.Need(t, "curl")
	text := command(t, "", "curl", "-sS", "--fail", "--max-time", "30", "--unix-socket", confdir.Dir(s.Dir).Socket(), "http://ktsd/metrics")
	got := scraped{map[string]float64{}, text}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		at := strings.LastIndex(line, " ")
		if strings.HasPrefix(line, "#") {
			continue
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		got.values[line[:at]] = value
	}
	return got
}

// eventually scrapes until a series has a value.
func eventually(t *testing.T, s *ktest.Server, series string, want float64) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		got := scrape(t, s).values[series]
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: got %v, want %v", series, got, want)
		}
	}
}

// TestMetrics: what is done is counted, the certificate in use is the one of the
// last reload, and no label tells who did what to what.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s, b, id := service(t)
	d := b.keep(t, "secret/handle", []byte("contents"))
	wantContents(t, "get", b.get(t, d.UUID), []byte("contents"))
	b.get(t, uuid.NewString())
	request(t, s.HTTP(t), http.MethodGet, s.URL+"/nowhere", nil)
	for series, want := range map[string]float64{
		`ktsd_requests_total{outcome="ok",route="put"}`:               1,
		`ktsd_requests_total{outcome="ok",route="get"}`:               1,
		`ktsd_requests_total{outcome="not_found",route="get"}`:        1,
		`ktsd_requests_total{outcome="not_found",route="none"}`:       1,
		`ktsd_requests_total{outcome="ok",route="register"}`:          1,
		`ktsd_request_duration_seconds_count{route="get"}`:            2,
		`ktsd_changes_total{result="ok"}`:                             3, // organization, client, deposit
		`ktsd_changes_waiting`:                                        0,
		`ktsd_store_up`:                                               1,
		`ktsd_audit_up`:                                               1,
		`ktsd_audit_pending_rows`:                                     0,
		`ktsd_audit_unsynced_records`:                                 0,
		`ktsd_requests_in_flight`:                                     1,
		`ktsd_certificate_expiry_timestamp_seconds`:                   expiry(t, s),
		`ktsd_request_duration_seconds_bucket{route="get",le="+Inf"}`: 2,
	} {
		eventually(t, s, series, want)
	}

	before := expiry(t, s)
	cert, key, err := tlsconf.SelfSigned("localhost", time.Now().Add(-48*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, confdir.Dir(s.Dir).PrivateKey(), key)
	rewrite(t, confdir.Dir(s.Dir).Certificate(), cert)
	if err := s.Admin().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if expiry(t, s) == before {
		t.Error("the new certificate ends when the old one does")
	}
	eventually(t, s, "ktsd_certificate_expiry_timestamp_seconds", expiry(t, s))

	text := scrape(t, s).text
	for what, secret := range map[string]string{
		"the handle": "secret/handle", "the client": id.key.Fingerprint(), "the server": serverFingerprint(t, s), "the organization": "acme",
		"the deposit": d.UUID, "an address": "127.0.0.1", "the directory": s.Dir,
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
			t.Errorf("the metrics tell %s (%s)", what, secret)
		}
	}
}

// expiry is when the certificate in the directory ends.
func expiry(t *testing.T, s *ktest.Server) float64 {
	t.Helper()
	data, err := os.ReadFile(s.CA())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return float64(cert.NotAfter.Unix())
}

// TestMetricsOfThisHostOnly: over the socket, over loopback, and from an address
// of the host's own they are told; to another host they are not, whatever it
// claims, and the audit says so.
func TestMetricsOfThisHostOnly(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "ip", "curl")
	host, other := otherHost(t)
	dir := ktest.Dir(t)
	ktest.SetConf(t, dir, func(c *confdir.Conf) { c.Listen = c.Listen[strings.LastIndex(c.Listen, ":"):] })
	s := ktest.Start(t, dir)
	scrape(t, s)
	_, port, _ := strings.Cut(s.Addr, ":")
	curl := func(address string) []string {
		return []string{"curl", "-sS", "--max-time", "30", "--cacert", s.CA(), "--resolve", "localhost:" + port + ":" + address,
			"-H", "X-Forwarded-For: 127.0.0.1", "-H", "Forwarded: for=127.0.0.1", "-w", "\n%{http_code} from %{local_ip}", s.URL + "/metrics"}
	}
	for _, address := range []string{"127.0.0.1", "127.0.0.2", host} {
		args := curl(address)
		out := command(t, "", args[0], args[1:]...)
		if !strings.Contains(out, "ktsd_store_up 1") || !strings.Contains(out, "\n200 from ") {
			t.Errorf("over %s: got %.300q, want the metrics", address, out)
		}
	}
	out := command(t, "", "ip", append([]string{"netns", "exec", other}, curl(host)...)...)
	if !strings.Contains(out, `"kind":"denied"`) || !strings.Contains(out, "\n403 from ") || strings.Contains(out, "ktsd_store_up") {
		t.Errorf("from another host: got %.300q, want 403", out)
	}
	_, from, _ := strings.Cut(out, "403 from ")
	var refusals []auditRecord
	for _, r := range auditRecords(t, s.Dir) {
		if r.Action == "host.metrics" {
			refusals = append(refusals, r)
		}
	}
	if len(refusals) != 1 || refusals[0].Outcome != "refused" || refusals[0].Source != from {
		t.Errorf("audited: got %+v, want the one refusal, from %s", refusals, from)
	}
	eventually(t, s, `ktsd_requests_total{outcome="denied",route="metrics"}`, 1)
}

// otherHost makes a network namespace, which is another host as far as ktsd can
// tell, and returns our address that it reaches, and its name.
func otherHost(t *testing.T) (address, name string) {
	t.Helper()
	name = fmt.Sprintf("ktsd-test-%d", os.Getpid())
	link := fmt.Sprintf("kt%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		ktest.Missing(t, fmt.Sprintf("network namespaces (root): %s", out))
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() }) // the link goes with it
	for _, args := range []string{
		"link add " + link + " type veth peer name " + link + "p netns " + name,
		"address add 198.18.113.1/30 dev " + link, // RFC 2544: for tests
		"link set " + link + " up",
		"-n " + name + " address add 198.18.113.2/30 dev " + link + "p",
		"-n " + name + " link set " + link + "p up",
	} {
		command(t, "", "ip", strings.Fields(args)...)
	}
	return "198.18.113.1", name
}

// TestMetricsWithFullDisk: while the database cannot be written the metrics are told, and
// say so; once there is room again, they say that.
func TestMetricsWithFullDisk(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	disk := confdir.Dir(dir).State("db")
	ktest.OwnDisk(t, disk, "size=16m")
	s := ktest.Start(t, dir)
	s.Organization(t, "acme")
	b, _ := newBox(t, s, "acme")
	eventually(t, s, "ktsd_store_up", 1)

	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	refused := 0
	for range 20 { // what is there already may have some room
		if b.put(t, uuid.NewString(), "h", randomBytes(1<<20)).status == http.StatusServiceUnavailable {
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("20 MB were taken on a full disk of 16 MB")
	}
	eventually(t, s, "ktsd_store_up", 0)
	if got := scrape(t, s).values[`ktsd_requests_total{outcome="unavailable",route="put"}`]; got != float64(refused) {
		t.Errorf("refused puts: got %v, want %d", got, refused)
	}
	remove(t, filler)
	eventually(t, s, "ktsd_store_up", 1)
	eventually(t, s, "ktsd_audit_up", 1)
	b.keep(t, "h", []byte("x"))
}

// fill writes a file until the disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		for block := make([]byte, size); err == nil; {
			_, err = f.Write(block)
		}
		err = nil
	}
}
