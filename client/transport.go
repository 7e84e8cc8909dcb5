package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// requestTimeout bounds one request to one server, connecting included.
const requestTimeout = 15 * time.Second

// What is read of an answer at most, in bytes: a page or a deposit, and on the
// admin socket a list of everything.
const (
	maxAnswer      = 4 << 20
	maxAdminAnswer = 256 << 20
)

// remote is the servers of one site, which all answer for the same deposits.
type remote struct {
	servers   []string // base URLs
	http      *http.Client
	header    http.Header // of each request; nil: none
	maxAnswer int64       // bytes
	known     *knownKeys  // what vouches for the servers; nil: certificates do
	asks      bool        // have a server that nobody vouches for say who it is, for the error

	renew func(context.Context) *remote // with another TLS key, once this one is not known any more; nil: there is none
	next  atomic.Pointer[remote]        // what renew returned: it has taken the place of this one
}

// authority is who vouches for the servers.
type authority struct {
	ca    string     // file of the only certificates that do; "" for the system's roots
	known *knownKeys // in place of certificates: what the server's OpenPGP key signs
}

// newRemote makes the connections' settings. With no certFile the client shows no
// certificate.
func newRemote(servers []string, by authority, certFile, keyFile string) (*remote, error) {
	var cert *tls.Certificate
	if certFile != "" {
		var err error
		if cert, err = tlsconf.LoadPair(certFile, keyFile); err != nil {
			return nil, err
		}
	}
	r := &remote{servers: servers, maxAnswer: maxAnswer, known: by.known}
	if by.known != nil {
		r.http = newHTTPClient(tlsconf.Pinned(cert, by.known.has))
		return r, nil
	}
	var roots *x509.CertPool
	if by.ca != "" {
		pem, err := os.ReadFile(by.ca)
		if err != nil {
			return nil, fmt.Errorf("reading the CA: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.Invalid, "%s holds no certificate", by.ca).WithHint("it must be PEM: -----BEGIN CERTIFICATE-----")
		}
	}
	r.http = newHTTPClient(tlsconf.Client(roots, cert))
	return r, nil
}

// newHTTPClient connects with the settings of package tlsconf.
func newHTTPClient(config *tls.Config) *http.Client {
	return &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			TLSClientConfig: config, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is an answer of status 200 or 201.
type answer struct {
	header http.Header
	body   []byte
}

// send makes a request, with the client's next TLS key where the servers do not know
// this one any more.
func (r *remote) send(ctx context.Context, method, path string, query url.Values, body []byte) (answer, error) {
	if next := r.next.Load(); next != nil {
		return next.send(ctx, method, path, query, body)
	}
	a, err := r.sendOnce(ctx, method, path, query, body)
	if r.renew == nil || !errors.Is(err, fault.Unauthenticated) {
		return a, err
	}
	next := r.renew(ctx)
	if next == nil {
		return a, err
	}
	r.next.Store(next)
	r.http.CloseIdleConnections()
	return next.send(ctx, method, path, query, body)
}

// sendOnce makes one request of the first server that takes it. A server that cannot
// be reached, or says that it cannot answer now, is passed over for the next;
// what any other one says holds.
func (r *remote) sendOnce(ctx context.Context, method, path string, query url.Values, body []byte) (answer, error) {
	var errs []error
	for _, server := range r.servers {
		a, err := r.sendTo(ctx, server, method, path, query, body)
		if err == nil {
			return a, nil
		}
		if !errors.Is(err, fault.Unavailable) && !errors.Is(err, fault.OutcomeUnknown) {
			return answer{}, err
		}
		errs = append(errs, err)
	}
	if len(errs) == 1 {
		return answer{}, errs[0]
	}
	kind := fault.Unavailable
	for _, err := range errs {
		if errors.Is(err, fault.OutcomeUnknown) {
			kind = fault.OutcomeUnknown
		}
	}
	return answer{}, fault.New(kind, "none of the %d servers took the request", len(errs)).Because(errors.Join(errs...))
}

func (r *remote) sendTo(ctx context.Context, server, method, path string, query url.Values, body []byte) (answer, error) {
	target := server + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	resp, err := r.exchange(ctx, server, method, target, body)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, r.maxAnswer+1))
	if err == nil && int64(len(data)) > r.maxAnswer {
		kind := fault.Unavailable
		if method != http.MethodGet {
			kind = fault.OutcomeUnknown
		}
		return answer{}, fault.New(kind, "the answer of %s to %s %s has more than %d bytes", server, method, path, r.maxAnswer)
	}
	if err != nil {
		return answer{}, r.unreached(ctx, server, method, err)
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		return answer{}, withRetry(api.ReadError(resp.StatusCode, data), resp.Header)
	}
	return answer{resp.Header, data}, nil
}

