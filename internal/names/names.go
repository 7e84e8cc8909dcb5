// Package names holds the rules for the names that people give: one rule each,
// whether a name comes from a command line, an HCL file or the network. It is
// pure and imports nothing of ours.
package names

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of length, in bytes.
const (
	MaxOrganization = 64
	MaxContact      = 254 // RFC 5321, 4.5.3.1.3, without the angle brackets
	MaxHostname     = 253 // RFC 1123, section 2.1, and RFC 1035, section 2.3.4
	MaxHandle       = 255
	MaxClient       = 128
	MaxAuthCode     = 255
	MaxReason       = 255
)

// CheckOrganization refuses what is no name of an organization: 1 to MaxOrganization
// ASCII letters, digits, hyphens and underscores. The error does not repeat
// the name; nor do those of the other checks.
func CheckOrganization(name string) error {
	if name == "" {
		return errors.New("the name is empty")
	}
	if len(name) > MaxOrganization {
		return fmt.Errorf("the name is longer than %d characters", MaxOrganization)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !isAlphanumeric(r) && r != '-' && r != '_' }) {
		return errors.New("a name has only letters, digits, hyphens and underscores")
	}
	return nil
}

// CheckContact refuses what is no plain mail address of at most MaxContact
// bytes, as net/mail parses it (RFC 5322): no display name, no angle brackets,
// no quoted local part. A host without a domain is enough, so the users of this
// machine qualify: "root@localhost".
func CheckContact(address string) error {
	if len(address) > MaxContact {
		return fmt.Errorf("the address is longer than %d bytes", MaxContact)
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil {
		return errors.New("this is no mail address of the form user@host")
	}
	if parsed.Address != address || strings.ContainsAny(address, " ,") {
		return errors.New("the address must stand alone, without a name, angle brackets or quotes")
	}
	return nil
}

// CheckHandle returns an error unless handle is 1 to 255 bytes of UTF-8 without
// control characters and without a "." or ".." between its slashes.
func CheckHandle(handle string) error {
	switch {
	case handle == "":
		return errors.New("the handle is empty")
	case len(handle) > MaxHandle:
		return fmt.Errorf("the handle has %d bytes; at most %d are allowed", len(handle), MaxHandle)
	case !utf8.ValidString(handle):
		return errors.New("the handle is not valid UTF-8")
	case strings.ContainsFunc(handle, unicode.IsControl):
		return errors.New("the handle holds a control character")
	}
	for segment := range strings.SplitSeq(handle, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("the handle holds a %q between its slashes", segment)
		}
	}
	return nil
}

// CheckClient returns an error unless name is at most 128 bytes of printable
// UTF-8. It may be empty: a client need not have a name.
func CheckClient(name string) error {
	if len(name) > MaxClient {
		return fmt.Errorf("the client's name has %d bytes; at most %d are allowed", len(name), MaxClient)
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return errors.New("the client's name holds something that cannot be printed")
	}
	return nil
}

// CheckReason returns an error unless reason, an operator's for the audit log, is 1 to
// 255 bytes of printable UTF-8 with no space at its ends: as a header brings it.
func CheckReason(reason string) error {
	switch {
	case reason == "":
		return errors.New("the reason is empty")
	case len(reason) > MaxReason:
		return fmt.Errorf("the reason has %d bytes; at most %d are allowed", len(reason), MaxReason)
	case !utf8.ValidString(reason) || strings.ContainsFunc(reason, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("the reason holds something that cannot be printed, such as a line break")
	case strings.TrimSpace(reason) != reason:
		return errors.New("the reason begins or ends with a space")
	}
	return nil
}

// CheckAuthCode returns an error unless code is 1 to 255 bytes of printable
// UTF-8. The error never shows the code.
func CheckAuthCode(code Secret) error {
	s := code.Reveal()
	switch {
	case s == "":
		return errors.New("the authorization code is empty")
	case len(s) > MaxAuthCode:
		return fmt.Errorf("the authorization code has %d bytes; at most %d are allowed", len(s), MaxAuthCode)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("the authorization code holds something that cannot be printed, such as a line break")
	}
	return nil
}
