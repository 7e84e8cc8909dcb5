package web

import (
	"net/http"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// done is the answer to what has nothing to tell.
type done struct{}

// server tells what ktsd runs with; admit has let in the operator alone.
func (f *front) server(x *exchange) error {
	return x.answer(http.StatusOK, f.Server())
}

// status tells how ktsd does; admit has let in the operator alone.
func (f *front) status(x *exchange) error {
	return x.answer(http.StatusOK, f.Status())
}

// reload answers ktsd's verdict on the files it was told to work with.
func (f *front) reload(x *exchange) error {
	if err := f.Service.Permit(x.caller, "server.reload"); err != nil {
		return err
	}
	if err := f.Reload(); err != nil {
		return refused(err)
	}
	return x.answer(http.StatusOK, f.Server())
}

// check answers ktsd's verdict on the files that it would be told to work with.
func (f *front) check(x *exchange) error {
	if err := f.Service.Permit(x.caller, "server.check"); err != nil {
		return err
	}
	if err := f.Check(); err != nil {
		return refused(err)
	}
	return x.answer(http.StatusOK, done{})
}

// refused is the verdict on files that ktsd does not take up: the same at a reload
// and at a check.
func refused(err error) error {
	return fault.New(fault.Conflict, "ktsd goes on as before: %v", err)
}

func (f *front) organizations(x *exchange) error {
	views, err := f.Service.Organizations(x.ctx, x.caller)
	if err != nil {
		return err
	}
	out := api.Organizations{Organizations: make([]api.Organization, len(views))}
	for i, v := range views {
		out.Organizations[i] = organizationOut(v)
	}
	return x.answer(http.StatusOK, out)
}

func organizationOut(v escrow.OrganizationView) api.Organization {
	contacts := make([]string, len(v.Contacts))
	for i, c := range v.Contacts {
		contacts[i] = c.Address
	}
	return api.Organization{
		Name: string(v.Name), UUID: v.UUID, Contacts: contacts, Approval: string(v.Approval),
		AuthCode: v.AuthCode.Reveal(), Created: v.Created, Expires: v.Expires, ManagedBy: string(v.ManagedBy), Foreign: v.Foreign,
	}
}

func (f *front) createOrganization(x *exchange) error {
	var in api.NewOrganization
	if err := x.decode(&in); err != nil {
		return err
	}
	name, err := escrow.ParseOrgName(in.Name)
	if err != nil {
		return err
	}
	approval := escrow.ApprovalAuthCode
	if in.Approval != "" {
		if approval, err = escrow.ParseApproval(in.Approval); err != nil {
			return err
		}
	}
	managedBy := escrow.ManagedByTenant
	if in.ManagedBy != "" {
		if managedBy, err = escrow.ParseManagement(in.ManagedBy); err != nil {
			return err
		}
	}
	_, err = f.Service.CreateOrganization(x.ctx, x.caller, escrow.NewOrganization{
		Name: name, Contacts: in.Contacts, Approval: approval, Code: names.Secret(in.AuthCode), Expires: in.Expires, ManagedBy: managedBy,
	})
	if err != nil {
		return err
	}
	return x.answer(http.StatusCreated, done{})
}

func (f *front) addContacts(x *exchange) error {
	org, err := escrow.ParseOrgName(x.r.PathValue("organization"))
	if err != nil {
		return err
	}
	var in api.Contacts
	if err := x.decode(&in); err != nil {
		return err
	}
	if err := f.Service.AddContacts(x.ctx, x.caller, org, in.Contacts); err != nil {
		return err
	}
	return x.answer(http.StatusOK, done{})
}

func (f *front) removeContact(x *exchange) error {
	org, err := escrow.ParseOrgName(x.r.PathValue("organization"))
	if err != nil {
		return err
	}
	reach, err := f.Service.RemoveContact(x.ctx, x.caller, org, x.r.PathValue("contact"))
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, api.Removed{InForce: *inForceOut(reach)})
}

func (f *front) setAdmission(x *exchange) error {
	org, err := escrow.ParseOrgName(x.r.PathValue("organization"))
	if err != nil {
		return err
	}
	var in api.Admission
	if err := x.decode(&in); err != nil {
		return err
	}
	approval, err := escrow.ParseApproval(in.Approval)
	if err != nil {
		return err
	}
	if err := f.Service.SetAdmission(x.ctx, x.caller, org, approval, names.Secret(in.AuthCode)); err != nil {
		return err
	}
	return x.answer(http.StatusOK, done{})
}

func (f *front) clients(x *exchange) error {
	query, err := x.query("organization")
	if err != nil {
		return err
	}
	var org escrow.OrgName
	if name := query.Get("organization"); name != "" {
		if org, err = escrow.ParseOrgName(name); err != nil {
			return err
		}
	}
	found, err := f.Service.Clients(x.ctx, x.caller, org)
	if err != nil {
		return err
	}
	out := api.Clients{Clients: make([]api.Client, len(found))}
	for i, c := range found {
		out.Clients[i] = clientOut(c)
	}
	return x.answer(http.StatusOK, out)
}

func (f *front) enableClient(x *exchange) error {
	fp, err := escrow.ParseFingerprint(x.r.PathValue("fingerprint"))
	if err != nil {
		return err
	}
	client, err := f.Service.EnableClient(x.ctx, x.caller, fp)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, clientOut(client))
}

func (f *front) disableClient(x *exchange) error {
	fp, err := escrow.ParseFingerprint(x.r.PathValue("fingerprint"))
	if err != nil {
		return err
	}
	client, reach, err := f.Service.DisableClient(x.ctx, x.caller, fp)
	if err != nil {
		return err
	}
	out := clientOut(client)
	out.InForce = inForceOut(reach)
	return x.answer(http.StatusOK, out)
}

// purgeNow purges a client's deposit for the operator.
func (f *front) purgeNow(x *exchange) error {
	fp, err := escrow.ParseFingerprint(x.r.PathValue("fingerprint"))
	if err != nil {
		return err
	}
	id, err := escrow.ParseUUID(x.r.PathValue("uuid"))
	if err != nil {
		return err
	}
	var in api.Purge
	if err := x.decode(&in); err != nil {
		return err
	}
	d, err := f.Service.PurgeNow(x.ctx, x.caller, fp, id, in.Reason)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, depositOut(d))
}
