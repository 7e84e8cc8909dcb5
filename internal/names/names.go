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
	MaxHandle       = 255
	MaxClient       = 128
)

// CheckOrganization returns an error unless name is 1 to 64 letters, digits,
// hyphens and underscores (seed, "Create Organizations").
func CheckOrganization(name string) error {
	if name == "" {
		return errors.New("the organization's name is empty")
	}
	if len(name) > MaxOrganization {
		return fmt.Errorf("the organization's name has %d bytes; at most %d are allowed", len(name), MaxOrganization)
	}
	for _, r := range name {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && !('0' <= r && r <= '9') && r != '-' && r != '_' {
			return fmt.Errorf("the organization's name %q holds %q; letters, digits, hyphens and underscores are allowed", name, r)
		}
	}
	return nil
}

// CheckContact returns an error unless address is a bare mail address
// (RFC 5322 addr-spec) of at most 254 bytes.
func CheckContact(address string) error {
	if len(address) > MaxContact {
		return fmt.Errorf("the contact has %d bytes; a mail address has at most %d", len(address), MaxContact)
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return fmt.Errorf("the contact %q is not a mail address like finn@example.com", address)
	}
	if strings.ContainsFunc(address, func(r rune) bool { return unicode.IsControl(r) || r == ',' || r == ' ' }) {
		return fmt.Errorf("the contact %q holds a comma, a space or a control character", address)
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

// CheckAuthCode returns an error unless code is 1 to 255 bytes of printable
// UTF-8. The error never shows the code.
func CheckAuthCode(code Secret) error {
	s := code.Reveal()
	switch {
	case s == "":
		return errors.New("the authorization code is empty")
	case len(s) > 255:
		return fmt.Errorf("the authorization code has %d bytes; at most 255 are allowed", len(s))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("the authorization code holds something that cannot be printed, such as a line break")
	}
	return nil
}
