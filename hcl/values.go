package hcl

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// element is a string with its place.
type element struct {
	value string
	place hcllib.Range
}

// text returns the string that an attribute is set to. The name of one in a
// nested block is "tls.certificate", while body is the nested block's. It
// returns false if the attribute is absent or null, or wrong and reported.
func (d *decoder) text(body *hclsyntax.Body, name string, check func(string) error) (string, bool) {
	attr, isSet := body.Attributes[lastPart(name)]
	if !isSet {
		return "", false
	}
	d.remember(name, attr)
	result, ok := d.value(attr.Expr)
	if !ok || result.IsNull() {
		return "", false
	}
	value, ok := d.string(result, attr.Expr.Range(), attr.Name)
	if !ok {
		return "", false
	}
	if err := check(value); err != nil {
		d.invalid(attr.Expr.Range(), attr.Name, value, err)
		return "", false
	}
	return value, true
}

// remember keeps the place of an attribute for ErrorAt; that of the first
// block, where there is a duplicate.
func (d *decoder) remember(name string, attr *hclsyntax.Attribute) {
	a := address{d.block.kind, d.block.name, name}
	if _, found := d.config.places[a]; !found && d.block.kind != "" {
		d.config.places[a] = spot{attr.Expr.Range(), d.title}
	}
}

// texts returns the strings in the list that an attribute is set to. It
// returns false if something is wrong, and has been reported. noun is the word
// for one of them.
func (d *decoder) texts(body *hclsyntax.Body, name, noun string, check func(string) error) ([]element, bool) {
	attr, isSet := body.Attributes[name]
	if !isSet || isNull(attr.Expr) {
		return nil, true
	}
	d.remember(name, attr)
	elements, ok := d.elements(attr, noun)
	for _, e := range elements {
		if err := check(e.value); err != nil {
			d.invalid(e.place, noun, e.value, err)
			ok = false
		}
	}
	return elements, ok
}

// elements returns the strings of a list. Those of one that is written out have
// their own places. It returns false if something is wrong, and has been reported.
func (d *decoder) elements(attr *hclsyntax.Attribute, noun string) (elements []element, ok bool) {
	ok = true
	add := func(value cty.Value, place hcllib.Range) {
		text, isString := d.string(value, place, noun)
		if isString {
			elements = append(elements, element{text, place})
		}
		ok = ok && isString
	}
	if written, isList := unwrap(attr.Expr).(*hclsyntax.TupleConsExpr); isList {
		for _, expr := range written.Exprs {
			if value, evaluated := d.value(expr); evaluated {
				add(value, expr.Range())
			} else {
				ok = false
			}
		}
		return elements, ok
	}
	value, evaluated := d.value(attr.Expr)
	if !evaluated {
		return nil, false
	}
	switch {
	case value.IsNull():
	case isListType(value.Type()):
		for it := value.ElementIterator(); it.Next(); {
			_, e := it.Element()
			add(e, attr.Expr.Range())
		}
	default:
		d.notAList(attr, value)
		return nil, false
	}
	return elements, ok
}

func isListType(t cty.Type) bool { return t.IsTupleType() || t.IsListType() || t.IsSetType() }

// isList tells whether an attribute is a list.
func (d *decoder) isList(body *hclsyntax.Body, name string) bool {
	attr, found := body.Attributes[name]
	if !found {
		return false
	}
	if _, written := unwrap(attr.Expr).(*hclsyntax.TupleConsExpr); written {
		return true
	}
	value, problems := d.evaluate(attr.Expr)
	return problems == nil && isListType(value.Type())
}

// unique returns the values of a list, in which none occurs twice: each of those
// that do is reported with the rule. key tells the values that are the same.
func (d *decoder) unique(elements []element, noun, rule string, key func(string) string) []string {
	var values []string
	first := map[string]element{}
	for _, e := range elements {
		if before, found := first[key(e.value)]; found {
			summary := fmt.Sprintf("duplicate %s %q", noun, e.value)
			if d.config.sources.hides(e.place) {
				summary = "duplicate " + noun
			}
			d.report(e.place, summary,
				fmt.Sprintf("The %s is listed first at %s. %s", noun, lineOf(before.place), rule), "")
			continue
		}
		first[key(e.value)] = e
		values = append(values, e.value)
	}
	return values
}

