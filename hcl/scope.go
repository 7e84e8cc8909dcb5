package hcl

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// scope is what the expressions of a site can refer to.
type scope struct {
	variables map[string]*variable
	locals    map[string]*local
	each      cty.Value // cty.NilVal: there is no for_each here

	eachHidden   bool            // what each is made of is not shown
	partOfSecret map[string]bool // the variables of which a secret is made, by their names

	functions map[string]map[string]function.Function // by the folder of the file
	world     world
	meter     *meter
	prepared  map[hclsyntax.Expression]*prepared
	chain     []string // of the locals being evaluated, each needed by the one before
}

// maxChain is how many locals may each need the next.
const maxChain = 100

func newScope(w world) *scope {
	return &scope{
		variables: map[string]*variable{}, locals: map[string]*local{}, functions: map[string]map[string]function.Function{},
		partOfSecret: map[string]bool{}, world: w, meter: &meter{left: maxWork}, prepared: map[hclsyntax.Expression]*prepared{},
	}
}

// prepared is an expression with all that it refers to.
type prepared struct {
	metered  hclsyntax.Expression
	context  *hcllib.EvalContext
	each     bool // it refers to each.key or each.value
	secret   bool // it refers to a sensitive value
	problems []problem
}

// problem is what is wrong with an expression. It has none of the texts if it has
// been reported elsewhere.
type problem struct {
	place                       hcllib.Range
	summary, detail, suggestion string
}

// evaluate returns the value of an expression, or what is wrong with it.
func (d *decoder) evaluate(expr hclsyntax.Expression) (cty.Value, []problem) {
	p := d.scope.prepared[expr]
	if p == nil {
		p = d.prepare(expr)
		d.scope.prepared[expr] = p
	}
	if p.problems != nil {
		return cty.NilVal, p.problems
	}
	context := p.context
	if p.each {
		if d.scope.each == cty.NilVal {
			return cty.NilVal, []problem{{expr.Range(), "each without for_each", "each.key and each.value are there in a block that has the attribute for_each.", ""}}
		}
		context = context.NewChild()
		context.Variables = map[string]cty.Value{"each": d.scope.each}
	}
	return d.run(p, context)
}

// run evaluates an expression whose references have been found.
func (d *decoder) run(p *prepared, context *hcllib.EvalContext) (value cty.Value, problems []problem) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case overrun:
			value, problems = cty.NilVal, []problem{{r.place, r.summary, r.detail, ""}}
		default:
			panic(r)
		}
	}()
	d.scope.world.secret = p.secret
	value, diags := p.metered.Value(context)
	if !diags.HasErrors() && value.IsWhollyKnown() {
		return value, nil
	}
	for _, diag := range diags.Errs() {
		problems = append(problems, d.problemOf(diag.(*hcllib.Diagnostic), p.metered.Range()))
	}
	if problems == nil {
		problems = []problem{{p.metered.Range(), "this has no value", "What it is made of is not known.", ""}}
	}
	return cty.NilVal, problems
}

// problemOf takes over a diagnostic of the library in its words, unless they could
// quote what is secret.
func (d *decoder) problemOf(diag *hcllib.Diagnostic, place hcllib.Range) problem {
	if diag.Subject != nil {
		place = *diag.Subject
	}
	detail := strings.Join(strings.Fields(diag.Detail), " ")
	if d.scope.world.secret || d.config.sources.hides(place) {
		detail = "More is not shown, since a secret may be part of it."
	}
	return problem{place, lowerFirst(diag.Summary), detail, ""}
}

// prepare finds what an expression refers to, and what is wrong with it as it is written.
func (d *decoder) prepare(expr hclsyntax.Expression) *prepared {
	p, hidden := &prepared{}, false
	values := map[string]map[string]cty.Value{"var": {}, "local": {}}
	for _, reference := range expr.Variables() {
		root, name := reference.RootName(), referred(reference)
		switch value, wrong := d.refer(expr, reference, root, name); {
		case wrong != nil:
			p.problems = append(p.problems, *wrong)
		case root == "each":
			p.each, hidden = true, hidden || d.scope.eachHidden
		default:
			values[root][name] = value
			p.secret = p.secret || value.ContainsMarked()
			hidden = hidden || d.hidesName(root, name)
		}
	}
	if hidden {
		d.hide(expr.Range()) // as what it is made of
	}
	p.context = &hcllib.EvalContext{Variables: map[string]cty.Value{}, Functions: d.functionsFor(expr.Range().Filename)}
	for root, parts := range values {
		if len(parts) > 0 {
			p.context.Variables[root] = cty.ObjectVal(parts)
		}
	}
	p.problems = append(p.problems, d.repeatedKeys(expr)...)
	if p.problems == nil {
		p.metered = d.scope.meter.wrap(expr, whole)
	}
	return p
}

