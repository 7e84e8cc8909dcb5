package main_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestOpenAPIFuzz makes requests of what the server says of its API, valid ones
// and spoiled ones, as anybody. Each answer is one that the document has for that
// operation, none is an error of the server's, and at the end nothing has suffered.
// KTSD_FUZZ_SEED repeats a run's requests.
func TestOpenAPIFuzz(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("KTSD_FUZZ_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("KTSD_FUZZ_SEED=%d", seed)
	f := newFuzz(t, seed)
	f.s.Organization(t, "witness")
	witness, id := newBox(t, f.s, "witness")
	f.skip["witness"], f.skip[id.key.Fingerprint()] = true, true
	kept := witness.keep(t, "kept", []byte("contents"))

	end := time.Now().Add(soak(8*time.Second, 5*time.Minute))
	for round := 0; time.Now().Before(end) || round < 40; round++ {
		if round%4 == 0 {
			f.renew()
		}
		for _, op := range f.doc.operations() {
			f.once(op)
		}
		if t.Failed() {
			break
		}
	}
	f.report()

	wantOK(t, "health after it", request(t, f.s.HTTP(t), http.MethodGet, f.s.URL+"/healthz", nil), nil)
	wantContents(t, "the deposit of another client after it", witness.get(t, kept.UUID), []byte("contents"))
	contains(t, "ktadmin audit verify", ktest.Must(t, "ktadmin", "audit", "verify", "--confdir", f.s.Dir), "records")
	if code := f.s.Stop(t); code != 0 {
		t.Errorf("ktsd ended with exit code %d", code)
	}
	wantNoErrors(t, f.s)
}

// wantNoErrors fails the test where ktsd has logged an error or a panic.
func wantNoErrors(t *testing.T, s *ktest.Server) {
	t.Helper()
	for line := range strings.Lines(s.Log()) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") {
			t.Errorf("ktsd logged: %s", line)
		}
	}
}

// fuzz is one run.
type fuzz struct {
	*generator
	t       *testing.T
	s       *ktest.Server
	id      *identity
	callers map[string]*http.Client
	hits    map[string]map[int]int // answers, by operation and status
}

func newFuzz(t *testing.T, seed uint64) *fuzz {
	t.Helper()
	s := ktest.Start(t, ktest.Dir(t), "--log-level", "info")
	f := &fuzz{
		generator: &generator{Rand: rand.New(rand.NewPCG(seed, 0)), doc: openAPI(t, s), pool: map[string][]string{}, skip: map[string]bool{}},
		t:         t, s: s, hits: map[string]map[int]int{},
	}
	s.Organization(t, "acme")
	conf, err := os.ReadFile(confdir.Dir(s.Dir).Conf())
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, confdir.Dir(s.Dir).NextConf(), conf) // to be checked
	f.callers = map[string]*http.Client{"nobody": s.HTTP(t), "unregistered": s.HTTP(t, newIdentity(t).pair), "socket": socketHTTP(t, s)}
	for _, c := range f.callers {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	f.keep("organization", "acme")
	f.keep("contact", "finn@example.com")
	return f
}

// renew makes sure that the client is served: operations may have shut it out.
func (f *fuzz) renew() {
	f.t.Helper()
	if f.id != nil && request(f.t, f.callers["client"], http.MethodGet, f.s.URL+"/v1/deposits?prefix=", nil).status == http.StatusOK {
		return
	}
	admin, ctx := f.s.Admin(), f.t.Context()
	if err := admin.CreateOrganization(ctx, client.NewOrganization{Name: "acme"}); err != nil && !errors.Is(err, client.ErrConflict) {
		f.t.Fatal(err)
	}
	if err := errors.Join(admin.SetAdmission(ctx, "acme", "automatic", ""), admin.SetExpiration(ctx, "acme", client.Never())); err != nil {
		f.t.Fatal(err)
	}
	f.id = newIdentity(f.t)
	source := fmt.Sprintf("127.0.%d.%d", 100+f.IntN(100), 1+f.IntN(250))
	wantOK(f.t, "registering", post(f.t, from(f.t, f.s, source, f.id.pair), f.s, f.id.registration(f.t, f.s, "acme")), nil)
	f.callers["client"], f.callers["client, HTTP/1.1"] = f.s.HTTP(f.t, f.id.pair), f.s.HTTP(f.t, f.id.pair)
	old := f.callers["client, HTTP/1.1"].Transport.(*http.Transport)
	old.ForceAttemptHTTP2, old.TLSNextProto = false, map[string]func(string, *tls.Conn) http.RoundTripper{}
	f.keep("fingerprint", f.id.key.Fingerprint())
}

