package hcl

import (
	"fmt"
	"math/big"
	"strconv"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// repeatedKeys finds the keys that are written twice in an object: the library would
// take the last one, and drop the others without a word.
func (d *decoder) repeatedKeys(expr hclsyntax.Expression) []problem {
	var problems []problem
	_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcllib.Diagnostics {
		object, ok := node.(*hclsyntax.ObjectConsExpr)
		if !ok {
			return nil
		}
		first := map[string]hcllib.Range{}
		for _, item := range object.Items {
			place := item.KeyExpr.Range()
			key, ok := writtenKey(item.KeyExpr)
			before, found := first[key]
			switch {
			case !ok:
			case found:
				problems = append(problems, problem{place, d.repeated(key, place),
					fmt.Sprintf("The key is set first at %s:%d. A key is set once in a map.", lineOf(before), before.Start.Column), ""})
			default:
				first[key] = place
			}
		}
		return nil
	})
	return problems
}

func (d *decoder) repeated(key string, place hcllib.Range) string {
	if d.config.sources.hides(place) {
		return "duplicate key"
	}
	return fmt.Sprintf("duplicate key %q", key)
}

// writtenKey returns a key of an object that is written out: a word, a string or a
// whole number.
func writtenKey(expr hclsyntax.Expression) (key string, ok bool) {
	if e, isKey := expr.(*hclsyntax.ObjectConsKeyExpr); isKey {
		if word := hcllib.ExprAsKeyword(e.Wrapped); word != "" && !e.ForceNonLiteral {
			return word, true
		}
		expr = e.Wrapped
	}
	switch e := unwrap(expr).(type) {
	case *hclsyntax.TemplateExpr:
		if e.IsStringLiteral() {
			return e.Parts[0].(*hclsyntax.LiteralValueExpr).Val.AsString(), true
		}
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type() == cty.Number && !e.Val.IsNull() {
			n, accuracy := e.Val.AsBigFloat().Int64()
			return strconv.FormatInt(n, 10), accuracy == big.Exact
		}
	}
	return "", false
}
