package hcl

import (
	"fmt"
	"slices"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// localsBlock is the schema of
//
//	locals {
//	  domain   = "example.com"                 # used as local.domain
//	  contacts = ["finn@${local.domain}"]      # in any order, and over several blocks
//	}
func localsBlock() blockKind {
	return blockKind{
		example: "locals {",
		many:    true,
		first:   true,
		store:   storeLocals,
		body:    bodySchema{kind: "locals", free: true},
	}
}

// local is a value that has a name.
type local struct {
	name  string
	place hcllib.Range // of its name
	expr  hclsyntax.Expression
	state localState
	value cty.Value // once it is known

	hidden bool // what it is set to is not shown; once its value is known
}

// localState tells how far the evaluation of a local is.
type localState int

const (
	untouched localState = iota
	underway
	known
	wrong // which has been reported, or is about to be
)

func storeLocals(d *decoder, _ string, body *hclsyntax.Body) {
	for _, attr := range inOrder(body) {
		if first, found := d.scope.locals[attr.Name]; found {
			d.report(attr.NameRange, fmt.Sprintf("duplicate local %q", attr.Name),
				fmt.Sprintf("It is set first at %s. A local is set once in a site.", lineOf(first.place)), "")
			continue
		}
		l := &local{name: attr.Name, place: attr.NameRange, expr: attr.Expr}
		d.scope.locals[attr.Name] = l
		d.locals = append(d.locals, l)
	}
}

// inOrder returns the attributes of a body as the file has them.
func inOrder(body *hclsyntax.Body) []*hclsyntax.Attribute {
	var attrs []*hclsyntax.Attribute
	for _, attr := range body.Attributes {
		attrs = append(attrs, attr)
	}
	slices.SortFunc(attrs, func(a, b *hclsyntax.Attribute) int { return a.NameRange.Start.Byte - b.NameRange.Start.Byte })
	return attrs
}

// evaluateLocals finds the values of all locals, used or not.
func (d *decoder) evaluateLocals() {
	for _, l := range d.locals {
		d.block, d.title = address{}, "locals"
		_, _ = d.localValue(l, l.place)
	}
}

// localValue returns the value of a local, or what is wrong with referring to it
// at a place.
func (d *decoder) localValue(l *local, place hcllib.Range) (cty.Value, *problem) {
	switch l.state {
	case known:
		return l.value, nil
	case wrong:
		return cty.NilVal, &problem{}
	case underway:
		cycle := slices.Clone(d.scope.chain[slices.Index(d.scope.chain, l.name):])
		return cty.NilVal, &problem{place, fmt.Sprintf("local %q refers to itself", l.name),
			"The references go around in a circle: " + path(append(cycle, l.name)) + ".", ""}
	}
	if len(d.scope.chain) == maxChain {
		return cty.NilVal, &problem{place, "too many locals refer to one another", fmt.Sprintf("A chain of locals has at most %d of them.", maxChain), ""}
	}
	l.state, d.scope.chain = underway, append(d.scope.chain, l.name)
	value, problems := d.evaluate(l.expr)
	d.scope.chain = d.scope.chain[:len(d.scope.chain)-1]
	if problems != nil {
		l.state = wrong
		d.reportAll(problems)
		return cty.NilVal, &problem{}
	}
	l.state, l.value, l.hidden = known, value, d.config.sources.hides(l.expr.Range())
	return value, nil
}
