package plan

import (
	"fmt"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// diffOrganization puts the additions first: nothing is taken away before what
// replaces it is there. What is a tenant's own is looked at, and left.
func (p *Plan) diffOrganization(desired site.Organization, code names.Secret, was LiveOrganization) {
	is, wanted := set(was.Contacts), set(desired.Contacts)
	added, removed := without(wanted, is), without(is, wanted)
	admission := diffAdmission(desired, code, was)
	if desired.ManagedBy == site.ManagedByTenant {
		own := Tenant{Organization: desired.Name, Added: removed, Removed: added, CodeChanged: admission.leaveCode()}
		if len(added)+len(removed) > 0 || own.CodeChanged {
			p.Tenants = append(p.Tenants, own)
		}
		added, removed = nil, nil
	} else if was.ManagedBy == site.ManagedByTenant && len(added)+len(removed)+len(admission.Attributes) > 0 {
		p.Warnings = append(p.Warnings, Warning{"organization", desired.Name, "managed_by",
			"the tenant had the last word until now; what the tenant set is replaced as shown"})
	}
	if len(added) > 0 {
		p.Changes = append(p.Changes, AddContacts{desired.Name, added})
	}
	if len(admission.Attributes) > 0 {
		p.Changes = append(p.Changes, admission)
	}
	if !was.Expiration.Equal(desired.Expiration) {
		p.Changes = append(p.Changes, SetExpiration{desired.Name, was.Expiration, desired.Expiration})
	}
	if from, to := was.ManagedBy.OrDefault(), desired.ManagedBy.OrDefault(); from != to {
		p.Changes = append(p.Changes, SetManagement{desired.Name, from, to, false})
	}
	for _, contact := range removed {
		p.Changes = append(p.Changes, RemoveContact{desired.Name, contact})
	}
}

// remove warns of what is lost.
func (p *Plan) remove(gone site.Removed, was LiveOrganization) RemoveOrganization {
	c := RemoveOrganization{Organization: gone.Organization, Deposits: gone.Deposits}
	if was.Usage != nil {
		c.Usage = *was.Usage
	}
	text := "it is removed for good; it holds no deposits"
	if c.Usage.Deposits > 0 {
		text = fmt.Sprintf("%s of %s are lost for good", count(int(c.Usage.Deposits), "deposit"), count(int(c.Usage.Clients), "client"))
	}
	p.Warnings = append(p.Warnings, Warning{"removed", gone.Organization, "", text})
	return c
}

// diffAdmission looks at the code only where it is what admits clients.
func diffAdmission(desired site.Organization, code names.Secret, was LiveOrganization) SetAdmission {
	admission := SetAdmission{Organization: desired, Code: code}
	if was.Approval != desired.Approval {
		admission.Attributes = append(admission.Attributes, Attribute{"approval", approvalValue(was.Approval), approvalValue(desired.Approval)})
	}
	if desired.Approval == site.ApprovalAuthCode {
		is := codeValue(was.AuthCode, "")
		switch {
		case code == "" && was.AuthCode == "":
			admission.Generates = true
			admission.Attributes = append(admission.Attributes, Attribute{authCode, is, generatedCode})
		case code != "" && !code.Equal(was.AuthCode):
			admission.Attributes = append(admission.Attributes, Attribute{authCode, is, codeValue(code, desired.AuthCodeFile)})
		}
	}
	return admission
}

// authCode names the code in a plan.
const authCode = "auth code"

// leaveCode has a code that is there stay as it is, and tells whether it would not
// have. One that is missing is set.
func (c *SetAdmission) leaveCode() bool {
	last := len(c.Attributes) - 1
	if last < 0 || c.Attributes[last].Name != authCode || !c.Attributes[last].Old.Sensitive {
		return false
	}
	c.Attributes, c.Code = c.Attributes[:last], ""
	return true
}
