package hcl_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/hcl"
)

// TestPage reads the site that docs/site.md shows, and wants every attribute of the
// language and every function on the page.
func TestPage(t *testing.T) {
	data, err := os.ReadFile("../docs/site.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	var text strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```hcl\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		text.WriteString(block[1])
	}
	config := parse(t, text.String())
	if s := config.Site(); len(s.Servers) != 1 || len(s.Organizations) != 3 || s.Database == nil || s.Limits == nil || s.Audit == nil || len(s.Removed) != 1 {
		t.Errorf("got %+v, want a site with all there is", s)
	}
	formatted, _ := hcl.Format([]byte(text.String()), "site.md")
	if diff := cmp.Diff(text.String(), string(formatted)); diff != "" {
		t.Errorf("the page's site (-is +formatted):\n%s", diff)
	}
	for _, name := range words(t) {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(page) {
			t.Errorf("docs/site.md does not have %s", name)
		}
	}
}

// words returns all attributes and blocks, as the errors about unknown ones list
// them.
func words(t *testing.T) []string {
	t.Helper()
	src := `server "a" {
  x = 1
  tls {
    x = 1
  }
}
database "sqlite" { x = 1 }
limits { x = 1 }
audit { x = 1 }
organization "a" { x = 1 }
removed "b" { x = 1 }
variable "c" { x = 1 }
x {}
`
	_, diags := hcl.Parse([]byte(src), "x.hcl")
	list := regexp.MustCompile(`^The (?:attributes?|blocks).*? (?:is|are) ([^.;]*)(?:; inside it stands the block (.*))?\.$`)
	var all []string
	for _, d := range diags {
		if found := list.FindStringSubmatch(d.Detail); found != nil {
			all = append(all, strings.FieldsFunc(strings.ReplaceAll(found[1], " and ", ", ")+", "+found[2], func(r rune) bool { return r == ',' || r == ' ' })...)
		}
	}
	if len(all) < 50 {
		t.Fatalf("got %d words, want more:\n%v", len(all), diags)
	}
	return all
}
