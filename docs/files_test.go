package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// row is a row of a table: one column of it.
type row struct {
	line  int
	first string // of its cells
	cell  string // of the column
}

// rows returns the rows of the tables of a page that have the column.
func (p page) rows(column string) []row {
	var all []row
	at := -1 // the column's index, in a table that has it
	inTable := false
	for i, line := range p.prose() {
		if !strings.HasPrefix(line, "|") {
			at, inTable = -1, false
			continue
		}
		cells := strings.Split(strings.Trim(strings.ReplaceAll(line, `\|`, "\x00"), "|"), "|")
		for j := range cells {
			cells[j] = strings.TrimSpace(strings.ReplaceAll(cells[j], "\x00", "|"))
		}
		switch {
		case !inTable:
			inTable, at = true, slices.Index(cells, column)
		case at >= 0 && at < len(cells) && strings.Trim(cells[at], "-: ") != "":
			all = append(all, row{line: i + 1, first: cells[0], cell: cells[at]})
		}
	}
	return all
}

// TestFiles compares the table of files with what init makes: each file of the
// table is there with its mode, and each file that is there has its row.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := confdir.Dir(ktest.Dir(t))
	p := readPage(t, ktest.Root(t), filepath.Join(ktest.Root(t), "docs", "architecture.md"))
	shown := map[string]string{}
	for _, r := range p.rows("mode") {
		for _, name := range inline.FindAllStringSubmatch(r.first, -1) {
			shown[strings.TrimSuffix(name[1], "/")] = r.cell
		}
	}
	if len(shown) == 0 {
		t.Fatal("docs/architecture.md has no table of files (| file | what | mode | …)")
	}
	made := map[string]string{}
	for name := range shown {
		if info, err := os.Lstat(path(dir, name)); err != nil {
			t.Errorf("the table names %s, which init does not make: %v", name, err)
		} else {
			made[name] = fmt.Sprintf("%04o", info.Mode().Perm())
		}
	}
	if diff := cmp.Diff(made, shown); diff != "" {
		t.Errorf("modes of the files: -got +the table:\n%s", diff)
	}
	err := filepath.WalkDir(string(dir), func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(string(dir), file)
		if _, known := shown[name]; !known && !d.IsDir() {
			t.Errorf("init makes %s, which the table does not name", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// path returns where a file of the table is.
func path(dir confdir.Dir, name string) string {
	if rest, ok := strings.CutPrefix(name, "state/"); ok {
		return dir.State(rest)
	}
	return filepath.Join(string(dir), name)
}
