package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/proof"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// Registration is what Register needs to know.
type Registration struct {
	Servers      []string // URLs like https://kts01.example.com:11371, tried in order
	Organization string
	AuthCode     string // "" where the organization asks for none
	Name         string // of this client, for people; "" for the host's
	CA           string // file of the certificates that vouch for the servers; "" for the system's roots
	Fingerprint  string // of the server's OpenPGP key, 4096R/… or 40 hex digits; without CA it alone vouches for the servers
	KeyType      string // "ed25519" (the default) or "rsa4096"

	known *knownKeys // of the server with the fingerprint, where that vouches for it
}

// Registered tells how a registration ended.
type Registered struct {
	Fingerprint string // of this client: 40 hex digits
	Server      string // fingerprint of the server, qualified: 4096R/…
	State       string // active, or pending until somebody approves
	Before      bool   // it was registered before: no key and no state was changed
}

// Register makes the client's keys in dir, unless they are there, and has the
// organization's server know them. It authenticates the server before it sends
// anything (ErrUntrusted otherwise): by certificates, or where Fingerprint is given
// without CA by what the server says of its TLS key, signed with that OpenPGP key. A
// wrong organization or code is ErrDenied. Interrupted, it is simply called again.
func Register(ctx context.Context, dir string, r Registration) (Registered, error) {
	if err := r.check(); err != nil {
		return Registered{}, err
	}
	d := directory(dir)
	if unlock, err := d.lock(); err == nil {
		defer unlock()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Registered{}, err
	}
	if before, err := registeredBefore(ctx, d, &r); err != nil || before.Before {
		return before, err
	}
	server, serverKey, err := r.meetServer(ctx)
	if err != nil {
		return Registered{}, err
	}
	have, err := d.readConf()
	if err == nil && have.ServerFingerprint != server {
		return Registered{}, errOtherServer(have.ServerFingerprint, server)
	}
	key, err := r.makeKeys(d)
	if err != nil {
		return Registered{}, err
	}
	if err := d.write(d.publicKeyring(), pgp.PublicKeyring(key.Public(), serverKey), 0o600); err != nil {
		return Registered{}, err
	}
	client, err := r.send(ctx, d, key, server)
	if err != nil {
		return Registered{}, err
	}
	if err := r.keepKnown(d); err != nil {
		return Registered{}, err
	}
	err = d.writeConf(conf{
		Servers: r.Servers, Organization: r.Organization, ClientName: r.Name,
		LocalFingerprint: key.Fingerprint(), ServerFingerprint: server, CA: r.CA != "", Statement: r.known != nil,
		Retire: have.Retire,
	})
	return Registered{Fingerprint: client.Fingerprint, Server: server, State: client.State}, err
}

// check brings the request to its form.
func (r *Registration) check() (err error) {
	if r.KeyType == "" {
		r.KeyType = string(pgp.Ed25519)
	}
	if r.Fingerprint != "" {
		if r.Fingerprint, err = parseFingerprint(r.Fingerprint); err != nil {
			return err
		}
	}
	r.Servers, err = baseURLs(r.Servers)
	return err
}

// authority returns who vouches for the servers.
func (r *Registration) authority() authority {
	if r.CA == "" && r.Fingerprint != "" && r.known == nil {
		r.known = newKnownKeys(bareFingerprint(r.Fingerprint))
	}
	return authority{ca: r.CA, known: r.known}
}

// keepKnown keeps what was learnt of the server's TLS keys.
func (r *Registration) keepKnown(d directory) error {
	if r.known == nil {
		return nil
	}
	return r.known.keepIn(d)
}

// baseURLs brings servers to the form https://HOST[:PORT], and refuses what is
// none: nothing is ever sent but over TLS.
func baseURLs(servers []string) ([]string, error) {
	if len(servers) == 0 {
		return nil, fault.New(fault.Invalid, "no server is given").WithHint("like https://kts01.example.com:11371")
	}
	urls := make([]string, len(servers))
	for i, s := range servers {
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
			return nil, fault.New(fault.Invalid, "%q is not a server's URL", s).WithHint("like https://kts01.example.com:11371")
		}
		urls[i] = "https://" + u.Host
	}
	return urls, nil
}

// registeredBefore tells whether d is registered already, as the server sees it. What
// vouched for the server then does so again, unless r says otherwise.
func registeredBefore(ctx context.Context, d directory, r *Registration) (Registered, error) {
	have, err := d.readConf()
	if errors.Is(err, fs.ErrNotExist) {
		return Registered{}, nil
	} else if err != nil {
		return Registered{}, err
	}
	if have.Organization == "" {
		return Registered{}, fault.New(fault.Conflict, "%s is not a client's directory", d).
			WithHint("a server's directory holds the server's own keys: use another --confdir")
	}
	if have.Organization != r.Organization {
		return Registered{}, fault.New(fault.Conflict, "%s is registered with organization %s", d, have.Organization).
			WithHint("a client belongs to one organization: use another --confdir for %s", r.Organization)
	}
	if err := r.moveServers(ctx, d, have); err != nil {
		return Registered{}, err
	}
	if !d.hasCertificate() {
		return Registered{}, nil // another TLS key is to be made and bound
	}
	c, err := Open(string(d))
	if err != nil {
		return Registered{}, err
	}
	status, err := c.Status(ctx)
	if errors.Is(err, fault.Unauthenticated) {
		return Registered{}, nil // the server does not know it: register it there
	}
	if err != nil {
		return Registered{}, err
	}
	return Registered{Fingerprint: status.Fingerprint, Server: status.Server, State: status.State, Before: true}, nil
}

