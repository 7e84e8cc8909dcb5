package cli

import (
	"encoding/json"
	"io"
)

// WriteJSON writes v for people and programs: indented, and with <, > and & as they
// are.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
