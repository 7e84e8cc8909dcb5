package deny

import (
	"encoding/hex"
	"strings"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// check returns a fault of kind Invalid for a subject that nobody can be. A denial
// of it would look like one, and keep nobody out.
func check(s escrow.Subject) error {
	if s.Kind != escrow.SubjectContact && s.Organization != "" {
		return fault.New(fault.Invalid, "denying a %.20s: it is denied in all organizations, not in one", s.Kind)
	}
	switch s.Kind {
	case escrow.SubjectClient:
		if !isHex(s.Name, 40) || s.Name != strings.ToUpper(s.Name) {
			return fault.New(fault.Invalid, "denying a client: %.80q is not its fingerprint, 40 upper-case hex digits", s.Name)
		}
	case escrow.SubjectCertificate:
		if !isHex(s.Name, 64) || s.Name != strings.ToLower(s.Name) {
			return fault.New(fault.Invalid, "denying a certificate: %.80q is not the hash of its key, 64 lower-case hex digits", s.Name)
		}
	case escrow.SubjectContact:
		if err := names.CheckContact(s.Name); err != nil {
			return fault.New(fault.Invalid, "denying contact %.80q: %v", s.Name, err)
		}
		if err := names.CheckOrganization(string(s.Organization)); err != nil {
			return fault.New(fault.Invalid, "denying contact %.80q of organization %.80q: %v", s.Name, s.Organization, err)
		}
	default:
		return fault.New(fault.Invalid, "a denial is of a client, a certificate or a contact, not of a %.20q", s.Kind)
	}
	return nil
}

func isHex(s string, digits int) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == digits
}

// isKnown tells whether this build can keep a subject of the kind out.
func isKnown(k escrow.SubjectKind) bool {
	return k == escrow.SubjectClient || k == escrow.SubjectCertificate || k == escrow.SubjectContact
}
