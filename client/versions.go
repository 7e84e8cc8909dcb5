package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// Delete hides the latest version under a handle; Undelete brings it back.
func (c *Client) Delete(ctx context.Context, handle string) (Deposit, error) {
	return c.DeleteVersion(ctx, handle, 0)
}

// DeleteVersion is Delete of a version: 0 is the latest.
func (c *Client) DeleteVersion(ctx context.Context, handle string, version int64) (Deposit, error) {
	found, err := c.version(ctx, handle, version)
	if err != nil {
		return Deposit{}, err
	}
	if found.Purged != nil {
		return Deposit{}, errPurged(found)
	}
	if found.Deleted != nil {
		return Deposit{}, fault.New(fault.NotFound, "deposit %q is deleted already", handle).WithHint("keytrustee undelete brings it back")
	}
	var d Deposit
	err = c.remote.call(ctx, http.MethodDelete, "/v1/deposits/"+found.UUID, nil, nil, &d)
	return d, err
}

// Undelete brings the latest version under a handle back.
func (c *Client) Undelete(ctx context.Context, handle string) (Deposit, error) {
	return c.UndeleteVersion(ctx, handle, 0)
}

// UndeleteVersion is Undelete of a version: 0 is the latest.
func (c *Client) UndeleteVersion(ctx context.Context, handle string, version int64) (Deposit, error) {
	found, err := c.version(ctx, handle, version)
	if err != nil {
		return Deposit{}, err
	}
	if found.Purged != nil {
		return Deposit{}, errPurged(found)
	}
	if found.Deleted == nil {
		return found, nil
	}
	var d Deposit
	err = c.remote.call(ctx, http.MethodPost, "/v1/deposits/"+found.UUID+"/undelete", nil, nil, &d)
	return d, err
}

// Purge takes the contents of a version that was deleted away for good: 0 is the
// latest. Before it was deleted for as long as the server asks for, it is
// ErrConflict, which says from when on. Purged again, it stays as it is.
func (c *Client) Purge(ctx context.Context, handle string, version int64) (Deposit, error) {
	found, err := c.version(ctx, handle, version)
	if err != nil {
		return Deposit{}, err
	}
	return c.purge(ctx, found.UUID)
}

// PurgeUUID is Purge of the deposit with a UUID.
func (c *Client) PurgeUUID(ctx context.Context, id string) (Deposit, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return Deposit{}, fault.New(fault.Invalid, "%.80q is not a UUID", id).WithHint("keytrustee list --all shows those of deposits")
	}
	return c.purge(ctx, parsed.String())
}

func (c *Client) purge(ctx context.Context, id string) (Deposit, error) {
	var d Deposit
	err := c.remote.call(ctx, http.MethodPost, "/v1/deposits/"+id+"/purge", nil, nil, &d)
	return d, err
}

func errPurged(d Deposit) error {
	return fault.New(fault.Gone, "version %d of deposit %q was purged at %s", d.Version, d.Handle, d.Purged.Format(time.RFC3339)).
		WithHint("its contents are gone for good; a put makes a new version")
}

// latest describes the highest version under a handle, deleted or not.
func (c *Client) latest(ctx context.Context, handle string) (Deposit, error) {
	return c.version(ctx, handle, 0)
}

// version describes a version under a handle, deleted or not: 0 is the highest. Of
// the handles with a prefix the one that equals it comes first, with all versions.
func (c *Client) version(ctx context.Context, handle string, version int64) (Deposit, error) {
	if err := names.CheckHandle(handle); err != nil {
		return Deposit{}, fault.New(fault.Invalid, "%v", err)
	}
	query := url.Values{"prefix": {handle}, "show": {"all"}}
	var found *Deposit
	for {
		var page api.Deposits
		if err := c.remote.get(ctx, "/v1/deposits", query, &page); err != nil {
			return Deposit{}, err
		}
		passed := page.Cursor == "" || page.Cursor == query.Get("cursor")
		for _, d := range page.Deposits {
			if d.Handle != handle {
				passed = true
			} else if version == 0 || d.Version == version {
				found = &d
			}
		}
		if passed {
			break
		}
		query.Set("cursor", page.Cursor)
	}
	if found == nil {
		return Deposit{}, errNoDeposit(handle)
	}
	return *found, nil
}
