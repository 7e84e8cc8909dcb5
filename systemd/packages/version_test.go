package packages_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestVersion: what git describes, oldest first, has a version that dpkg and rpm
// take, and order so.
func TestVersion(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "dpkg", "rpm")
	described := []struct{ described, want string }{
		{"0123abc", "0.0.0+321.g0123abc"},
		{"0123abc-dirty", "0.0.0+321.g0123abc.dirty"},
		{"v1.0.0-rc1", "1.0.0~rc1"},
		{"v1.0.0-rc1-3-gfedcba9", "1.0.0~rc1+3.gfedcba9"},
		{"v1.0.0", "1.0.0"},
		{"v1.0.0-9-gaaaaaaa", "1.0.0+9.gaaaaaaa"},
		{"v1.0.0-10-gaaaaaaa", "1.0.0+10.gaaaaaaa"},
		{"v1.0.1", "1.0.1"},
		{"v1.10.0", "1.10.0"},
	}
	before := ""
	for _, d := range described {
		got := version(t, d.described)
		if got != d.want {
			t.Errorf("%s: got %q, want %q", d.described, got, d.want)
		}
		if out, err := exec.Command("dpkg", "--validate-version", got).CombinedOutput(); err != nil {
			t.Errorf("%s: dpkg does not take it: %s", got, out)
		}
		if before == "" {
			before = got
			continue
		}
		if exec.Command("dpkg", "--compare-versions", before, "lt", got).Run() != nil {
			t.Errorf("dpkg does not take %s for older than %s", before, got)
		}
		order := strings.TrimSpace(run(t, "rpm", "--eval", `%{lua: print(rpm.vercmp("`+before+`", "`+got+`"))}`))
		if order != "-1" {
			t.Errorf("rpm does not take %s for older than %s: got %s", before, got, order)
		}
		before = got
	}
}
