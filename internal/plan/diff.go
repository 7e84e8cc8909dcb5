package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ktsd/ktsd/internal/site"
)

// Diff returns what has to change so that live becomes desired. The order in
// which either of them lists organizations and contacts does not matter.
func Diff(desired Desired, live Live) Plan {
	p := Plan{Host: desired.Host, File: desired.File, Confdir: desired.Confdir, Warnings: slices.Clone(desired.Warnings)}
	if desired.Database != nil {
		p.Changes, p.Stop = diffDatabase(*desired.Database, live)
	}
	p.Changes = append(p.Changes, diffHost(desired, live)...)
	switch {
	case live.Running == nil:
		p.Unknown = notCompared(desired, "ktsd is not running")
	case p.Stop != "":
		p.Unknown = notCompared(desired, "ktsd runs with another database")
	default:
		p.diffOrganizations(desired, live.Running.Organizations)
	}
	return p
}

// notCompared accounts for organizations that nobody can be asked about.
func notCompared(desired Desired, reason string) []Unknown {
	var names []string
	for _, org := range desired.Organizations {
		names = append(names, org.Name)
	}
	for _, gone := range desired.Removed {
		names = append(names, gone.Organization)
	}
	if names == nil {
		return nil
	}
	slices.Sort(names)
	return []Unknown{{reason, names}}
}

// diffOrganizations goes through the organizations by name, and removes some last.
func (p *Plan) diffOrganizations(desired Desired, live []LiveOrganization) {
	existing := map[string]LiveOrganization{}
	for _, org := range live {
		existing[org.Name] = org
	}
	declared := slices.SortedFunc(slices.Values(desired.Organizations), func(a, b site.Organization) int {
		return strings.Compare(a.Name, b.Name)
	})
	for _, org := range declared {
		was, exists := existing[org.Name]
		delete(existing, org.Name)
		code := desired.AuthCodes[org.Name]
		switch {
		case org.AuthCodeFile != "" && code == "":
			p.Unknown = append(p.Unknown, Unknown{"no authorization code was read from " + org.AuthCodeFile, []string{org.Name}})
		case !exists:
			org.Contacts, org.ManagedBy = set(org.Contacts), org.ManagedBy.OrDefault()
			p.Changes = append(p.Changes, CreateOrganization{org, code})
		default:
			p.diffOrganization(org, code, was)
		}
	}
	var removed []Change
	for _, gone := range slices.SortedFunc(slices.Values(desired.Removed), func(a, b site.Removed) int {
		return strings.Compare(a.Organization, b.Organization)
	}) {
		if was, exists := existing[gone.Organization]; exists {
			delete(existing, gone.Organization)
			removed = append(removed, p.remove(gone, was))
		}
	}
	given := 0
	for _, name := range slices.Sorted(maps.Keys(existing)) {
		if p.leave(existing[name]) {
			given++
		}
	}
	if given > 0 {
		p.Warnings = append(p.Warnings, Warning{"organization", "", "", fmt.Sprintf(
			"%s no longer declared in %s, which gives them up; is that the whole site?", numberOf(given), desired.File)})
	}
	p.Changes = append(p.Changes, removed...)
}

func numberOf(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

// leave accounts for an organization that is not declared, and tells whether the
// file owned it, which gives it up.
func (p *Plan) leave(was LiveOrganization) bool {
	if was.ManagedBy == site.ManagedByFile {
		p.Changes = append(p.Changes, SetManagement{was.Name, was.ManagedBy, site.ManagedByTenant, true})
		return true
	}
	p.Unmanaged = append(p.Unmanaged, Unmanaged{was.Name, was.State})
	return false
}

// set returns the members of a list, sorted.
func set(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// without returns what is in a and not in b, both sorted.
func without(a, b []string) []string {
	var rest []string
	for _, member := range a {
		if _, found := slices.BinarySearch(b, member); !found {
			rest = append(rest, member)
		}
	}
	return rest
}
