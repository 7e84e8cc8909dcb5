package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

func (f *front) put(x *exchange) error {
	id, err := escrow.ParseUUID(x.r.PathValue("uuid"))
	if err != nil {
		return err
	}
	query, err := x.query("handle", "not_after")
	if err != nil {
		return err
	}
	handle, err := escrow.ParseHandle(query.Get("handle"))
	if err != nil {
		return err
	}
	notAfter, err := optionalTime(query, "not_after")
	if err != nil {
		return err
	}
	contents, err := x.body()
	if err != nil {
		return err
	}
	d, err := f.Service.Put(x.ctx, x.caller, escrow.NewDeposit{UUID: id, Handle: handle, NotAfter: notAfter, Contents: contents})
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, depositOut(d))
}

func (f *front) get(x *exchange) error {
	id, err := escrow.ParseUUID(x.r.PathValue("uuid"))
	if err != nil {
		return err
	}
	return f.sendDeposit(x, escrow.Selector{UUID: id})
}

// find answers one deposit's bytes for ?handle=, and descriptions otherwise.
func (f *front) find(x *exchange) error {
	if !x.r.URL.Query().Has("handle") {
		return f.list(x)
	}
	query, err := x.query("handle", "version")
	if err != nil {
		return err
	}
	handle, err := escrow.ParseHandle(query.Get("handle"))
	if err != nil {
		return err
	}
	version, err := optionalNumber(query, "version")
	if err != nil {
		return err
	}
	return f.sendDeposit(x, escrow.Selector{Handle: handle, Version: version})
}

func (f *front) sendDeposit(x *exchange, sel escrow.Selector) error {
	d, contents, err := f.Service.Get(x.ctx, x.caller, sel)
	if err != nil {
		return err
	}
	if err := x.reserveAnswer(int64(len(contents))); err != nil {
		return err
	}
	h := x.w.Header()
	h.Set(api.HeaderUUID, string(d.UUID))
	h.Set(api.HeaderHandle, url.QueryEscape(string(d.Handle)))
	h.Set(api.HeaderVersion, strconv.FormatInt(d.Version, 10))
	h.Set(api.HeaderCreated, d.Created.Format(time.RFC3339Nano))
	if !d.NotAfter.IsZero() {
		h.Set(api.HeaderNotAfter, d.NotAfter.Format(time.RFC3339Nano))
	}
	x.send(http.StatusOK, "application/octet-stream", contents)
	return nil
}

// cursor is where a page of the list ended. To the client it is opaque.
type cursor struct {
	Handle  escrow.Handle `json:"h"`
	Version int64         `json:"v"`
}

func (f *front) list(x *exchange) error {
	query, err := x.query("prefix", "cursor", "limit", "show")
	if err != nil {
		return err
	}
	limit, err := optionalNumber(query, "limit")
	if err != nil {
		return err
	}
	q := escrow.ListQuery{Prefix: query.Get("prefix"), All: query.Get("show") == "all", Limit: int(min(limit, 1<<16))}
	if query.Has("show") && !q.All {
		return fault.New(fault.Invalid, "show is not %q", "all")
	}
	if len(q.Prefix) > 255 || !utf8.ValidString(q.Prefix) {
		return fault.New(fault.Invalid, "the prefix is not at most 255 bytes of UTF-8")
	}
	if text := query.Get("cursor"); text != "" {
		var after cursor
		data, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || json.Unmarshal(data, &after) != nil {
			return fault.New(fault.Invalid, "the cursor is not one that this server gave")
		}
		q.AfterHandle, q.AfterVersion = after.Handle, after.Version
	}
	found, more, err := f.Service.List(x.ctx, x.caller, q)
	if err != nil {
		return err
	}
	page := api.Deposits{Deposits: make([]api.Deposit, len(found))}
	for i, d := range found {
		page.Deposits[i] = depositOut(d)
	}
	if more {
		last := found[len(found)-1]
		data, err := json.Marshal(cursor{last.Handle, last.Version})
		if err != nil {
			return err
		}
		page.Cursor = base64.RawURLEncoding.EncodeToString(data)
	}
	return x.answer(http.StatusOK, page)
}

func (f *front) delete(x *exchange) error { return changeDeposit(x, f.Service.Delete) }

func (f *front) undelete(x *exchange) error { return changeDeposit(x, f.Service.Undelete) }

func (f *front) purge(x *exchange) error { return changeDeposit(x, f.Service.Purge) }

func changeDeposit(x *exchange, change func(context.Context, escrow.Caller, escrow.UUID) (escrow.Deposit, error)) error {
	id, err := escrow.ParseUUID(x.r.PathValue("uuid"))
	if err != nil {
		return err
	}
	d, err := change(x.ctx, x.caller, id)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, depositOut(d))
}

func depositOut(d escrow.Deposit) api.Deposit {
	return api.Deposit{
		UUID: string(d.UUID), Handle: string(d.Handle), Version: d.Version, Size: d.Size,
		Created: d.Created, NotAfter: timeOut(d.NotAfter), Deleted: timeOut(d.Deleted), Purged: timeOut(d.Purged),
	}
}

func timeOut(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func optionalTime(query url.Values, name string) (time.Time, error) {
	if !query.Has(name) {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, query.Get(name))
	if err != nil || t.Year() < 1970 {
		return time.Time{}, fault.New(fault.Invalid, "%s is not a time like 2027-01-31T12:00:00Z (RFC 3339)", name)
	}
	return t, nil
}

func optionalNumber(query url.Values, name string) (int64, error) {
	if !query.Has(name) {
		return 0, nil
	}
	n, err := strconv.ParseInt(query.Get(name), 10, 64)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "%s is not a number from 1 on", name)
	}
	return n, nil
}