func (d *decoder) notAList(attr *hclsyntax.Attribute, value cty.Value) {
	suggestion := ""
	if value.Type() == cty.String && !d.config.sources.hides(attr.Expr.Range()) {
		suggestion = fmt.Sprintf("Put it in brackets: %s = [%q]", attr.Name, value.AsString())
	}
	d.report(attr.Expr.Range(), "wrong type for "+attr.Name,
		fmt.Sprintf("%s is a list of strings in brackets; this is %s.", attr.Name, typeName(value)), suggestion)
}

// string returns a value that has to be a string.
func (d *decoder) string(value cty.Value, place hcllib.Range, what string) (string, bool) {
	if value.Type() != cty.String || value.IsNull() {
		d.report(place, "wrong type for "+what, fmt.Sprintf("This has to be a string, in quotes; it is %s.", typeName(value)), "")
		return "", false
	}
	return value.AsString(), true
}

// isNull tells whether an attribute is written as not set.
func isNull(expr hclsyntax.Expression) bool {
	literal, ok := unwrap(expr).(*hclsyntax.LiteralValueExpr)
	return ok && literal.Val.IsNull()
}

// isSet tells whether an attribute is there and not null.
func (d *decoder) isSet(body *hclsyntax.Body, name string) bool {
	attr, found := body.Attributes[name]
	if !found || isNull(attr.Expr) {
		return false
	}
	switch unwrap(attr.Expr).(type) {
	case *hclsyntax.TupleConsExpr, *hclsyntax.ObjectConsExpr, *hclsyntax.TemplateExpr, *hclsyntax.LiteralValueExpr:
		return true
	}
	value, problems := d.evaluate(attr.Expr)
	return problems != nil || !value.IsNull()
}

// unwrap removes parentheses.
func unwrap(expr hclsyntax.Expression) hclsyntax.Expression {
	for {
		inner, ok := expr.(*hclsyntax.ParenthesesExpr)
		if !ok {
			return expr
		}
		expr = inner.Expression
	}
}

// invalid reports a value that a check refused. Where it could be a secret in
// the wrong place, it is not repeated.
func (d *decoder) invalid(place hcllib.Range, what, value string, err error) {
	summary := fmt.Sprintf("invalid %s %q", what, value)
	if d.config.sources.hides(place) {
		summary = "invalid " + what
	}
	d.report(place, summary, sentence(err.Error()), "")
}

// nested returns the body of a block inside a block, the first of its kind;
// nil if there is none.
func (d *decoder) nested(body *hclsyntax.Body, kind string) *hclsyntax.Body {
	for _, block := range body.Blocks {
		if block.Type == kind {
			return block.Body
		}
	}
	return nil
}

// together reports one of two attributes that stands without the other.
func (d *decoder) together(body *hclsyntax.Body, a, b string) {
	first, second := body.Attributes[a], body.Attributes[b]
	hasFirst, hasSecond := d.isSet(body, a), d.isSet(body, b)
	if hasFirst == hasSecond {
		return
	}
	there, missing := first, b
	if hasSecond {
		there, missing = second, a
	}
	d.report(there.SrcRange, fmt.Sprintf("%s without %s", there.Name, missing),
		fmt.Sprintf("%s and %s belong together: set both, or neither for ktsd's own pair.", a, b), "")
}

func checkPath(path string) error {
	if !filepath.IsAbs(path) {
		return errors.New("a path must be absolute, as in /etc/keytrustee/file")
	}
	if strings.ContainsRune(path, 0) {
		return errors.New("a path cannot hold a zero byte")
	}
	return nil
}

// typeName returns the words for a value's type in the language of the file.
func typeName(value cty.Value) string {
	switch t := value.Type(); {
	case value.IsNull():
		return "null"
	case t.IsTupleType(), t.IsListType():
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "a map"
	case t.IsSetType():
		return "a set"
	case t == cty.Bool:
		return "a truth value"
	default:
		return "a " + t.FriendlyName()
	}
}

func lastPart(name string) string { return name[strings.LastIndex(name, ".")+1:] }
