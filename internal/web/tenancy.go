package web

import (
	"net/http"
	"strconv"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

func (f *front) setExpiration(x *exchange) error {
	org, err := escrow.ParseOrgName(x.r.PathValue("organization"))
	if err != nil {
		return err
	}
	var in api.Expiration
	if err := x.decode(&in); err != nil {
		return err
	}
	if err := f.Service.SetExpiration(x.ctx, x.caller, org, in.Expires); err != nil {
		return err
	}
	return x.answer(http.StatusOK, done{})
}

func (f *front) setManagement(x *exchange) error {
	org, err := escrow.ParseOrgName(x.r.PathValue("organization"))
	if err != nil {
		return err
	}
	var in api.Management
	if err := x.decode(&in); err != nil {
		return err
	}
	by, err := escrow.ParseManagement(in.ManagedBy)
	if err != nil {
		return err
	}
	if err := f.Service.SetManagement(x.ctx, x.caller, org, by); err != nil {
		return err
	}
	return x.answer(http.StatusOK, done{})
}

func (f *front) usage(x *exchange) error {
	org, err := escrow.ParseOrgName(x.r.PathValue("organization"))
	if err != nil {
		return err
	}
	h, err := f.Service.Holding(x.ctx, x.caller, org)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, api.Usage{Clients: h.Clients, Deposits: h.Deposits, Bytes: h.Bytes})
}

func (f *front) removeOrganization(x *exchange) error {
	org, err := escrow.ParseOrgName(x.r.PathValue("organization"))
	if err != nil {
		return err
	}
	query, err := x.query("deposits")
	if err != nil {
		return err
	}
	deposits, err := strconv.ParseUint(query.Get("deposits"), 10, 63)
	if err != nil {
		return fault.New(fault.Invalid, "the query does not say with how many deposits the organization is to be removed").
			WithHint("ask for its usage, look, and give that number: deposits=12")
	}
	if err := f.Service.RemoveOrganization(x.ctx, x.caller, org, int64(deposits)); err != nil {
		return err
	}
	return x.answer(http.StatusOK, done{})
}

// takeReason notes why the operator asks for something, where the request says so.
func (x *exchange) takeReason() error {
	given, ok := x.r.Header[api.HeaderReason]
	if !ok {
		return nil
	}
	if len(given) > 1 {
		return fault.New(fault.Invalid, "the request has the header %s more than once", api.HeaderReason)
	}
	if err := names.CheckReason(given[0]); err != nil {
		return fault.New(fault.Invalid, "header %s: %v", api.HeaderReason, err).WithHint("it goes into the audit log: a ticket's number, who asked for it")
	}
	x.caller.Reason = given[0]
	return nil
}
