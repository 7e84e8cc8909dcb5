package plan

import (
	"strconv"

	"github.com/ktsd/ktsd/internal/site"
)

// changed is what a change shows of an organization that exists.
func changed(name string, lines ...lineView) []changeView {
	return []changeView{{"organization", name, actionChange, lines}}
}

func (c CreateOrganization) views() []changeView {
	org := c.Organization
	var lines []lineView
	line := func(name string, v Value) { lines = append(lines, lineView{Name: name, New: &v}) }
	for _, contact := range org.Contacts {
		line("contact", Value{Text: contact})
	}
	line("approval", approvalValue(org.Approval))
	if org.Approval == site.ApprovalAuthCode {
		code := generatedCode
		if c.Code != "" {
			code = codeValue(c.Code, org.AuthCodeFile)
		}
		line("auth code", code)
	}
	if !org.Expiration.IsZero() {
		line("expiration", expirationValue(org.Expiration))
	}
	if org.ManagedBy.OrDefault() != site.DefaultManagedBy {
		line("managed_by", managedByValue(org.ManagedBy))
	}
	return []changeView{{"organization", org.Name, actionAdd, lines}}
}

func (c AddContacts) views() []changeView {
	var lines []lineView
	for _, contact := range c.Contacts {
		lines = append(lines, lineView{Action: actionAdd, Name: "contact", New: &Value{Text: contact}})
	}
	return changed(c.Organization, lines...)
}

func (c RemoveContact) views() []changeView {
	return changed(c.Organization, lineView{Action: actionRemove, Name: "contact", Old: &Value{Text: c.Contact}})
}

func (c SetAdmission) views() []changeView {
	return changed(c.Organization.Name, attributeLines(c.Attributes)...)
}

func (c SetExpiration) views() []changeView {
	return changed(c.Organization, attributeLines([]Attribute{{"expiration", expirationValue(c.Old), expirationValue(c.New)}})...)
}

func (c SetManagement) views() []changeView {
	to := managedByValue(c.New)
	if c.Undeclared {
		to.Note = "(no longer declared)"
	}
	return changed(c.Organization, attributeLines([]Attribute{{"managed_by", managedByValue(c.Old), to}})...)
}

func (c RemoveOrganization) views() []changeView {
	number := func(name string, n int64) lineView {
		return lineView{Name: name, Old: &Value{Text: strconv.FormatInt(n, 10), bare: true}}
	}
	return []changeView{{"organization", c.Organization, actionRemove, []lineView{
		number("clients", c.Usage.Clients), number("deposits", c.Usage.Deposits),
	}}}
}
