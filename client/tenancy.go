package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ktsd/ktsd/internal/api"
)

// patience bounds what takes the longer the more an organization holds: the server
// waits as long.
const patience = 2 * time.Minute

// Never is the expiration of an organization that never expires: on 9999-12-31, as
// the original writes it.
func Never() time.Time { return api.Never() }

// SetExpiration sets from when on, from 1970 to 9999, an organization's clients are not
// served: at once, where that has passed. The zero time stands for Never.
func (a *Admin) SetExpiration(ctx context.Context, org string, expires time.Time) error {
	if expires.IsZero() {
		expires = Never()
	}
	return a.callOrganization(ctx, http.MethodPut, org, "/expiration", api.Expiration{Expires: expires.UTC()}, nil)
}

// SetManagement sets who has the last word on an organization: file, or tenant.
func (a *Admin) SetManagement(ctx context.Context, org, managedBy string) error {
	return a.callOrganization(ctx, http.MethodPut, org, "/management", api.Management{ManagedBy: managedBy}, nil)
}

// Usage is what an organization holds: its clients, their deposits, deleted ones
// included and purged ones not, and the bytes of these.
type Usage = api.Usage

// Usage counts what an organization holds. It waits up to 2 minutes.
func (a *Admin) Usage(ctx context.Context, org string) (Usage, error) {
	var out Usage
	err := a.patient().callOrganization(ctx, http.MethodGet, org, "/usage", nil, &out)
	return out, err
}

// RemoveOrganization removes an organization with its contacts, clients, their
// certificates and deposits, for good, if it holds exactly as many deposits as that:
// else it is ErrConflict, and nothing is removed. It waits up to 2 minutes.
func (a *Admin) RemoveOrganization(ctx context.Context, org string, deposits int64) error {
	path, err := organizationPath(org)
	if err != nil {
		return err
	}
	return a.patient().call(ctx, http.MethodDelete, path, url.Values{"deposits": {strconv.FormatInt(deposits, 10)}}, nil, nil)
}
