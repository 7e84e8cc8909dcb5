package hcl

import (
	"fmt"
	"os"
	"slices"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Loader reads the files of a site.
type Loader struct {
	// Paths are files, and directories, of which the files *.hcl are read in the
	// order of their names. A file that is named twice is read once.
	Paths []string

	// Vars are values of variables, NAME=VALUE each; VarFiles are files of them,
	// in the form of attributes, or of a JSON object where the name ends in .json.
	// Vars come before VarFiles, and these before Env; the last of several counts.
	Vars, VarFiles []string

	// Env looks up an environment variable: for the function env, and EnvPrefix
	// with the name of a variable. nil: there are none.
	Env func(name string) (value string, isSet bool)
}

// Load reads the files and directories at paths, with the environment.
func Load(paths ...string) (*Config, Diagnostics) {
	return Loader{Paths: paths, Env: os.LookupEnv}.Load()
}

// Parse reads a file's contents; filename is for the diagnostics. There is no other
// file for it, and no environment. What it returns is as with Load.
func Parse(src []byte, filename string) (*Config, Diagnostics) {
	d := newDecoder(sources{{name: filename, text: src}}, world{})
	return d.decode(d.config.sources, nil)
}

// Load reads the files. The Config is never nil; with errors it holds the blocks
// that have none, so that the caller can report on these as well.
func (l Loader) Load() (*Config, Diagnostics) {
	files, diags := readAll(l.Paths)
	values, more := readAll(l.VarFiles)
	d := newDecoder(slices.Concat(files, values), world{env: l.Env, files: map[string]fileText{}})
	d.diags, d.incomplete = slices.Concat(diags, more), more != nil
	d.readFlags(l.Vars)
	return d.decode(files, values)
}

// decode reads the contents of files, and of files of values. What the expressions
// refer to comes first.
func (d *decoder) decode(files, values sources) (*Config, Diagnostics) {
	for _, file := range values {
		d.readVarFile(file)
	}
	var bodies []*hclsyntax.Body
	for _, file := range files {
		d.scope.meter.left += len(file.text)
		if body := d.parse(file); body != nil {
			bodies = append(bodies, body)
		}
	}
	d.hideIndirect(bodies)
	for _, body := range bodies {
		d.decodeFile(body, true)
	}
	d.checkGiven()
	d.evaluateLocals()
	for _, body := range bodies {
		d.decodeFile(body, false)
	}
	d.removedAndDeclared()
	d.config.sources.order(d.diags)
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
		file.hide(sensitiveLines(file.text))
		d.report(place, "expression too complex", "This nests or computes more than a site needs.", "")
		return nil
	}
	parsed, broken := hclsyntax.ParseConfig(lexed.readable, file.name, hcllib.InitialPos)
	if len(lexed.broken)+len(broken) > 0 {
		file.hide(secretLines(file.text))
		file.hide(sensitiveLines(file.text))
	}
	body := parsed.Body.(*hclsyntax.Body)
	d.syntaxErrors(lexed.broken)
	d.syntaxErrors(d.duplicateAttributes(file, body, lexed.tokens, broken))
	return body
}
