package plan

import (
	"fmt"
	"strings"

	"github.com/ktsd/ktsd/internal/site"
)

func (c CreateOrganization) outcome(confdir string) []string {
	org := c.Organization
	messages := []string{fmt.Sprintf("organization %q: created with %s, approval %q", org.Name, count(len(org.Contacts), "contact"), org.Approval)}
	switch {
	case org.Approval != site.ApprovalAuthCode:
	case c.Code == "":
		messages = append(messages, generated(org.Name, confdir))
	default:
		messages = append(messages, taken(org))
	}
	return messages
}

func (c AddContacts) outcome(string) []string {
	return []string{fmt.Sprintf("organization %q: %s added", c.Organization, count(len(c.Contacts), "contact"))}
}

func (c RemoveContact) outcome(string) []string {
	return []string{fmt.Sprintf("organization %q: contact %q removed", c.Organization, c.Contact)}
}

func (c SetAdmission) outcome(confdir string) []string {
	org := c.Organization
	messages := []string{}
	for _, a := range c.Attributes {
		switch {
		case a.Name == "approval":
			messages = append(messages, fmt.Sprintf("organization %q: approval is now %q", org.Name, org.Approval))
		case c.Generates:
			messages = append(messages, generated(org.Name, confdir))
		default:
			messages = append(messages, taken(org))
		}
	}
	return messages
}

func (c SetExpiration) outcome(string) []string {
	return []string{fmt.Sprintf("organization %q: expiration is now %s", c.Organization, expirationValue(c.New))}
}

func (c SetManagement) outcome(string) []string {
	return []string{fmt.Sprintf("organization %q: managed by the %s now", c.Organization, c.New)}
}

func (c RemoveOrganization) outcome(string) []string {
	return []string{fmt.Sprintf("organization %q: removed, with %s", c.Organization, count(int(c.Deposits), "deposit"))}
}

// generated tells where a code is that ktsd made, never the code.
func generated(org, confdir string) string {
	command := "orgtool get-auth -n " + org
	if confdir != "" {
		command += " --confdir " + shellQuote(confdir)
	}
	return fmt.Sprintf("organization %q: authorization code generated; read it on this host with: %s", org, command)
}

// taken tells where a code is that a file gave, never the code.
func taken(org site.Organization) string {
	return fmt.Sprintf("organization %q: authorization code set from %s", org.Name, org.AuthCodeFile)
}

// shellQuote returns a word that a POSIX shell reads as s.
func shellQuote(s string) string {
	special := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-", r)
	}
	if !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
