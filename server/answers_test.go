package main_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/pgp"
)

// command runs a program of the system and returns its standard output.
func command(t *testing.T, stdin, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, errs.String())
	}
	return string(out)
}

// TestAnswersTheOriginalsCheck: what the original has an operator run to see whether
// the server works.
func TestAnswersTheOriginalsCheck(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "curl", "gpg")
	s := ktest.Start(t, ktest.Dir(t))
	qualified := strings.TrimSuffix(command(t, "", "curl", "-sS", "-k", s.URL+"/?a=fingerprint"), "\n")
	if !regexp.MustCompile(`^4096R/[0-9A-F]{40}$`).MatchString(qualified) {
		t.Fatalf("?a=fingerprint: got %q, want 4096R/ and 40 hex digits", qualified)
	}
	_, fingerprint, _ := strings.Cut(qualified, "/")

	block := command(t, "", "curl", "-sS", "-k", s.URL+"/?a=pubkey")
	home := t.TempDir()
	chmod(t, home, 0o700)
	command(t, block, "gpg", "--homedir", home, "--batch", "--quiet", "--import")
	listed := command(t, "", "gpg", "--homedir", home, "--batch", "--with-colons", "--list-keys")
	contains(t, "gpg's list of the imported key", listed,
		"\nfpr:::::::::"+fingerprint+":", ":4096:1:", "keytrustee (keytrustee Server Key) <keytrustee@localhost>")

	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if got := command(t, "", "curl", "-sS", "-k", "-f", s.URL+path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	// With the certificate as the CA, -k is not needed.
	if got := command(t, "", "curl", "-sS", "--cacert", s.CA(), s.URL+"/?a=fingerprint"); got != qualified+"\n" {
		t.Errorf("?a=fingerprint with --cacert: got %q, want %q", got, qualified+"\n")
	}
}

// TestAbsentLooksAlike: what is for others is as absent as what is not there.
func TestAbsentLooksAlike(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	b, id := newBox(t, s, "acme")
	absent := anonymous(request(t, b.http, "GET", s.URL+"/v1/nowhere", nil))
	for _, route := range []string{
		"GET /v1/server", "POST /v1/reload", "POST /v1/check", "GET /v1/organizations", "POST /v1/organizations",
		"POST /v1/organizations/acme/contacts", "DELETE /v1/organizations/acme/contacts/a@example.com",
		"PUT /v1/organizations/acme/admission", "PUT /v1/organizations/acme/expiration", "PUT /v1/organizations/acme/management",
		"GET /v1/organizations/acme/usage", "DELETE /v1/organizations/acme?deposits=0",
		"POST /v1/clients/" + id.key.Fingerprint() + "/enable", "POST /v1/clients/" + id.key.Fingerprint() + "/disable",
		"GET /", "GET /?a=privkey", "GET /v1", "GET /v1/", "GET /v1/deposit", "POST /v2/clients", "GET /metrics/x", "GET /.well-known/x",
	} {
		method, path, _ := strings.Cut(route, " ")
		for who, c := range map[string]*http.Client{"a stranger": s.HTTP(t), "a client": b.http} {
			r := request(t, c, method, s.URL+path, nil)
			wantKind(t, route+" from "+who, r, fault.NotFound)
			if got := anonymous(r); got != absent && !strings.HasPrefix(path, "/?") && path != "/" {
				t.Errorf("%s from %s: got\n%s\nwant what an unknown path gets:\n%s", route, who, got, absent)
			}
		}
	}
}

func TestWrongMethod(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	for route, allow := range map[string]string{
		"POST /healthz": "GET, HEAD", "DELETE /": "GET, HEAD", "GET /v1/clients": "POST", "PATCH /v1/deposits": "GET, HEAD",
		"POST /v1/deposits/6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1": "DELETE, GET, HEAD, PUT", "BREW /readyz": "GET, HEAD",
	} {
		method, path, _ := strings.Cut(route, " ")
		r := request(t, s.HTTP(t), method, s.URL+path, nil)
		wantKind(t, route, r, fault.Method)
		if got := r.header.Get("Allow"); got != allow { // RFC 9110, 15.5.6
			t.Errorf("%s: got Allow %q, want %q", route, got, allow)
		}
	}
}

