package hcl

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// organizationBlock is the schema of
//
//	organization "NAME" {
//	  contacts       = ["finn@example.com"]            # at least one
//	  approval       = "auth_code"                     # default
//	  auth_code_file = "/etc/keytrustee/NAME.code"     # without it, ktsd generates the code
//	  expiration     = "2027-12-31"                    # when it ends, in UTC: see expiration; default: never
//	  managed_by     = "file"                          # default; "tenant": its contacts have the last word
//	}
//
// or of one for each element of a map, or of a set or a list of strings:
//
//	organization "LABEL" {                             # the label is for messages alone
//	  for_each = { lab = "finn", mail = "jake" }       # each.key and each.value in what follows
//	  name     = "${each.key}-vault"                   # default: each.key
//	  contacts = ["${each.value}@example.com"]
//	}
func organizationBlock() blockKind {
	return blockKind{
		label:   "name",
		example: `organization "disaster-recov" {`,
		check:   names.CheckOrganization,
		expands: true,
		store:   storeOrganization,
		body: bodySchema{
			kind:       "organization",
			attributes: []string{"contacts", "approval", "auth_code_file", "expiration", "managed_by", "for_each", "name"},
			instead: advice{"A site file is read by many, so no code stands in it: ktsd generates one, or it comes from a file of its own.",
				`Remove the line, or give the path: auth_code_file = "/etc/keytrustee/NAME.code"`},
		},
	}
}

func storeOrganization(d *decoder, name string, body *hclsyntax.Body) {
	if attr, found := body.Attributes["name"]; found && d.scope.each == cty.NilVal {
		d.report(attr.NameRange, "name has no effect here", "Without for_each, the label of a block is the organization's name.", "Remove name, or add for_each.")
	}
	org := site.Organization{Name: name, Approval: site.DefaultApproval, ManagedBy: site.DefaultManagedBy}
	org.Contacts = d.contacts(body)
	checkApproval := func(value string) error { return site.CheckApproval(site.Approval(value)) }
	approval, approvalIsSet := d.text(body, "approval", checkApproval)
	if approvalIsSet {
		org.Approval = site.Approval(approval)
	}
	var codeIsSet bool
	org.AuthCodeFile, codeIsSet = d.text(body, "auth_code_file", checkPath)
	org.Expiration = d.expiration(body)
	if managedBy, isSet := d.text(body, "managed_by", checkManagedBy); isSet {
		org.ManagedBy = site.ManagedBy(managedBy)
	}
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
	same := func(address string) string { return address }
	return d.unique(elements, "contact", "A contact is listed once in an organization.", same)
}

func checkManagedBy(value string) error { return site.CheckManagedBy(site.ManagedBy(value)) }

// expiration returns when an organization ends; zero: never. A date is midnight
// at its beginning. Without a zone, time is UTC. site.NoExpiration is never, however
// it is written.
func (d *decoder) expiration(body *hclsyntax.Body) (when time.Time) {
	check := func(value string) (err error) {
		when, err = parseExpiration(value)
		return err
	}
	if _, ok := d.text(body, "expiration", check); !ok {
		return time.Time{}
	}
	return when
}

func parseExpiration(value string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05"} {
		when, err := time.Parse(layout, value)
		if err != nil {
			continue
		}
		if when = when.UTC(); when.Nanosecond() != 0 || when.Year() < firstYear || when.Year() > lastYear {
			return time.Time{}, fmt.Errorf("the time is a whole second in the years %d to %d", firstYear, lastYear)
		}
		if when.Equal(site.NoExpiration()) {
			return time.Time{}, nil
		}
		return when, nil
	}
	return time.Time{}, errors.New(`this is no date such as "2027-12-31", which is its first moment in UTC, and no time such as "2027-12-31T18:00:00+01:00"`)
}

// The years that a time can be in.
const (
	firstYear = 1970
	lastYear  = 9999
)
