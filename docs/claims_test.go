package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

var (
	// claimed finds a test that a page names: its package, itself, and perhaps a
	// part of it.
	claimed = regexp.MustCompile("`([a-z/]+)\\.(Test\\w*)(?:/(\\w+))?`")
	// separator is the line between a table's head and its rows.
	separator = regexp.MustCompile(`^\|[-|]+\|$`)
)

// TestClaims: each test that security.md names is there, in the package that it
// names, and each row of a table that tells what shows it names one.
func TestClaims(t *testing.T) {
	t.Parallel()
	root := ktest.Root(t)
	p := readPage(t, root, filepath.Join(root, "docs", "security.md"))
	tests, claims, shown := map[string]map[string]bool{}, 0, false
	for i, line := range p.prose() {
		found := claimed.FindAllStringSubmatch(line, -1)
		switch {
		case !strings.HasPrefix(line, "|"):
			shown = false
		case strings.HasSuffix(line, "| shown by |"):
			shown = true
		case shown && !separator.MatchString(line):
			claims++
			if cells := strings.Split(strings.Trim(line, "|"), "|"); !claimed.MatchString(cells[len(cells)-1]) {
				t.Errorf("%s:%d: no test shows this: name one, or say under \"Not protected\" that none does", p.name, i+1)
			}
		}
		for _, f := range found {
			folder := packageFolder(root, f[1])
			if tests[folder] == nil {
				tests[folder] = testsOf(t, folder)
			}
			if !tests[folder][f[2]] || f[3] != "" && !hasPart(t, root, folder, f[2], f[3]) {
				t.Errorf("%s:%d: there is no test %s", p.name, i+1, strings.Trim(f[0], "`"))
			}
		}
	}
	if claims < 40 {
		t.Errorf("rows that name what shows them: got %d, want those of all tables", claims)
	}
}

// packageFolder is where a package lies that a page names: at the top level, or
// below internal.
func packageFolder(root, name string) string {
	folder := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	return filepath.Join(root, "internal", filepath.FromSlash(name))
}

// testsOf returns the tests of the package in a folder, by name.
func testsOf(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

// hasPart says whether a test has a part: a script, or one of those that all
// stores share.
func hasPart(t *testing.T, root, folder, test, part string) bool {
	t.Helper()
	switch test {
	case "TestScripts":
		_, err := os.Stat(filepath.Join(folder, "testdata", "script", part+".txtar"))
		return err == nil
	case "TestContract":
		source, err := os.ReadFile(filepath.Join(root, "internal", "storetest", "storetest.go"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(source), `{"`+part+`", `)
	}
	return false
}
