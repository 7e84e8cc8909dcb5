package docs_test

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#+ +(.*)`)
)

// TestLinks follows every link of every page of the module to a file or to a
// heading.
func TestLinks(t *testing.T) {
	t.Parallel()
	root := ktest.Root(t)
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata"):
			return filepath.SkipDir
		case filepath.Ext(file) != ".md":
			return nil
		}
		p := readPage(t, root, file)
		for i, line := range p.prose() {
			for _, found := range link.FindAllStringSubmatch(line, -1) {
				checkLink(t, root, p, i+1, found[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func checkLink(t *testing.T, root string, p page, line int, target string) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Errorf("%s:%d: link %s: %v", p.name, line, target, err)
		return
	}
	if u.Scheme != "" {
		return
	}
	file := filepath.Join(root, p.name)
	if u.Path != "" {
		file = filepath.Join(filepath.Dir(file), u.Path)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("%s:%d: the link %s leads nowhere: %v", p.name, line, target, err)
		return
	}
	if u.Fragment != "" && !readPage(t, root, file).anchors()[u.Fragment] {
		t.Errorf("%s:%d: %s has no heading #%s", p.name, line, file, u.Fragment)
	}
}

// anchors are the names by which the headings of a page can be linked to.
func (p page) anchors() map[string]bool {
	names := map[string]bool{}
	for _, line := range p.prose() {
		if found := heading.FindStringSubmatch(line); found != nil {
			name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(found[1]), "")
			names[strings.ReplaceAll(name, " ", "-")] = true
		}
	}
	return names
}