// withRetry adds when the server wants to be asked again, where it says so.
func withRetry(f *fault.Error, h http.Header) *fault.Error {
	seconds, err := strconv.ParseInt(h.Get("Retry-After"), 10, 32)
	if err != nil || seconds <= 0 {
		return f // absent, or a date, which ours never sends
	}
	f.Retry = time.Duration(seconds) * time.Second
	when := fmt.Sprintf("the server asks to wait %s", f.Retry)
	if f.Hint != "" {
		when = f.Hint + "; " + when
	}
	return f.WithHint("%s", when)
}

// maxAsks bounds how often a server is asked who it is for one request. More than
// once is right where its certificate is replaced at that moment, or where one name
// leads to several servers.
const maxAsks = 3

// exchange makes a request of a server that is authenticated, and of no other. Where
// keys are what it is known by, it is asked about one that is not known, and the
// request is made again: it was not sent.
func (r *remote) exchange(ctx context.Context, server, method, target string, body []byte) (*http.Response, error) {
	for try := 1; ; try++ {
		req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
		if err != nil {
			return nil, fault.New(fault.Invalid, "%v", err)
		}
		for name, values := range r.header {
			req.Header[name] = values
		}
		if body == nil {
			req.Body, req.ContentLength = nil, 0
		} else if method != http.MethodPut {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := r.http.Do(req)
		if err == nil {
			return resp, nil
		}
		seen := tlsconf.UnverifiedPeer(err)
		if seen == nil || r.known == nil {
			return nil, r.unreached(ctx, server, method, err)
		}
		err = errAnotherKey
		if try <= maxAsks {
			err = r.known.ask(ctx, server, seen)
		}
		switch {
		case err == nil || errors.Is(err, errAnotherKey) && try < maxAsks:
		case errors.Is(err, fault.Unavailable):
			return nil, err
		default:
			return nil, errStranger(server, seen, err)
		}
	}
}

// unreached tells why there is no answer. A request that changes something may
// have arrived all the same.
func (r *remote) unreached(ctx context.Context, server, method string, err error) error {
	inner := err
	if u, ok := errors.AsType[*url.Error](err); ok {
		inner = u.Err // the URL itself may hold a handle
	}
	if seen := tlsconf.UnverifiedPeer(err); seen != nil {
		if r.asks {
			if key, _, err := introduction(ctx, server, tlsconf.KeyHash(seen)); err == nil {
				return errUnknown(server, seen, inner, key.Qualified())
			}
		}
		return fault.New(fault.Untrusted, "%s could not be authenticated, and nothing was sent to it: %v\n"+
			"the SHA-256 fingerprint of the certificate it showed is\n%s", server, inner, tlsconf.CertificateFingerprint(seen)).
			WithHint("%s", trustHint(err, seen))
	}
	kind, hint := fault.Unavailable, "is ktsd running there, and the port open? curl -k "+server+"/healthz"
	if server == adminServer {
		hint = "what ktsd logged tells more: journalctl -u ktsd"
	}
	dial, ok := errors.AsType[*net.OpError](inner)
	if method != http.MethodGet && (!ok || dial.Op != "dial") { // it was connected, and may have been heard
		kind, hint = fault.OutcomeUnknown, "do the same again: it is done at most once"
	}
	return fault.New(kind, "no answer from %s", server).WithHint("%s", hint).Because(inner)
}

// trustHint says what to do about a server that was not authenticated.
func trustHint(err error, seen *x509.Certificate) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "use a name that its certificate has: " + strings.Join(seen.DNSNames, ", ")
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "the server's operator: the certificate is out of date; or this host's clock is"
	}
	if seen.CheckSignatureFrom(seen) != nil && !bytes.Equal(seen.RawIssuer, seen.RawSubject) {
		return "give the certificate of the CA that signed it with --ca; if that was given, the server does not show the certificates between: its operator puts them after its own"
	}
	return "it is self-signed: compare that on the server's host (openssl x509 -noout -fingerprint -sha256 " +
		"-in .ssl/ssl-cert-keytrustee.pem), bring that file here, and register with --ca FILE, also when registered before"
}

// get fetches JSON into v.
func (r *remote) get(ctx context.Context, path string, query url.Values, v any) error {
	return r.call(ctx, http.MethodGet, path, query, nil, v)
}

// call sends in as JSON, where it is not nil, and reads the answer into out.
func (r *remote) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	a, err := r.send(ctx, method, path, query, body)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return fault.New(fault.Internal, "the server's answer to %s %s is not understood", method, path).Because(err)
	}
	return nil
}
