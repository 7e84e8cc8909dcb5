package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// Diff returns what has to change so that live becomes desired. The order in
// which either of them lists organizations and contacts does not matter.
func Diff(desired Desired, live Live) Plan {
	p := Plan{Host: desired.Host, File: desired.File, Confdir: desired.Confdir}
	if desired.Database != nil {
		p.Changes, p.Stop = diffDatabase(*desired.Database, live)
	}
	p.Changes = append(p.Changes, diffHost(desired, live)...)
	declared := slices.SortedFunc(slices.Values(desired.Organizations), func(a, b site.Organization) int {
		return strings.Compare(a.Name, b.Name)
	})
	switch {
	case live.Running == nil:
		p.Unknown = notCompared(declared, "ktsd is not running")
		return p
	case p.Stop != "":
		p.Unknown = notCompared(declared, "ktsd runs with another database")
		return p
	}
	existing := map[string]LiveOrganization{}
	for _, org := range live.Running.Organizations {
		existing[org.Name] = org
	}
	for _, org := range declared {
		was, exists := existing[org.Name]
		delete(existing, org.Name)
		code := desired.AuthCodes[org.Name]
		switch {
		case org.AuthCodeFile != "" && code == "":
			p.Unknown = append(p.Unknown, Unknown{"no authorization code was read from " + org.AuthCodeFile, []string{org.Name}})
		case !exists:
			org.Contacts = set(org.Contacts)
			p.Changes = append(p.Changes, CreateOrganization{org, code})
		default:
			p.Changes = append(p.Changes, diffOrganization(org, code, was)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(existing)) {
		p.Unmanaged = append(p.Unmanaged, Unmanaged{name, existing[name].State})
	}
	return p
}

// notCompared accounts for organizations that nobody can be asked about.
func notCompared(declared []site.Organization, reason string) []Unknown {
	if len(declared) == 0 {
		return nil
	}
	unknown := Unknown{Reason: reason}
	for _, org := range declared {
		unknown.Organizations = append(unknown.Organizations, org.Name)
	}
	return []Unknown{unknown}
}

// diffHost compares what stands in keytrustee.conf and what ktsd runs with, and has
// it reloaded once for all that differs.
func diffHost(desired Desired, live Live) []Change {
	changes, stale := diffBounds(desired, live)
	certificateChanged := false
	if s := desired.Server; s != nil {
		if written := serverAttributes(live.Server, *s); len(written) > 0 {
			changes = append(changes, WriteServer{*s, written})
		}
		if live.Running != nil {
			stale = append(serverAttributes(live.Running.Server, *s), stale...)
			certificateChanged = live.Running.CertificateChanged
		}
	}
	var reasons []string
	switch {
	case len(stale) > 0 && len(changes) > 0:
		reasons = append(reasons, "ktsd takes on the new configuration")
	case len(stale) > 0:
		reasons = append(reasons, staleness(stale))
	}
	if certificateChanged {
		reasons = append(reasons, "the certificate or its key changed on disk since ktsd loaded them")
	}
	if len(reasons) > 0 {
		changes = append(changes, Reload{desired.Host, reasons})
	}
	return changes
}

// staleness words how ktsd runs with something else than its configuration.
func staleness(attributes []Attribute) string {
	var old []string
	for _, a := range attributes {
		old = append(old, a.Name+" "+a.Old.String())
	}
	return "ktsd still runs with " + strings.Join(old, ", ")
}

// serverAttributes compares what two servers do, whatever their names.
func serverAttributes(old, desired site.Server) []Attribute {
	var attributes []Attribute
	is, wanted, byDefault := old.WithDefaults(), desired.WithDefaults(), site.Server{}.WithDefaults()
	compare := func(name, is, wanted, byDefault string) {
		if is != wanted {
			attributes = append(attributes, Attribute{name, valueOf(is, byDefault), valueOf(wanted, byDefault)})
		}
	}
	compare("listen", is.Listen, wanted.Listen, byDefault.Listen)
	compare("tls.min_version", is.TLS.MinVersion, wanted.TLS.MinVersion, byDefault.TLS.MinVersion)
	compare("tls.certificate", is.TLS.Certificate, wanted.TLS.Certificate, byDefault.TLS.Certificate)
	compare("tls.private_key", is.TLS.PrivateKey, wanted.TLS.PrivateKey, byDefault.TLS.PrivateKey)
	return attributes
}

// diffOrganization puts the additions first: nothing is taken away before what
// replaces it is there.
func diffOrganization(desired site.Organization, code names.Secret, was LiveOrganization) []Change {
	var changes []Change
	is, wanted := set(was.Contacts), set(desired.Contacts)
	if added := without(wanted, is); len(added) > 0 {
		changes = append(changes, AddContacts{desired.Name, added})
	}
	if admission, differs := diffAdmission(desired, code, was); differs {
		changes = append(changes, admission)
	}
	for _, contact := range without(is, wanted) {
		changes = append(changes, RemoveContact{desired.Name, contact})
	}
	return changes
}

// diffAdmission looks at the code only where it is what admits clients.
func diffAdmission(desired site.Organization, code names.Secret, was LiveOrganization) (SetAdmission, bool) {
	admission := SetAdmission{Organization: desired, Code: code}
	if was.Approval != desired.Approval {
		admission.Attributes = append(admission.Attributes, Attribute{"approval", approvalValue(was.Approval), approvalValue(desired.Approval)})
	}
	if desired.Approval == site.ApprovalAuthCode {
		is := codeValue(was.AuthCode, "")
		switch {
		case code == "" && was.AuthCode == "":
			admission.Generates = true
			admission.Attributes = append(admission.Attributes, Attribute{"auth code", is, generatedCode})
		case code != "" && !code.Equal(was.AuthCode):
			admission.Attributes = append(admission.Attributes, Attribute{"auth code", is, codeValue(code, desired.AuthCodeFile)})
		}
	}
	return admission, len(admission.Attributes) > 0
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
