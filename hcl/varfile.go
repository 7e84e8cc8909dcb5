package hcl

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// fromFile is the value of a variable in a file of values.
type fromFile struct {
	value cty.Value
	place hcllib.Range
	name  hcllib.Range
}

// readFlags reads the values of --var, of which the last one for a name counts.
func (d *decoder) readFlags(flags []string) {
	for _, flag := range flags {
		name, value, found := strings.Cut(flag, "=")
		if !found || name == "" {
			d.report(hcllib.Range{}, "--var without a value", "It is written --var NAME=VALUE.", "")
			continue
		}
		d.fromFlags[name] = value
	}
}

// readVarFile reads a file of values. Any of them may be secret, so none is shown.
func (d *decoder) readVarFile(file *source) {
	if filepath.Ext(file.name) == ".json" {
		d.readJSONValues(file)
		return
	}
	file.hideAll()
	before := len(d.diags)
	body := d.parse(file)
	d.incomplete = d.incomplete || len(d.diags) > before
	if body == nil {
		return
	}
	file.hidden = nil
	for _, attr := range inOrder(body) {
		d.hide(attr.Expr.Range())
	}
	if len(d.diags) > before {
		file.hideAll()
	}
	for _, block := range body.Blocks {
		d.report(block.TypeRange, fmt.Sprintf("block %q in a file of values", block.Type), "Such a file has lines of the form NAME = VALUE only.", "")
	}
	for _, attr := range inOrder(body) {
		if !isPlain(attr.Expr) {
			d.report(attr.NameRange, fmt.Sprintf("%s is not a plain value", attr.Name), "A file of values refers to nothing, and computes nothing.", "")
			d.fromFiles[attr.Name] = fromFile{cty.NilVal, attr.Expr.Range(), attr.NameRange}
			continue
		}
		value, problems := d.evaluate(attr.Expr)
		d.reportAll(problems)
		d.fromFiles[attr.Name] = fromFile{value, attr.Expr.Range(), attr.NameRange}
	}
}

// readJSONValues is readVarFile for a JSON object.
func (d *decoder) readJSONValues(file *source) {
	file.hideAll()
	beginning := hcllib.Range{Filename: file.name, Start: hcllib.InitialPos, End: hcllib.InitialPos}
	unread := func(place hcllib.Range, detail string) {
		d.incomplete = true
		d.report(place, "not read as JSON", detail, "")
	}
	if err := guardJSON([]cty.Value{cty.StringVal(string(file.text))}); err != nil || len(file.text) > maxString {
		unread(beginning, "The file is too large, or nested too deeply.")
		return
	}
	parsed, diags := hcljson.Parse(file.text, file.name)
	if diags.HasErrors() {
		place := beginning
		if diags[0].Subject != nil {
			place = *diags[0].Subject
		}
		unread(place, "The file is one JSON object, with the values of variables by their names.")
		return
	}
	attrs, diags := parsed.Body.JustAttributes()
	if diags.HasErrors() {
		unread(beginning, "The file is one JSON object, in which each name occurs once.")
	}
	names := slices.Sorted(maps.Keys(attrs))
	if !diags.HasErrors() {
		file.hidden = nil
		for _, name := range names {
			d.hide(attrs[name].Expr.Range())
		}
	}
	for _, name := range names {
		attr := attrs[name]
		value, diags := attr.Expr.Value(nil)
		if diags.HasErrors() {
			unread(attr.NameRange, "The value of "+name+" cannot be read.")
			value = cty.NilVal
		}
		d.fromFiles[name] = fromFile{value, attr.Expr.Range(), attr.NameRange}
	}
}

// isPlain tells whether an expression refers to nothing, calls nothing and does not
// loop.
func isPlain(expr hclsyntax.Expression) bool {
	plain := len(expr.Variables()) == 0
	_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcllib.Diagnostics {
		switch node.(type) {
		case *hclsyntax.ForExpr, *hclsyntax.FunctionCallExpr:
			plain = false
		}
		return nil
	})
	return plain
}

// checkGiven reports the values for variables that are not declared.
func (d *decoder) checkGiven() {
	names := slices.Sorted(maps.Keys(d.scope.variables))
	d.block, d.title = address{}, ""
	unknown := func(place hcllib.Range, by, name string) {
		if _, declared := d.scope.variables[name]; declared {
			return
		}
		p := d.unknownName(place, "variable", name, names, fmt.Sprintf(`variable %q {}`, name))
		d.report(place, p.summary+" in "+by, p.detail, p.suggestion)
	}
	for _, name := range slices.Sorted(maps.Keys(d.fromFlags)) {
		unknown(hcllib.Range{}, "--var", name)
	}
	for _, name := range slices.Sorted(maps.Keys(d.fromFiles)) {
		unknown(d.fromFiles[name].name, "--var-file", name)
	}
}
