package hcl

import (
	"fmt"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Loader reads the files of a site.
type Loader struct {
	// Paths are files, and directories, of which the files *.hcl are read in the
	// order of their names. A file that is named twice is read once.
	Paths []string
}

// Load reads the files and directories at paths, as a Loader does.
func Load(paths ...string) (*Config, Diagnostics) { return Loader{Paths: paths}.Load() }

// Parse reads a file's contents; filename is for the diagnostics. What it
// returns is as with Load.
func Parse(src []byte, filename string) (*Config, Diagnostics) {
	return Loader{}.decode(sources{{name: filename, text: src}}, nil)
}

// Load reads the files. The Config is never nil; with errors it holds the blocks
// that have none, so that the caller can report on these as well.
func (l Loader) Load() (*Config, Diagnostics) {
	files, unread := readAll(l.Paths)
	return l.decode(files, unread)
}

// decode reads the contents of files. diags is what is wrong with others.
func (l Loader) decode(files sources, diags Diagnostics) (*Config, Diagnostics) {
	d := newDecoder(files)
	d.diags = diags
	var bodies []*hclsyntax.Body
	for _, file := range files {
		if body := d.parse(file); body != nil {
			bodies = append(bodies, body)
		}
	}
	for _, body := range bodies {
		d.decodeFile(body)
	}
	d.removedAndDeclared()
	files.order(d.diags)
	return d.config, d.diags
}

// parse reads what a file's blocks are; nil if it cannot be read at all, which
// has been reported.
func (d *decoder) parse(file *source) *hclsyntax.Body {
	if len(file.text) > MaxFileSize {
		d.diags = append(d.diags, Diagnostic{
			Severity: SeverityError, Summary: file.name + " is too large",
			Detail: fmt.Sprintf("A file may have up to %d bytes.", MaxFileSize),
		})
		return nil
	}
	lexed := lex(file.text, file.name)
	file.hide(lexed.hidden)
	if place, tooDeep := deepest(lexed.tokens); tooDeep {
		file.hide(secretLines(file.text))
		d.report(place, "expression too complex", "A site is made of plain values: this nests or computes more than the language needs.", "")
		return nil
	}
	parsed, broken := hclsyntax.ParseConfig(lexed.readable, file.name, hcllib.InitialPos)
	if len(lexed.broken)+len(broken) > 0 {
		file.hide(secretLines(file.text))
	}
	body := parsed.Body.(*hclsyntax.Body)
	d.syntaxErrors(lexed.broken)
	d.syntaxErrors(d.duplicateAttributes(file, body, lexed.tokens, broken))
	return body
}
