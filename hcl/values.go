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
	if isNull(attr.Expr) {
		return "", false
	}
	value, ok := d.string(attr.Expr, attr.Name)
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
	if _, found := d.config.places[a]; !found {
		d.config.places[a] = attr.Expr.Range()
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
	list, isList := unwrap(attr.Expr).(*hclsyntax.TupleConsExpr)
	if !isList {
		d.notAList(attr)
		return nil, false
	}
	var elements []element
	valid := true
	for _, expr := range list.Exprs {
		value, ok := d.string(expr, noun)
		if ok {
			if err := check(value); err != nil {
				d.invalid(expr.Range(), noun, value, err)
				ok = false
			}
		}
		valid = valid && ok
		elements = append(elements, element{value, expr.Range()})
	}
	return elements, valid
}

// isList tells whether an attribute is written as a list.
func isList(body *hclsyntax.Body, name string) bool {
	attr, found := body.Attributes[name]
	if !found {
		return false
	}
	_, list := unwrap(attr.Expr).(*hclsyntax.TupleConsExpr)
	return list
}

// unique returns the values of a list, in which none occurs twice: each of those
// that do is reported with the rule. key tells the values that are the same.
func (d *decoder) unique(elements []element, noun, rule string, key func(string) string) []string {
	var values []string
	first := map[string]element{}
	for _, e := range elements {
		if before, found := first[key(e.value)]; found {
			d.report(e.place, fmt.Sprintf("duplicate %s %q", noun, e.value),
				fmt.Sprintf("The %s is listed first at %s. %s", noun, lineOf(before.place), rule), "")
			continue
		}
		first[key(e.value)] = e
		values = append(values, e.value)
	}
	return values
}

func (d *decoder) notAList(attr *hclsyntax.Attribute) {
	value, ok := d.constant(attr.Expr)
	if !ok {
		return
	}
	suggestion := ""
	if value.Type() == cty.String && value.IsKnown() && !value.IsNull() && !d.config.sources.hides(attr.Expr.Range()) {
		suggestion = fmt.Sprintf("Put it in brackets: %s = [%q]", attr.Name, value.AsString())
	}
	d.report(attr.Expr.Range(), "wrong type for "+attr.Name,
		fmt.Sprintf("%s is a list of strings in brackets; this is %s.", attr.Name, typeName(value)), suggestion)
}

// string evaluates an expression that has to be a string.
func (d *decoder) string(expr hclsyntax.Expression, what string) (string, bool) {
	value, ok := d.constant(expr)
	if !ok {
		return "", false
	}
	if value.Type() != cty.String || value.IsNull() || !value.IsKnown() {
		d.report(expr.Range(), "wrong type for "+what, fmt.Sprintf("This has to be a string, in quotes; it is %s.", typeName(value)), "")
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
func isSet(body *hclsyntax.Body, name string) bool {
	attr, found := body.Attributes[name]
	return found && !isNull(attr.Expr)
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

// constant evaluates an expression that refers to nothing and does not loop. A
// bare word is most likely a string whose quotes were forgotten.
func (d *decoder) constant(expr hclsyntax.Expression) (cty.Value, bool) {
	if !hasLoop(expr) {
		if value, diags := expr.Value(nil); !diags.HasErrors() {
			return value, true
		}
	}
	suggestion := ""
	if word := hcllib.ExprAsKeyword(expr); word != "" && !d.config.sources.hides(expr.Range()) {
		suggestion = fmt.Sprintf("If it is a plain string, put it in quotes: %q", word)
	}
	d.report(expr.Range(), "not a plain value",
		"Variables, functions, loops and what else needs computing are not available in this build.", suggestion)
	return cty.NilVal, false
}

// hasLoop finds the one kind of expression that can be larger than its text.
func hasLoop(expr hclsyntax.Expression) bool {
	found := false
	_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcllib.Diagnostics {
		_, isLoop := node.(*hclsyntax.ForExpr)
		found = found || isLoop
		return nil
	})
	return found
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
	first, hasFirst := body.Attributes[a]
	second, hasSecond := body.Attributes[b]
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
	case t.IsTupleType():
		return "a list"
	case t.IsObjectType():
		return "a map"
	case t == cty.Bool:
		return "a truth value"
	default:
		return "a " + t.FriendlyName()
	}
}

func lastPart(name string) string { return name[strings.LastIndex(name, ".")+1:] }
