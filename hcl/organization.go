package hcl

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// organizationBlock is the schema of
//
//	organization "NAME" {
//	  contacts       = ["finn@example.com"]            # at least one
//	  approval       = "auth_code"                     # default
//	  auth_code_file = "/etc/keytrustee/NAME.code"     # without it, ktsd generates the code
//	}
func organizationBlock() blockKind {
	return blockKind{
		label:   "name",
		example: `organization "disaster-recov" {`,
		check:   names.CheckOrganization,
		store:   storeOrganization,
		body: bodySchema{
			kind:       "organization",
			attributes: []string{"contacts", "approval", "auth_code_file"},
			later:      []string{"expiration", "managed_by"},
			instead: advice{"A site file is read by many, so no code stands in it: ktsd generates one, or it comes from a file of its own.",
				`Remove the line, or give the path: auth_code_file = "/etc/keytrustee/NAME.code"`},
		},
	}
}

func storeOrganization(d *decoder, name string, body *hclsyntax.Body) {
	org := site.Organization{Name: name, Approval: site.DefaultApproval}
	org.Contacts = d.contacts(body)
	checkApproval := func(value string) error { return site.CheckApproval(site.Approval(value)) }
	approval, approvalIsSet := d.text(body, "approval", checkApproval)
	if approvalIsSet {
		org.Approval = site.Approval(approval)
	}
	var codeIsSet bool
	org.AuthCodeFile, codeIsSet = d.text(body, "auth_code_file", checkPath)
	if codeIsSet && approvalIsSet && org.Approval != site.ApprovalAuthCode {
		d.report(body.Attributes["auth_code_file"].NameRange, "auth_code_file has no effect here",
			fmt.Sprintf("The approval of this organization is %q: no code admits its clients.", org.Approval),
			`Remove auth_code_file, or set approval = "auth_code".`)
	}
	if d.blockIsValid() {
		d.config.site.Organizations = append(d.config.site.Organizations, org)
	}
}

// contacts returns the mail addresses of an organization, which has at least
// one.
func (d *decoder) contacts(body *hclsyntax.Body) []string {
	elements, ok := d.texts(body, "contacts", "contact", names.CheckContact)
	if !ok {
		return nil
	}
	if len(elements) == 0 {
		place := d.header
		if attr, isSet := body.Attributes["contacts"]; isSet {
			place = attr.SrcRange
		}
		d.report(place, "no contacts",
			"An organization has at least one contact, who is told of its clients.", `Add for example: contacts = ["finn@example.com"]`)
		return nil
	}
	var contacts []string
	first := map[string]element{}
	for _, e := range elements {
		if before, found := first[e.value]; found {
			d.report(e.place, fmt.Sprintf("duplicate contact %q", e.value),
				fmt.Sprintf("The contact is listed first at %s. A contact is listed once in an organization.", lineOf(before.place)), "")
			continue
		}
		first[e.value] = e
		contacts = append(contacts, e.value)
	}
	return contacts
}