// hidesName tells whether what a name stands for is not shown, by its own name or
// by what it is made of.
func (d *decoder) hidesName(root, name string) bool {
	if root == "local" {
		return d.scope.locals[name].hidden
	}
	return secretName(name) || d.scope.partOfSecret[name]
}

// referred returns the name behind the first dot of a reference; "" if there is
// none.
func referred(reference hcllib.Traversal) string {
	if len(reference) < 2 {
		return ""
	}
	switch step := reference[1].(type) {
	case hcllib.TraverseAttr:
		return step.Name
	case hcllib.TraverseIndex:
		if step.Key.Type() == cty.String && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}

// refer returns what a reference to root.name is, or what is wrong with it.
func (d *decoder) refer(expr hclsyntax.Expression, reference hcllib.Traversal, root, name string) (cty.Value, *problem) {
	place := reference.SourceRange()
	switch {
	case root == "var" && name != "":
		v, found := d.scope.variables[name]
		if !found {
			return cty.NilVal, d.unknownName(place, "variable", name, slices.Sorted(maps.Keys(d.scope.variables)),
				fmt.Sprintf(`variable %q {}`, name))
		}
		if v.value == cty.NilVal {
			return cty.NilVal, &problem{}
		}
		return v.value, nil
	case root == "local" && name != "":
		l, found := d.scope.locals[name]
		if !found {
			return cty.NilVal, d.unknownName(place, "local", name, slices.Sorted(maps.Keys(d.scope.locals)),
				fmt.Sprintf(`locals { %s = … }`, name))
		}
		return d.localValue(l, place)
	case root == "each" && (name == "key" || name == "value"):
		return cty.NilVal, nil
	}
	return cty.NilVal, d.unknownReference(expr, reference, root)
}

const references = "A reference is var.NAME, local.NAME, each.key or each.value."

func (d *decoder) unknownReference(expr hclsyntax.Expression, reference hcllib.Traversal, root string) *problem {
	place := reference.SourceRange()
	if d.config.sources.hides(place) {
		return &problem{place, "unknown reference", references, ""}
	}
	suggestion := ""
	if word := hcllib.ExprAsKeyword(expr); word != "" {
		suggestion = fmt.Sprintf("If it is a plain string, put it in quotes: %q", word)
	}
	return &problem{place, fmt.Sprintf("unknown reference %q", written(reference, root)), references, suggestion}
}

// written returns the beginning of a reference as the file has it.
func written(reference hcllib.Traversal, root string) string {
	if len(reference) > 1 {
		if attr, ok := reference[1].(hcllib.TraverseAttr); ok {
			return root + "." + attr.Name
		}
	}
	return root
}

// maxListed is how many names an error lists.
const maxListed = 20

func (d *decoder) unknownName(place hcllib.Range, noun, name string, names []string, declare string) *problem {
	if d.config.sources.hides(place) {
		return &problem{place, "unknown " + noun, "A " + noun + " of this name is not declared.", ""}
	}
	p := problem{place, fmt.Sprintf("unknown %s %q", noun, name), fmt.Sprintf("The %ss are %s.", noun, list(names)), didYouMean(name, names)}
	switch n := len(names); {
	case n == 0:
		p.detail = fmt.Sprintf("No %s is declared.", noun)
	case n == 1:
		p.detail = fmt.Sprintf("The one %s is %s.", noun, names[0])
	case n > maxListed:
		p.detail = fmt.Sprintf("There are %d %ss, and none of this name.", n, noun)
	}
	if p.suggestion == "" {
		p.suggestion = "Declare it: " + declare
	}
	return &p
}

// functionsFor returns the functions, which for the sake of file depend on the
// folder of the file that calls them.
func (d *decoder) functionsFor(file string) map[string]function.Function {
	folder := filepath.Dir(file)
	if d.scope.functions[folder] == nil {
		d.scope.functions[folder] = functions(&d.scope.world, folder)
	}
	return d.scope.functions[folder]
}

// reportAll reports what is wrong with an expression, but for what has been
// reported elsewhere.
func (d *decoder) reportAll(problems []problem) {
	for _, p := range problems {
		if p.summary == "" {
			d.invalidBlock = true
			continue
		}
		d.report(p.place, p.summary, p.detail, p.suggestion)
	}
}

// path writes a chain of locals.
func path(names []string) string { return "local." + strings.Join(names, " → local.") }
