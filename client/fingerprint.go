package client

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/ktsd/ktsd/internal/fault"
)

// fingerprintForm is what ?a=fingerprint answers.
var fingerprintForm = regexp.MustCompile(`^[0-9]+[A-Z]/[0-9A-F]{40}$`)

// givenForm is what a person may give, without the spaces, in upper case.
var givenForm = regexp.MustCompile(`^(?:[0-9]+[A-Z]/)?[0-9A-F]{40}$`)

// parseFingerprint brings what a person gives for the fingerprint of an OpenPGP key
// to its form: 40 hex digits, with or without the 4096R/ before them, in either case
// of letters, with the spaces that gpg prints. Anything shorter could be made to fit.
func parseFingerprint(text string) (string, error) {
	bare := strings.ToUpper(strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return -1
		}
		return c
	}, text))
	if !givenForm.MatchString(bare) {
		return "", fault.New(fault.Invalid, "%.60q is not the fingerprint of an OpenPGP key", text).
			WithHint("all 40 hex digits of it, as gpg --show-keys and /?a=fingerprint print them: others can make a key that has the same last 8 or 16")
	}
	return bare, nil
}

// bareFingerprint is the 40 hex digits of a fingerprint in either form.
func bareFingerprint(text string) string { return text[strings.IndexByte(text, '/')+1:] }
