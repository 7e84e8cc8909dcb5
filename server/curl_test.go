package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestCurl: nothing but curl and the certificate is needed.
func TestCurl(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "curl")
	s, _, id := service(t)
	cert, key := id.files(t)
	contents := randomBytes(4096)
	file, back := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(file, contents, 0o600); err != nil {
		t.Fatal(err)
	}
	curl := func(args ...string) string {
		t.Helper()
		return command(t, "", "curl", append([]string{"-sS", "-f", "--cacert", s.CA(), "--cert", cert, "--key", key}, args...)...)
	}
	answer := curl("-T", file, s.URL+"/v1/deposits/"+uuid.NewString()+"?handle=disk/luks-1")
	contains(t, "curl -T", answer, `"handle":"disk/luks-1"`, `"version":1`)
	curl("-o", back, s.URL+"/v1/deposits?handle=disk/luks-1")
	if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, contents) {
		t.Errorf("curl: got %d bytes back (%v), want the %d that were put", len(got), err, len(contents))
	}
	contains(t, "the list", curl(s.URL+"/v1/deposits?prefix=disk/"), `"handle":"disk/luks-1"`)
}
