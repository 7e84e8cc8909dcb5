package main_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/ktest"
)

// The corpus of attacks on HTTP (corpus_test.go) is sent byte by byte, on
// connections of a client that has something to lose: a deposit, which each attack
// would delete, replace or multiply if a request were taken for another.

// victim is that client.
type victim struct {
	box
	s    *ktest.Server
	id   *identity
	kept string // UUID of its only deposit
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	s, b, id := service(t)
	return &victim{box: b, s: s, id: id, kept: b.keep(t, "kept", []byte("contents")).UUID}
}

// fill puts the victim's own into an attack: KEPT, its deposit's UUID; FRESH, one
// that is not used; CERTIFICATE, its certificate in one line.
func (v *victim) fill(raw string) string {
	return strings.NewReplacer("KEPT", v.kept, "FRESH", "6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1",
		"CERTIFICATE", strings.ReplaceAll(string(v.id.certPEM), "\n", " ")).Replace(raw)
}

// unharmed fails the test unless the victim has exactly its deposit.
func (v *victim) unharmed(t *testing.T, after string) {
	t.Helper()
	all, _ := v.list(t, "prefix", "", "show", "all")
	if len(all) != 1 || all[0].UUID != v.kept || all[0].Deleted != nil {
		t.Fatalf("after %s: got the deposits %+v, want the one that was kept", after, all)
	}
}

// attackFrom is the address that attacks come from, which the audit has to name.
const attackFrom = "127.0.0.77"

// attack sends raw bytes and returns the statuses of all answers: first those that
// are expected, and then, with nothing more to come from here, what else there is.
func (v *victim) attack(t *testing.T, raw string, expected int, pairs ...tls.Certificate) (answers []reply) {
	t.Helper()
	answers, err := v.try(t, raw, expected, pairs...)
	if err != nil {
		t.Errorf("after %d answers: %v", len(answers), err)
	}
	return answers
}

// try is attack for where several are made at once.
func (v *victim) try(t *testing.T, raw string, expected int, pairs ...tls.Certificate) (answers []reply, err error) {
	d := tls.Dialer{Config: tlsConfig(t, v.s, pairs...), NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(attackFrom)}}}
	c, err := d.DialContext(t.Context(), "tcp", v.s.Addr)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	conn := c.(*tls.Conn)
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	_, _ = io.WriteString(conn, v.fill(raw)) // a refusal may come first, and then the end
	for r := bufio.NewReader(conn); ; {
		if len(answers) == expected {
			_ = conn.CloseWrite()
		}
		resp, err := http.ReadResponse(r, nil)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			return answers, fmt.Errorf("the connection hangs: %w", err)
		}
		if err != nil {
			return answers, nil
		}
		if resp.StatusCode == http.StatusContinue {
			continue
		}
		a, err := readReply(resp)
		if err != nil {
			return answers, fmt.Errorf("an answer that is cut off: %w", err)
		}
		answers = append(answers, a)
	}
}

// TestAttacksOnFraming: whatever a request says of where it ends, there is one
// answer, or as many as there are requests beyond doubt, and nothing hidden in a
// body is ever executed. Where there is doubt, the connection is closed.
func TestAttacksOnFraming(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	var group sync.WaitGroup
	places := make(chan struct{}, 8) // net/http takes half a second to close a connection
	for _, a := range framing() {
		group.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			answers, err := v.try(t, a.raw, len(a.want), v.id.pair)
			var got []int
			for _, r := range answers {
				got = append(got, r.status)
				if where := r.header.Get("Location"); where != "" {
					t.Errorf("%s: a redirect to %s", a.name, where)
				}
			}
			if err != nil || !slices.Equal(got, a.want) {
				t.Errorf("%s: got answers %v (%v), want %v", a.name, got, err, a.want)
			}
		})
	}
	group.Wait()
	v.unharmed(t, "all of them")
	v.checkLogs(t)
}

