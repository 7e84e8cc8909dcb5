package site

import "github.com/ktsd/ktsd/internal/bounds"

// Limits are the bounds of a site, the same on each server. What the file does not
// name has its default.
type Limits struct {
	bounds.Limits
	Written Words
}

// Audit says how each server of a site keeps its audit log. What the file does not
// name has its default.
type Audit struct {
	bounds.Audit
	Written Words
}

// Words are values as the file writes them, by name, to be shown: "168h" and "7d"
// are one value. What the file does not name is absent.
type Words map[string]string
