package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/proof"
)

// Client is a registered client. It is safe for concurrent use.
type Client struct {
	dir    directory
	conf   conf
	key    *pgp.SecretKey
	remote *remote

	sending sync.Map // UUIDs of the puts that calls have under way
}

// Open reads a client's directory. It sends nothing. A directory that was never
// registered is ErrNotRegistered.
func Open(dir string) (*Client, error) {
	c := &Client{dir: directory(dir)}
	var err error
	if c.conf, err = c.dir.readConf(); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Unauthenticated, "%s is not registered", dir).
			WithHint("keytrustee register --server URL --org NAME")
	} else if err != nil {
		return nil, err
	}
	if c.conf.Servers, err = baseURLs(c.conf.Servers); err != nil {
		return nil, fmt.Errorf("%s: %w", c.dir.conf(), err)
	}
	if c.key, err = c.dir.readKey(); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "the client's OpenPGP key %s is missing", c.dir.secretKeyring()).
			WithHint("restore it from a backup of %s: nothing else decrypts what this client deposited", dir)
	} else if err != nil {
		return nil, err
	}
	if !c.dir.hasCertificate() {
		return nil, fault.New(fault.NotFound, "the client's TLS key or certificate is missing from %s", dir).
			WithHint("restore client-key.pem and client-cert.pem, or register again: that makes new ones and keeps the deposits")
	}
	if c.key.Fingerprint() != c.conf.LocalFingerprint {
		return nil, fault.New(fault.Conflict, "%s holds the key %s, and %s names %s", c.dir.secretKeyring(), c.key.Fingerprint(), c.dir.conf(), c.conf.LocalFingerprint).
			WithHint("restore both from one backup of %s", dir)
	}
	c.remote, err = c.connectNow()
	return c, err
}

// Fingerprint returns the client's OpenPGP fingerprint: 40 upper-case hex digits.
func (c *Client) Fingerprint() string { return c.key.Fingerprint() }

// Status is what the server says of the client.
type Status struct {
	Fingerprint  string
	Server       string // fingerprint of the server's OpenPGP key, qualified: 4096R/…
	Organization string
	Name         string
	State        string // pending, active, disabled
	Registered   time.Time
	Waiting      int      // puts that no server has confirmed yet
	Rotating     bool     // RotateCertificate was interrupted before the new TLS key was in use
	Retiring     []string // earlier TLS keys that it has yet to retire: 64 hex digits
}

// Status asks the server about the client. It is answered in every state; one
// that the server does not know is ErrNotRegistered.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var self api.Client
	if err := c.remote.get(ctx, "/v1/self", nil, &self); err != nil {
		return Status{}, err
	}
	waiting, err := c.dir.readPending()
	if err != nil {
		return Status{}, err
	}
	now, err := c.dir.readConf() // a rotation writes to it
	return Status{
		Fingerprint: self.Fingerprint, Server: c.conf.ServerFingerprint, Organization: self.Organization,
		Name: self.Name, State: self.State, Registered: self.Created, Waiting: len(waiting),
		Rotating: c.dir.isRotating(), Retiring: now.Retire,
	}, err
}

// Get returns a deposit and its plaintext: version 0 is the latest. The server's
// answer is decrypted, and refused with ErrCorrupt unless this client signed it
// for this very deposit.
func (c *Client) Get(ctx context.Context, handle string, version int64) (Deposit, []byte, error) {
	if err := names.CheckHandle(handle); err != nil {
		return Deposit{}, nil, fault.New(fault.Invalid, "%v", err)
	}
	query := url.Values{"handle": {handle}}
	if version != 0 {
		query.Set("version", strconv.FormatInt(version, 10))
	}
	a, err := c.remote.send(ctx, http.MethodGet, "/v1/deposits", query, nil)
	if errors.Is(err, fault.NotFound) {
		return Deposit{}, nil, errNoDeposit(handle)
	} else if err != nil {
		return Deposit{}, nil, err
	}
	d, err := describe(a.header, handle)
	if err != nil {
		return Deposit{}, nil, err
	}
	d.Size = int64(len(a.body))
	if version != 0 && d.Version != version {
		return Deposit{}, nil, fault.New(fault.Corrupt, "the server answered version %d for version %d", d.Version, version)
	}
	plaintext, err := pgp.Decrypt(a.body, c.key, c.context(d.UUID, handle))
	if err != nil {
		return Deposit{}, nil, fault.New(fault.Corrupt, "what the server answered for %q is not what this client put there", handle).
			WithHint("try another version (keytrustee list --all), and have the server's operator look at deposit %s", d.UUID).Because(err)
	}
	return d, plaintext, nil
}

func errNoDeposit(handle string) error {
	return fault.New(fault.NotFound, "no such deposit: %q", handle).WithHint("keytrustee list shows those that exist")
}

// describe reads a deposit's description from an answer's header.
func describe(h http.Header, handle string) (Deposit, error) {
	version, err := strconv.ParseInt(h.Get(api.HeaderVersion), 10, 64)
	if err != nil {
		return Deposit{}, fault.New(fault.Internal, "the answer has no %s", api.HeaderVersion).WithHint("is it a Key Trustee server?")
	}
	created, err := time.Parse(time.RFC3339, h.Get(api.HeaderCreated))
	if err != nil {
		return Deposit{}, fault.New(fault.Internal, "the answer has no %s", api.HeaderCreated).WithHint("is it a Key Trustee server?")
	}
	d := Deposit{UUID: h.Get(api.HeaderUUID), Handle: handle, Version: version, Created: created}
	if text := h.Get(api.HeaderNotAfter); text != "" {
		notAfter, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return Deposit{}, fault.New(fault.Internal, "the answer's %s is not a time", api.HeaderNotAfter).WithHint("is it a Key Trustee server?")
		}
		d.NotAfter = &notAfter
	}
	return d, nil
}

// context is what the signature in a deposit must name.
func (c *Client) context(uuid, handle string) string {
	_, server, _ := strings.Cut(c.conf.ServerFingerprint, "/")
	return proof.DepositContext(server, c.conf.Organization, uuid, handle)
}

// List returns descriptions of the deposits whose handles begin with prefix, by
// handle: the latest versions, or with all every version and the deleted ones.
func (c *Client) List(ctx context.Context, prefix string, all bool) ([]Deposit, error) {
	query := url.Values{"prefix": {prefix}}
	if all {
		query.Set("show", "all")
	}
	var deposits []Deposit
	for {
		var page api.Deposits
		if err := c.remote.get(ctx, "/v1/deposits", query, &page); err != nil {
			return nil, err
		}
		deposits = append(deposits, page.Deposits...)
		if page.Cursor == "" || page.Cursor == query.Get("cursor") {
			return deposits, nil
		}
		query.Set("cursor", page.Cursor)
	}
}
