package safefile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/safefile"
)

// FuzzReadSecret: a secret is the one line of its file, and an error shows nothing
// of it.
func FuzzReadSecret(f *testing.F) {
	for _, seed := range []string{"secret\n", "secret", "secret\r\n", "two\nlines\n", "\n", "", "\x00", "\xef\xbb\xbfsecret\n", strings.Repeat("a", 5000)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		secret, err := safefile.ReadSecret(name)
		if err == nil && (strings.ContainsAny(secret, "\r\n") || secret != strings.TrimRight(string(data), "\r\n")) {
			t.Errorf("got %q of %q", secret, data)
		}
		if err != nil && len(data) > 40 && strings.Contains(err.Error(), string(data[:40])) {
			t.Errorf("the error shows the secret: %v", err)
		}
	})
}