// once makes one request for an operation, more or less, and checks the answer.
func (f *fuzz) once(op *operation) {
	f.t.Helper()
	r := f.generator.request(op)
	who := f.caller(op)
	if op.OperationID == "register" && f.IntN(3) == 0 {
		r.body = marshal(f.id.registration(f.t, f.s, "acme"))
	}
	if f.IntN(2) == 0 {
		for range 1 + f.IntN(2) {
			f.spoil(r, op)
		}
	}
	if wants := r.header.Get("Expect"); wants != "" && wants != "100-continue" {
		r.header.Del("Expect")
	}
	answer, err := f.send(who, r)
	if err != nil {
		if len(r.target.RequestURI()) < 8<<10 && !unsendable(err) {
			f.t.Errorf("%s by %s: %.300v", r, who, err)
		}
		return // what is too large for a header may be cut off
	}
	if answer.header.Get("Ktsd-Request-Id") == "" && len(r.spoiled) > 0 && slices.Contains([]int{400, 417, 431}, answer.status) {
		return // net/http's own, of what is no HTTP
	}
	addressed := f.doc.addressed(r.method, r.target, who == "socket")
	if err := f.doc.check(addressed, r.method, answer); err != nil {
		f.t.Errorf("%s by %s: got %.300s: %v", r, who, answer, err)
	}
	name := "none"
	if addressed != nil {
		name = addressed.OperationID
	}
	if f.hits[name] == nil {
		f.hits[name] = map[int]int{}
	}
	f.hits[name][answer.status]++
	if answer.status < 300 && name != "openapi" {
		var value any
		if json.Unmarshal(answer.body, &value) == nil {
			f.learn(value)
		}
	}
}

// caller chooses who makes a request, mostly somebody whom the operation is for.
func (f *fuzz) caller(op *operation) string {
	names := slices.Sorted(maps.Keys(f.callers))
	if f.IntN(4) == 0 {
		return choose(f.generator, names)
	}
	switch op.Tags[0] {
	case "operator":
		return "socket"
	case "client":
		return choose(f.generator, []string{"client", "client, HTTP/1.1"})
	}
	return choose(f.generator, []string{"nobody", "unregistered", "client"})
}

func (f *fuzz) send(who string, r *generated) (reply, error) {
	base := f.s.URL
	if who == "socket" {
		base = "http://ktsd"
	}
	target, err := url.Parse(base)
	if err != nil {
		return reply{}, err
	}
	target.Path, target.RawPath, target.RawQuery = r.target.Path, r.target.RawPath, r.target.RawQuery
	req, err := http.NewRequest(r.method, base, strings.NewReader(string(r.body)))
	if err != nil {
		return reply{}, err
	}
	req.URL, req.Header = target, r.header
	if len(r.body) == 0 {
		req.Body, req.ContentLength = nil, 0
	}
	c := f.callers[who]
	if who == "client" && strings.HasPrefix(target.Path, "/v1/clients") && f.IntN(2) == 0 {
		c = from(f.t, f.s, fmt.Sprintf("127.0.%d.%d", 1+f.IntN(90), 1+f.IntN(250)), f.id.pair) // refusals from one address are limited
		defer c.CloseIdleConnections()
	}
	resp, err := c.Do(req)
	if err != nil {
		return reply{}, err
	}
	return readReply(resp)
}

// unsendable says whether it was Go's client that refused to send a request.
func unsendable(err error) bool {
	return strings.Contains(err.Error(), "net/http: ") || strings.Contains(err.Error(), "invalid")
}

// report logs what was answered, and fails the test where most operations have
// never succeeded, or hardly anything was refused: then it tries too little.
func (f *fuzz) report() {
	f.t.Helper()
	var never []string
	all := f.doc.operations()
	for _, op := range all {
		f.t.Logf("%-20s %v", op.OperationID, f.hits[op.OperationID])
		if f.hits[op.OperationID][200]+f.hits[op.OperationID][201] == 0 {
			never = append(never, op.OperationID)
		}
	}
	f.t.Logf("%-20s %v", "none", f.hits["none"])
	if len(never) > len(all)/4 {
		f.t.Errorf("these operations have never succeeded: %v", never)
	}
}
