// Package docs_test keeps the documentation true: what a page shows is run,
// what it links to is there, and the table of files is what init makes.
//
// A page shows commands in blocks like this one:
//
//	```console
//	$ keytrustee get luks/sda2   # exit 3
//	keytrustee: error: no such deposit
//	```
//
// A line that begins with "$ " is a command, lines that begin with "> " go on
// with it, and the rest is all that it prints, on both outputs. It has to end
// with exit code 0, or with the one that a comment at its end names. The blocks
// of a page are one session of a shell, in a home directory of its own. In what
// is printed "…" stands for anything within a line, and alone on a line for any
// lines; fingerprints, UUIDs, codes and times vary, but what is the same in two
// places of the page must be so in the session (match_test.go).
//
// The session is nobody's but its own: /var/lib/keytrustee and /home/finn stand for
// directories in its home, the state of the server being in its configuration
// directory, /run/keytrustee/admin.sock for its socket, and 11371 for a free port.
// After a line that starts ktsd with "&" the next waits until it answers.
//
// A block that cannot be run is marked "```console no-run REASON".
package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// page is a page of the documentation.
type page struct {
	name  string // relative to the module
	lines []string
}

// pages returns the README and the pages in docs.
func pages(t *testing.T) []page {
	t.Helper()
	root := ktest.Root(t)
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, filepath.Join(root, "README.md"))
	var all []page
	for _, file := range files {
		all = append(all, readPage(t, root, file))
	}
	return all
}

func readPage(t *testing.T, root, file string) page {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	name, err := filepath.Rel(root, file)
	if err != nil {
		t.Fatal(err)
	}
	return page{name: name, lines: strings.Split(string(data), "\n")}
}

// block is a fenced block of a page.
type block struct {
	line  int      // of its fence, from 1
	info  string   // what stands after the fence
	lines []string // between the fences
}

// blocks returns the fenced blocks of a page.
func (p page) blocks(t *testing.T) []block {
	t.Helper()
	var all []block
	var open *block
	for i, line := range p.lines {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{line: i + 1, info: strings.TrimSpace(info)}
		case fence:
			all, open = append(all, *open), nil
		case open != nil:
			open.lines = append(open.lines, line)
		}
	}
	if open != nil {
		t.Errorf("%s:%d: the block has no end", p.name, open.line)
	}
	return all
}

// prose returns the lines of a page outside of its blocks; the others are empty.
func (p page) prose() []string {
	lines := make([]string, len(p.lines))
	inside := false
	for i, line := range p.lines {
		if strings.HasPrefix(line, "```") {
			inside = !inside
		} else if !inside {
			lines[i] = line
		}
	}
	return lines
}
