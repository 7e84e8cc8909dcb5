package escrow

import (
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// Policy is pure: every function here takes facts and the time and answers yes
// (nil) or no (a fault). None reads or writes anything.

// identify says whether a certificate stands for a client.
func identify(s Standing) error {
	if s.Certificate == nil || !s.Certificate.Retired.IsZero() || s.Client == nil || s.Organization == nil {
		return errUnregistered()
	}
	return nil
}

func errUnregistered() error {
	return fault.New(fault.Unauthenticated, "this client certificate is not registered here").
		WithHint("register first: keytrustee register --server URL --org NAME")
}

// admit says whether a certificate's holder is served.
func admit(s Standing, now time.Time) error {
	if err := identify(s); err != nil {
		return err
	}
	if err := served(s.Client); err != nil {
		return err
	}
	if !now.Before(s.Organization.Expires) {
		return fault.New(fault.Disabled, "organization %s has expired", s.Organization.Name)
	}
	return nil
}

// served says whether a client's state lets it in.
func served(c *Client) error {
	switch c.State {
	case ClientActive:
		return nil
	case ClientPending:
		return fault.New(fault.Pending, "client %s waits for approval in organization %s", c.Fingerprint, c.Organization).
			WithHint("ask the organization's contact to let it in")
	}
	return fault.New(fault.Disabled, "client %s is disabled", c.Fingerprint).
		WithHint("ask the organization's contact to enable it")
}

// standing gathers from the facts of a change what admit judges.
func (f *Facts) standing(key KeyHash) (s Standing) {
	if c, ok := f.certificates[key]; ok {
		s.Certificate = &c
		if client, ok := f.clients[c.Client]; ok {
			s.Client = &client
			if org, ok := f.organizations[client.Organization]; ok {
				s.Organization = &org
			}
		}
	}
	return s
}

// serve says whether a deposit that was found is answered.
func serve(d *Deposit, now time.Time) error {
	if d == nil {
		return errNoDeposit()
	}
	if !d.Purged.IsZero() {
		return errPurged(d)
	}
	if !d.Deleted.IsZero() {
		return errNoDeposit()
	}
	if !d.NotAfter.IsZero() && !now.Before(d.NotAfter) {
		return fault.New(fault.Gone, "deposit %s was to be served until %s", d.UUID, d.NotAfter.Format(time.RFC3339))
	}
	return nil
}

func errNoDeposit() error { return fault.New(fault.NotFound, "no such deposit") }

func errPurged(d *Deposit) error {
	return fault.New(fault.Gone, "deposit %s was purged at %s", d.UUID, d.Purged.Format(time.RFC3339)).
		WithHint("its contents are gone for good; a UUID is never used again")
}

// acceptPut says what a put becomes: a new version, or, when prior is not nil,
// the answer that the same put had before.
func acceptPut(f *Facts, client Fingerprint, put NewDeposit, now time.Time) (version int64, prior *Deposit, err error) {
	if d, ok := f.deposits[depositID{client, put.UUID}]; ok {
		if !d.Purged.IsZero() {
			return 0, nil, errPurged(&d)
		}
		if d.Digest != put.digest() {
			return 0, nil, fault.New(fault.Conflict, "deposit %s exists with another handle, not_after or contents", put.UUID).
				WithHint("a deposit never changes: put new contents under a new UUID")
		}
		return d.Version, &d, nil
	}
	if !put.NotAfter.IsZero() && !now.Before(put.NotAfter) {
		return 0, nil, fault.New(fault.Invalid, "not_after %s has passed", put.NotAfter.Format(time.RFC3339))
	}
	return f.latest[handleID{client, put.Handle}] + 1, nil, nil
}

// acceptPurge says whether a client may purge a deposit of its own now, after
// having waited since it deleted it.
func acceptPurge(d *Deposit, wait time.Duration, now time.Time) error {
	if err := deleted(d); err != nil {
		return err
	}
	if from := d.Deleted.Add(wait); now.Before(from) {
		return fault.New(fault.Conflict, "deposit %s was deleted at %s and can be purged from %s on",
			d.UUID, d.Deleted.Format(time.RFC3339), from.Format(time.RFC3339)).
			WithHint("until then it can be undeleted; sooner only the server's operator purges").RetryAfter(from.Sub(now))
	}
	return nil
}

// deleted says whether a deposit is deleted, as one must be before it is purged.
func deleted(d *Deposit) error {
	if d.Deleted.IsZero() {
		return fault.New(fault.Conflict, "deposit %s is not deleted", d.UUID).WithHint("only what was deleted before can be purged")
	}
	return nil
}

// room says whether a holder of deposits may have one more of a size.
func room(holder string, u Usage, size, maxDeposits, maxBytes int64) error {
	if u.Deposits >= maxDeposits {
		return fault.New(fault.Quota, "%s has %d deposits, deleted ones included, and may have %d", holder, u.Deposits, maxDeposits).WithHint("%s", quotaHint)
	}
	if u.Bytes+size > maxBytes {
		return fault.New(fault.Quota, "%s keeps %d bytes, deleted ones included, and may keep %d: %d more are too many", holder, u.Bytes, maxBytes, size).
			WithHint("%s", quotaHint)
	}
	return nil
}

const quotaHint = "purge what is deleted (keytrustee purge), or have the server's operator raise the limit (block limits); trying again does not help"

// admission is what a registration leads to.
type admission struct {
	client Client
	known  bool // it had registered before: nothing is added but perhaps a certificate
	bind   bool // its TLS key is to be bound to it
}

// acceptRegistration says whether a client is let in, and in which state. That
// the code is right is for the caller to say, in the same time whatever org is.
func acceptRegistration(f *Facts, r provenRegistration, codeRight bool, bounds Limits, now time.Time) (admission, error) {
	org, exists := f.organizations[r.organization]
	if !exists || org.Approval == ApprovalAuthCode && !codeRight || !now.Before(org.Expires) {
		return admission{}, errDenied()
	}
	bound, taken := f.certificates[r.certificate]
	if f.spent[r.certificate] || taken && (bound.Client != r.key.Fingerprint || !bound.Retired.IsZero()) {
		return admission{}, errBoundBefore()
	}
	if client, ok := f.clients[r.key.Fingerprint]; ok {
		if client.Organization != r.organization {
			return admission{}, fault.New(fault.Conflict, "client %s belongs to another organization", client.Fingerprint).
				WithHint("a fingerprint belongs to one organization: register with a new key (another --confdir)")
		}
		if !taken { // another TLS key is for a client that is served
			if err := served(&client); err != nil {
				return admission{}, err
			}
			if err := anotherKey(f, client.Fingerprint); err != nil {
				return admission{}, err
			}
		}
		return admission{client: client, known: true, bind: !taken}, nil
	}
	state := ClientActive
	if org.Approval == ApprovalContacts {
		state = ClientPending
		if n := f.pending[r.organization]; n >= bounds.PendingClients {
			return admission{}, fault.New(fault.Quota, "%d clients wait for approval in organization %s, as many as may", n, r.organization).
				WithHint("ask its contact to approve or refuse some of them")
		}
	}
	client := Client{
		Fingerprint: r.key.Fingerprint, Organization: r.organization, Name: r.name,
		State: state, PublicKey: r.key.Binary, Created: now,
	}
	return admission{client: client, bind: !taken}, nil
}

// errBoundBefore refuses a TLS key that was another client's, or is retired, be it in
// an organization that is gone.
func errBoundBefore() error {
	return fault.New(fault.Conflict, "this TLS key was bound before and cannot be bound again").
		WithHint("make a new one: remove client-key.pem and client-cert.pem, then register again")
}

// maxCertificates bounds the certificates of a client, retired ones included.
const maxCertificates = 1000

// anotherKey says whether a client may have one more certificate.
func anotherKey(f *Facts, client Fingerprint) error {
	if n := f.bound[client]; n >= maxCertificates {
		return fault.New(fault.Quota, "client %s has had %d certificates, as many as it may", client, n).
			WithHint("register a new client (another --confdir), and move its deposits there")
	}
	return nil
}

// errDenied is the one answer to a registration that is not let in, whatever
// was wrong with it.
func errDenied() error {
	return fault.New(fault.Denied, "registration refused: the organization or its authorization code is wrong").
		WithHint("ask the organization's contact for its exact name and code")
}
