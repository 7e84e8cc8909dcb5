package names

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every way of printing a Secret shows.
const redacted = "(sensitive value)"

// Secret is text that must not be seen: an authorization code, a password. All
// ways of printing, logging and marshaling it show "(sensitive value)".
type Secret string

// Reveal returns the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String returns "(sensitive value)".
func (s Secret) String() string { return redacted }

// Format writes "(sensitive value)" whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText returns "(sensitive value)", which covers JSON too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "(sensitive value)".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