// moveServers takes up other addresses of the same server, or a second one of the
// same site, and another way to know them. Without one it stays with the one there
// is.
func (r *Registration) moveServers(ctx context.Context, d directory, have conf) error {
	given := r.CA != "" || r.Fingerprint != ""
	switch {
	case given:
	case have.Statement:
		r.Fingerprint = have.ServerFingerprint
	case have.CA:
		r.CA = d.ca()
	}
	if slices.Equal(have.Servers, r.Servers) && !given {
		return nil
	}
	server, _, err := r.meetServer(ctx)
	if err != nil {
		return err
	}
	if server != have.ServerFingerprint {
		return errOtherServer(have.ServerFingerprint, server)
	}
	if err := r.copyCA(d); err != nil {
		return err
	}
	if err := r.keepKnown(d); err != nil {
		return err
	}
	have.Servers, have.CA, have.Statement = r.Servers, r.CA != "", r.known != nil
	return d.writeConf(have)
}

// errOtherServer refuses a server that could not stand for the one whose
// fingerprint is in every deposit's signature.
func errOtherServer(known, met string) error {
	return fault.New(fault.Untrusted, "this client is registered with server %s, and this is %s", known, met).
		WithHint("what was deposited there is bound to that server; for another one use another --confdir")
}

// copyCA keeps the certificates that vouch for the servers.
func (r *Registration) copyCA(d directory) error {
	if r.CA == "" || r.CA == d.ca() {
		return nil
	}
	pem, err := os.ReadFile(r.CA)
	if err != nil {
		return err
	}
	return d.write(d.ca(), pem, 0o600)
}

// meetServer authenticates the server, and asks for its OpenPGP key.
func (r *Registration) meetServer(ctx context.Context) (qualified string, key *pgp.PublicKey, err error) {
	remote, err := newRemote(r.Servers, r.authority(), "", "")
	if err != nil {
		return "", nil, err
	}
	remote.asks = r.CA == "" && r.Fingerprint == ""
	a, err := remote.send(ctx, http.MethodGet, "/", url.Values{"a": {"fingerprint"}}, nil)
	if err != nil {
		return "", nil, err
	}
	qualified = strings.TrimSpace(string(a.body))
	if !fingerprintForm.MatchString(qualified) {
		return "", nil, fault.New(fault.Internal, "the server does not tell a fingerprint").WithHint("is it a Key Trustee server?")
	}
	if a, err = remote.send(ctx, http.MethodGet, "/", url.Values{"a": {"pubkey"}}, nil); err != nil {
		return "", nil, err
	}
	if key, err = pgp.ParsePublicKey(a.body, time.Now()); err != nil {
		return "", nil, fmt.Errorf("reading the server's OpenPGP key: %w", err)
	}
	if key.Qualified() != qualified {
		return "", nil, fault.New(fault.Untrusted, "the server's OpenPGP key %s is not the %s that it names", key.Qualified(), qualified)
	}
	if r.Fingerprint != "" && r.Fingerprint != qualified && r.Fingerprint != key.Fingerprint() {
		return "", nil, fault.New(fault.Untrusted, "the server's OpenPGP key is %s, and not %s", qualified, r.Fingerprint).
			WithHint("compare the fingerprint with what the server's own host says")
	}
	return qualified, key, nil
}

// makeKeys makes what is missing of the client's directory.
func (r *Registration) makeKeys(d directory) (*pgp.SecretKey, error) {
	if err := d.make(); err != nil {
		return nil, fmt.Errorf("making the client's directory: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("finding this host's name: %w", err)
	}
	if r.Name == "" {
		r.Name = host
	}
	key, err := d.ensureKey(userName(r.Name), host, pgp.KeyType(r.KeyType))
	if err != nil {
		return nil, err
	}
	if err := r.copyCA(d); err != nil {
		return nil, err
	}
	return key, d.ensureCertificate(key.Fingerprint())
}

// userName is name as the local part of a mail address, which a user ID has.
func userName(name string) string {
	name, _, _ = strings.Cut(name, ".")
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '-'
	}, name)
}

// send signs for the TLS key and has the server know both.
func (r *Registration) send(ctx context.Context, d directory, key *pgp.SecretKey, server string) (api.Client, error) {
	var out api.Client
	pair, err := tlsconf.LoadPair(d.certificate(), d.certificateKey())
	if err != nil {
		return out, err
	}
	remote, err := newRemote(r.Servers, r.authority(), d.certificate(), d.certificateKey())
	if err != nil {
		return out, err
	}
	_, fingerprint, _ := strings.Cut(server, "/")
	now := time.Now().UTC().Truncate(time.Second)
	signature, err := key.Sign(proof.Registration(r.Organization, fingerprint, tlsconf.KeyHash(pair.Leaf), now))
	if err != nil {
		return out, fmt.Errorf("signing the registration: %w", err)
	}
	public, err := key.Public().Armored()
	if err != nil {
		return out, err
	}
	err = remote.call(ctx, http.MethodPost, "/v1/clients", nil, api.Registration{
		Organization: r.Organization, Name: r.Name, AuthCode: r.AuthCode,
		PublicKey: public, Time: now, Signature: signature,
	}, &out)
	return out, err
}
