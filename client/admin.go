package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// Organization describes an organization to the operator. Its AuthCode is a
// secret.
type Organization = api.Organization

// Server tells what ktsd runs with.
type Server = api.Server

// ServerStatus tells how ktsd does.
type ServerStatus = api.ServerStatus

// CertificateStatus describes a server's TLS certificate.
type CertificateStatus = api.CertificateStatus

// StoreStatus tells how ktsd's database does.
type StoreStatus = api.StoreStatus

// AuditStatus tells how ktsd's audit log does.
type AuditStatus = api.AuditStatus

// Counts tell how much there is.
type Counts = api.Counts

// RegisteredClient is a client as the operator sees it.
type RegisteredClient = api.Client

// Admin is the operator's half of the client: it talks to the ktsd of this host
// over its admin socket, which takes root and the service account only.
type Admin struct{ remote *remote }

// NewAdmin returns an Admin that connects with dial.
func NewAdmin(dial func(context.Context) (net.Conn, error)) *Admin {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	return &Admin{adminRemote(&http.Client{Transport: transport, Timeout: requestTimeout}, nil)}
}

// adminServer stands for the admin socket in a URL: dial alone says where that is.
const adminServer = "http://admin.socket"

func adminRemote(c *http.Client, header http.Header) *remote {
	return &remote{
		servers: []string{adminServer},
		http:    c, header: header, maxAnswer: maxAdminAnswer,
	}
}

// WithReason returns an Admin over the same connections, all of whose requests say
// why: 1 to 255 bytes of printable UTF-8, which every audit record of theirs keeps.
// With another reason they fail, and nothing is sent.
func (a *Admin) WithReason(reason string) *Admin {
	return &Admin{adminRemote(a.remote.http, http.Header{api.HeaderReason: {reason}})}
}

// patient is a for what takes the longer the more there is.
func (a *Admin) patient() *Admin {
	return &Admin{adminRemote(&http.Client{Transport: a.remote.http.Transport, Timeout: patience}, a.remote.header)}
}

// ErrNotRunning tells that nothing answers on the admin socket.
var ErrNotRunning = errors.New("ktsd is not running")

func (a *Admin) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	for _, reason := range a.remote.header[api.HeaderReason] {
		if err := names.CheckReason(reason); err != nil {
			return fault.New(fault.Invalid, "%v", err)
		}
	}
	err := a.remote.call(ctx, method, path, query, in, out)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return fault.New(fault.Unavailable, "nothing answers on the admin socket").
			WithHint("start it: systemctl start ktsd, or by hand: ktsd --confdir DIR").Because(fmt.Errorf("%w: %w", ErrNotRunning, err))
	}
	if errors.Is(err, syscall.EACCES) {
		return fault.New(fault.Denied, "ktsd's admin socket takes root and the service account only").
			WithHint("run it as root, or with sudo -u keytrustee").Because(err)
	}
	return err
}

// callOrganization calls a route below an organization, whose name must be one to
// stand in a path.
func (a *Admin) callOrganization(ctx context.Context, method, org, rest string, in, out any) error {
	path, err := organizationPath(org)
	if err != nil {
		return err
	}
	return a.call(ctx, method, path+rest, nil, in, out)
}

func organizationPath(org string) (string, error) {
	if err := names.CheckOrganization(org); err != nil {
		return "", fault.New(fault.Invalid, "organization %.80q: %v", org, err)
	}
	return "/v1/organizations/" + org, nil
}

// Server tells what ktsd runs with.
func (a *Admin) Server(ctx context.Context) (Server, error) {
	var out Server
	err := a.call(ctx, http.MethodGet, "/v1/server", nil, nil, &out)
	return out, err
}

// Status tells how ktsd does.
func (a *Admin) Status(ctx context.Context) (ServerStatus, error) {
	var out ServerStatus
	err := a.call(ctx, http.MethodGet, "/v1/status", nil, nil, &out)
	return out, err
}

// Reload has ktsd read its configuration and certificate again. The error is its
// verdict, and then it goes on as before.
func (a *Admin) Reload(ctx context.Context) error {
	return a.call(ctx, http.MethodPost, "/v1/reload", nil, nil, nil)
}

