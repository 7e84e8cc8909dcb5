package docs_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/ktest"
)

const module = "github.com/ktsd/ktsd/"

// TestImportTable compares the table of packages in architecture.md with what the
// packages import.
func TestImportTable(t *testing.T) {
	page, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|[^|]+\\|([^|]+)\\|$").FindAllStringSubmatch(string(page), -1) {
		var imports []string
		for _, name := range regexp.MustCompile("`([a-z/]+)`").FindAllStringSubmatch(row[2], -1) {
			imports = append(imports, name[1])
		}
		slices.Sort(imports)
		documented[row[1]] = imports
	}
	if diff := cmp.Diff(packageImports(t), documented); diff != "" {
		t.Errorf("the code's imports and the table differ (-code +table):\n%s", diff)
	}
}

// packageImports returns what each package imports of ours, tests, what serves
// them alone and what measures left out.
func packageImports(t *testing.T) map[string][]string {
	t.Helper()
	list := exec.Command("go", "list", "-f", "{{if .GoFiles}}{{.ImportPath}} {{join .Imports \" \"}}{{end}}", "./...")
	pages := []string{module + "docs", module + "examples", module + "systemd", module + "systemd/packages"} // no code but tests
	list.Dir = ktest.Root(t)
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	short := func(path string) string {
		return strings.TrimPrefix(strings.TrimPrefix(path, module), "internal/")
	}
	found := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.Contains(fields[0], "/ktest") || strings.HasSuffix(fields[0], "/storetest") ||
			strings.HasPrefix(fields[0], module+"bench") || slices.Contains(pages, fields[0]) {
			continue
		}
		var imports []string
		for _, path := range fields[1:] {
			if strings.HasPrefix(path, module) {
				imports = append(imports, short(path))
			}
		}
		slices.Sort(imports)
		found[short(fields[0])] = imports
	}
	return found
}
