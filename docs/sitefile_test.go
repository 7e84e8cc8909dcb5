package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestSiteFile: the page has every block, attribute and function of the language.
func TestSiteFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(ktest.Root(t), "docs", "site-file.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for block, attributes := range hcl.Schema() {
		if !strings.Contains(page, "`"+block) {
			t.Errorf("the page does not tell of the block %s", block)
		}
		for _, name := range attributes {
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("the page does not tell of %s in %s", name, block)
			}
		}
	}
	for _, name := range hcl.Functions() {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("the page does not tell of the function %s", name)
		}
	}
}