// Check has ktsd say whether it would take up keytrustee.conf.next, and what that
// names, in the place of keytrustee.conf. The error is its verdict, in the words of
// Reload's. Nothing is changed.
func (a *Admin) Check(ctx context.Context) error {
	return a.call(ctx, http.MethodPost, "/v1/check", nil, nil, nil)
}

// Organizations returns all organizations by name.
func (a *Admin) Organizations(ctx context.Context) ([]Organization, error) {
	var out api.Organizations
	err := a.call(ctx, http.MethodGet, "/v1/organizations", nil, nil, &out)
	return out.Organizations, err
}

// NewOrganization asks for an organization. With approval auth_code and an empty
// AuthCode, ktsd generates one.
type NewOrganization = api.NewOrganization

// CreateOrganization makes an organization; ErrConflict if it exists.
func (a *Admin) CreateOrganization(ctx context.Context, n NewOrganization) error {
	return a.call(ctx, http.MethodPost, "/v1/organizations", nil, n, nil)
}

// AddContacts adds contacts; those that are there stay.
func (a *Admin) AddContacts(ctx context.Context, org string, contacts []string) error {
	return a.callOrganization(ctx, http.MethodPost, org, "/contacts", api.Contacts{Contacts: contacts}, nil)
}

// RemoveContact removes a contact, whether or not ktsd can write its database; one
// that is not there is no error.
func (a *Admin) RemoveContact(ctx context.Context, org, contact string) (InForce, error) {
	var out api.Removed
	err := a.callOrganization(ctx, http.MethodDelete, org, "/contacts/"+url.PathEscape(contact), nil, &out)
	return out.InForce, err
}

// SetAdmission sets how clients are let in: auth_code, contacts or automatic.
// With auth_code, an empty code keeps the one that is set, or has one generated.
func (a *Admin) SetAdmission(ctx context.Context, org, approval, code string) error {
	return a.callOrganization(ctx, http.MethodPut, org, "/admission", api.Admission{Approval: approval, AuthCode: code}, nil)
}

// Clients returns an organization's clients, or all with "".
func (a *Admin) Clients(ctx context.Context, org string) ([]RegisteredClient, error) {
	var out api.Clients
	err := a.call(ctx, http.MethodGet, "/v1/clients", url.Values{"organization": {org}}, nil, &out)
	return out.Clients, err
}

// EnableClient lets a pending or disabled client in.
func (a *Admin) EnableClient(ctx context.Context, fingerprint string) (RegisteredClient, error) {
	var out RegisteredClient
	err := a.call(ctx, http.MethodPost, "/v1/clients/"+url.PathEscape(fingerprint)+"/enable", nil, nil, &out)
	return out, err
}

// DisableClient shuts a client out from its next request on, whether or not ktsd can
// write its database: InForce tells.
func (a *Admin) DisableClient(ctx context.Context, fingerprint string) (RegisteredClient, error) {
	var out RegisteredClient
	err := a.call(ctx, http.MethodPost, "/v1/clients/"+url.PathEscape(fingerprint)+"/disable", nil, nil, &out)
	return out, err
}

// Certificates returns a client's, retired ones too, by their time.
func (a *Admin) Certificates(ctx context.Context, fingerprint string) ([]Certificate, error) {
	var out api.Certificates
	err := a.call(ctx, http.MethodGet, "/v1/clients/"+url.PathEscape(fingerprint)+"/certificates", nil, nil, &out)
	return out.Certificates, err
}

// RevokeCertificate ends a certificate for good, by its key, whether or not ktsd can
// write its database: InForce tells.
func (a *Admin) RevokeCertificate(ctx context.Context, key string) (Certificate, error) {
	var out Certificate
	if err := checkKey(key); err != nil {
		return out, err
	}
	err := a.call(ctx, http.MethodPost, "/v1/certificates/"+key+"/revoke", nil, nil, &out)
	return out, err
}

// Purge takes the contents of a client's deposit, which was deleted, away for good
// and at once. The reason goes into the audit log.
func (a *Admin) Purge(ctx context.Context, fingerprint, id, reason string) (Deposit, error) {
	var out Deposit
	path := "/v1/clients/" + url.PathEscape(fingerprint) + "/deposits/" + url.PathEscape(id) + "/purge"
	err := a.call(ctx, http.MethodPost, path, nil, api.Purge{Reason: reason}, &out)
	return out, err
}