// TestAttacksOnPaths: no way of writing a path leads to another resource, or
// anywhere else.
func TestAttacksOnPaths(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	for _, path := range paths() {
		for _, method := range []string{"GET", "PUT", "POST", "DELETE"} {
			what := fmt.Sprintf("%s %.100q", method, path)
			raw := method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
			answers := v.attack(t, raw, 1, v.id.pair)
			if len(answers) != 1 || answers[0].status < 400 || answers[0].status > 499 || answers[0].header.Get("Location") != "" {
				t.Errorf("%s: got %.300v, want one refusal", what, answers)
			}
		}
		v.unharmed(t, fmt.Sprintf("%.100q", path))
	}
	v.checkLogs(t)
}

// TestAttacksOnQueries: what a query says twice, in another way or in excess is
// refused where it counts.
func TestAttacksOnQueries(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	for _, query := range queries() {
		for _, target := range []string{"GET /v1/deposits", "PUT /v1/deposits/FRESH"} {
			method, path, _ := strings.Cut(target, " ")
			what := fmt.Sprintf("%s?%.100q", target, query)
			answers := v.attack(t, method+" "+path+"?"+query+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", 1, v.id.pair)
			if len(answers) != 1 || answers[0].status < 400 || answers[0].status > 499 {
				t.Errorf("%s: got %.300v, want one refusal", what, answers)
			}
		}
		v.unharmed(t, fmt.Sprintf("%.100q", query))
	}
	v.checkLogs(t)
}

// TestAttacksByHeader: no header makes a request another one, or anybody somebody
// else: who calls and from where is told by the connection alone.
func TestAttacksByHeader(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	for _, header := range headers() {
		for _, try := range []struct {
			what, request string
			pairs         []tls.Certificate
			status        int
		}{
			{"a client", "GET /v1/deposits/KEPT", []tls.Certificate{v.id.pair}, http.StatusOK},
			{"a client's own route", "POST /v1/nowhere", []tls.Certificate{v.id.pair}, http.StatusNotFound},
			{"a stranger", "GET /v1/deposits/KEPT", nil, http.StatusUnauthorized},
			{"an unregistered one", "DELETE /v1/deposits/KEPT", []tls.Certificate{newIdentity(t).pair}, http.StatusUnauthorized},
			{"not the operator", "GET /v1/server", []tls.Certificate{v.id.pair}, http.StatusNotFound},
		} {
			answers := v.attack(t, try.request+" HTTP/1.1\r\nHost: localhost\r\n"+header+"\r\n\r\n", 1, try.pairs...)
			if len(answers) != 1 || answers[0].status != try.status {
				t.Errorf("%.60q by %s, %s: got %.300v, want %d", header, try.what, try.request, answers, try.status)
			}
		}
		v.unharmed(t, fmt.Sprintf("%.60q", header))
	}
	v.checkLogs(t)
	if n := len(v.attacked(t)); n < len(headers()) {
		t.Errorf("audit: got %d records from %s, want one at least of each header", n, attackFrom)
	}
}

// checkLogs fails the test where ktsd has logged an error, or its audit names a
// source or an actor that no connection had.
func (v *victim) checkLogs(t *testing.T) {
	t.Helper()
	v.attacked(t)
	wantOK(t, "health after it", request(t, v.s.HTTP(t), http.MethodGet, v.s.URL+"/healthz", nil), nil)
	contains(t, "ktadmin audit verify", ktest.Must(t, "ktadmin", "audit", "verify", "--confdir", v.s.Dir), "records")
	wantNoErrors(t, v.s)
}

// attacked returns the audit's records of what came from attackFrom.
func (v *victim) attacked(t *testing.T) (found []escrow.Record) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(confdir.Dir(v.s.Dir).Audit(), "*.jsonl"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("the audit log has no segments: %v", err)
	}
	for _, name := range segments {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var r escrow.Record
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			if r.Action == "" {
				continue
			}
			if !slices.Contains([]string{"", "socket", "127.0.0.1", attackFrom}, r.Source) {
				t.Errorf("the audit names the source %q: %s", r.Source, line)
			}
			if r.Source == attackFrom {
				found = append(found, r)
			}
		}
	}
	return found
}
