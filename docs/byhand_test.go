package docs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestByHandHasTheKinds compares the table of refusals with the kinds of error that
// are answered, and their statuses.
func TestByHandHasTheKinds(t *testing.T) {
	t.Parallel()
	root := ktest.Root(t)
	page := strings.Join(readPage(t, root, root+"/docs/by-hand.md").prose(), "\n")
	var got, want []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([0-9]{3}) \|([^|]+)\|`).FindAllStringSubmatch(page, -1) {
		for _, kind := range inline.FindAllStringSubmatch(row[2], -1) {
			got = append(got, row[1]+" "+kind[1])
		}
	}
	for _, kind := range api.Kinds() {
		want = append(want, fmt.Sprint(api.Status(kind), " ", kind))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the kinds of error and the table differ (-kinds +table):\n%s", diff)
	}
}