// TestUncleanPaths: a path that is not clean is not there. A redirect to its
// clean form would have a client send its body to another deposit.
func TestUncleanPaths(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	b, id := newBox(t, s, "acme")
	kept := b.keep(t, "kept", []byte("contents"))
	for _, path := range []string{
		"//v1/self", "/v1//self", "/v1/../v1/self", "/v1/./self", "/v1/self/", "/v1/self/.", "/v1/x/../self",
		"/v1/%2e%2e/v1/self", "/v1/%2e/self", "/v1%2fself", "/v1/deposits%2f" + kept.UUID, "/v1/deposits/" + kept.UUID + "%2f",
		"/v1/deposits/x%2f..%2f" + kept.UUID, "/v1/deposits/../deposits/" + kept.UUID, "/v1/deposits//" + kept.UUID,
		"/v1/deposits/" + kept.UUID + "/", "/v1/deposits/", "/..", "/%2e%2e/healthz", "/healthz/", "//", "/%00", `/v1\self`,
	} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			r := write(t, s, method+" "+path+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", id.pair)
			if r.status < 400 || r.status >= 500 || r.header.Get("Location") != "" {
				t.Errorf("%s %s: got %v, Location %q, want a refusal", method, path, r, r.header.Get("Location"))
			}
		}
	}
	wantContents(t, "the deposit after it", b.get(t, kept.UUID), []byte("contents"))
}

// TestClientRoutesNeedACertificate: without one, and with one that nobody
// registered.
func TestClientRoutesNeedACertificate(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	owner, _ := newBox(t, s, "acme")
	kept := owner.keep(t, "kept", []byte("contents"))
	for who, c := range map[string]*http.Client{"no certificate": s.HTTP(t), "an unregistered one": s.HTTP(t, newIdentity(t).pair)} {
		b := box{c, s.URL}
		for what, r := range map[string]reply{
			"self": request(t, c, "GET", s.URL+"/v1/self", nil), "put": b.put(t, kept.UUID, "kept", []byte("x")),
			"get": b.get(t, kept.UUID), "get by handle": b.getHandle(t, "kept"), "list": request(t, c, "GET", b.find("prefix", ""), nil),
			"delete": b.delete(t, kept.UUID), "undelete": b.undelete(t, kept.UUID),
		} {
			wantKind(t, what+" with "+who, r, fault.Unauthenticated)
		}
	}
	wantContents(t, "the deposit after it", owner.get(t, kept.UUID), []byte("contents"))
}

func TestPubkeyIsTheFingerprints(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	r := request(t, s.HTTP(t), "GET", s.URL+"/?a=pubkey", nil)
	key, err := pgp.ParsePublicKey(r.body, time.Now())
	if err != nil {
		t.Fatalf("?a=pubkey: %v", err)
	}
	if got, want := key.Fingerprint(), serverFingerprint(t, s); got != want {
		t.Errorf("fingerprint of the public key: got %s, want %s", got, want)
	}
}

// TestHTTPVersions: both versions of HTTP give the same answers.
func TestHTTPVersions(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	s.Organization(t, "acme")
	id := newIdentity(t)
	wantOK(t, "registering", id.register(t, s, id.registration(t, s, "acme")), nil)
	for want, protocols := range map[string][]string{"HTTP/2.0": {"h2"}, "HTTP/1.1": {"http/1.1"}} {
		c := s.HTTP(t, id.pair)
		transport := c.Transport.(*http.Transport)
		transport.ForceAttemptHTTP2 = want == "HTTP/2.0"
		if want == "HTTP/1.1" {
			transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
			transport.TLSClientConfig.NextProtos = protocols
		}
		b := box{c, s.URL}
		contents := []byte("over " + want)
		d := b.keep(t, want, contents)
		r := b.get(t, d.UUID)
		wantContents(t, want, r, contents)
		if r.proto != want {
			t.Errorf("protocol: got %s, want %s", r.proto, want)
		}
		wantKind(t, "an absent one over "+want, b.getHandle(t, "absent"), fault.NotFound)
		for name, value := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Length": fmt.Sprint(len(contents))} {
			if got := r.header.Get(name); got != value {
				t.Errorf("%s: got %s %q, want %q", want, name, got, value)
			}
		}
	}
}
