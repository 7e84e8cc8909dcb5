package hcl

import (
	"fmt"
	"slices"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// What the expressions of a site may cost, so that no file takes for ever, or all
// of the memory. A number, 16 bytes of a string and an element of a list are one
// each, counted as often as an expression yields them. There is one more for each
// byte of the files, so that what is written out in full is always allowed.
const (
	maxWork     = 600_000
	workForEach = 50      // more, for each element of a for_each
	maxString   = 1 << 20 // of one string, in bytes
	costOfError = 100     // a loop goes on after one
	maxExponent = 2048    // of a number, in bits: its digits would be as many
)

// meter counts what the expressions of a site cost.
type meter struct {
	left  int
	spent bool // it has been said that nothing is left
}

// overrun is the panic by which an expression is left that costs too much: the
// library knows no other way out of a loop.
type overrun struct {
	place           hcllib.Range
	summary, detail string // none, if it has been said before
}

// metered is an expression whose values are counted.
type metered struct {
	hclsyntax.Expression
	meter *meter
	use   use
}

// use is what is done with the value of an expression.
type use int

const (
	whole    use = iota // it is used as it is
	part                // one part of it is taken, at a cost that does not depend on its size
	pairwise            // each of its elements is compared with each
)

// cheap is how many comparisons of types cost as much as a value.
const cheap = 64

// Value implements hclsyntax.Expression. It panics with an overrun.
func (m *metered) Value(ctx *hcllib.EvalContext) (cty.Value, hcllib.Diagnostics) {
	value, diags := m.Expression.Value(ctx)
	if diags.HasErrors() {
		value = cty.DynamicVal
		m.meter.take(costOfError, m.Range())
	}
	m.meter.charge(value, m.use == part, m.Range())
	if m.use == pairwise && !diags.HasErrors() {
		m.meter.compare(value, m.Range())
	}
	return value, diags
}

// UnwrapExpression lets the library see what an expression is.
func (m *metered) UnwrapExpression() hcllib.Expression { return m.Expression }

// indexed is an index expression whose value bears the marks of its key, by which
// the value was chosen: the library drops them where it takes a part of an object.
type indexed struct{ *hclsyntax.IndexExpr }

// Value implements hclsyntax.Expression.
func (e *indexed) Value(ctx *hcllib.EvalContext) (cty.Value, hcllib.Diagnostics) {
	collection, diags := e.Collection.Value(ctx)
	key, more := e.Key.Value(ctx)
	value, wrong := hcllib.Index(collection, key, &e.BracketRange)
	return value.WithSameMarks(key), slices.Concat(diags, more, wrong)
}

// compare counts that each element of a list is compared with each. It panics with
// an overrun.
func (m *meter) compare(value cty.Value, place hcllib.Range) {
	value, _ = value.Unmark()
	if t := value.Type(); value.IsNull() || !value.IsKnown() || !t.IsTupleType() && !t.IsObjectType() {
		return
	}
	n := value.LengthInt()
	m.take(n*n/cheap, place)
}

// take counts what something costs. It panics with an overrun.
func (m *meter) take(cost int, place hcllib.Range) {
	if m.left >= cost {
		m.left -= cost
		return
	}
	m.left = 0
	if m.spent {
		panic(overrun{})
	}
	m.spent = true
	panic(overrun{place, "this computes too much",
		"With the elements of lists and maps, the expressions of the site make more values than its size allows."})
}

// charge counts a value. It panics with an overrun.
func (m *meter) charge(value cty.Value, shallow bool, place hcllib.Range) {
	m.take(1, place)
	value, _ = value.Unmark()
	if shallow || value.IsNull() || !value.IsKnown() {
		return
	}
	switch t := value.Type(); {
	case t == cty.String:
		n := len(value.AsString())
		if n > maxString {
			panic(overrun{place, "string too long", fmt.Sprintf("A string has at most %d bytes.", maxString)})
		}
		m.take(n/16, place)
	case t == cty.Number:
		if exponent := value.AsBigFloat().MantExp(nil); exponent > maxExponent || exponent < -maxExponent {
			panic(overrun{place, "number out of range", fmt.Sprintf("A number has at most %d bits.", maxExponent)})
		}
	case value.CanIterateElements():
		for it := value.ElementIterator(); it.Next(); {
			_, element := it.Element()
			m.charge(element, false, place)
		}
	}
}

// wrap counts the values of an expression, and of all the expressions in it.
func (m *meter) wrap(expr hclsyntax.Expression, use use) hclsyntax.Expression {
	switch e := expr.(type) {
	case nil:
		return nil
	case *metered:
		return e
	case *hclsyntax.ObjectConsKeyExpr: // the library looks at what it is made of
		m.inner(&e.Wrapped)
		return e
	case *hclsyntax.ParenthesesExpr:
		m.inner(&e.Expression)
	case *hclsyntax.RelativeTraversalExpr:
		m.partOf(&e.Source)
	case *hclsyntax.FunctionCallExpr:
		if last := len(e.Args) - 1; e.ExpandFinal && last >= 0 {
			e.Args[last] = m.wrap(e.Args[last], pairwise)
		}
		m.all(e.Args)
	case *hclsyntax.ConditionalExpr:
		m.inner(&e.Condition)
		e.TrueResult, e.FalseResult = m.wrap(e.TrueResult, pairwise), m.wrap(e.FalseResult, pairwise)
	case *hclsyntax.IndexExpr:
		m.partOf(&e.Collection)
		m.inner(&e.Key)
		expr = &indexed{e}
	case *hclsyntax.TupleConsExpr:
		m.all(e.Exprs)
	case *hclsyntax.ObjectConsExpr:
		for i := range e.Items {
			m.inner(&e.Items[i].KeyExpr, &e.Items[i].ValueExpr)
		}
	case *hclsyntax.ForExpr:
		m.partOf(&e.CollExpr)
		m.inner(&e.KeyExpr, &e.ValExpr, &e.CondExpr)
	case *hclsyntax.SplatExpr:
		m.inner(&e.Source, &e.Each)
	case *hclsyntax.BinaryOpExpr:
		m.inner(&e.LHS, &e.RHS)
	case *hclsyntax.UnaryOpExpr:
		m.inner(&e.Val)
	case *hclsyntax.TemplateExpr:
		m.all(e.Parts)
	case *hclsyntax.TemplateJoinExpr:
		m.inner(&e.Tuple)
	case *hclsyntax.TemplateWrapExpr:
		m.inner(&e.Wrapped)
	}
	return &metered{expr, m, use}
}

func (m *meter) inner(exprs ...*hclsyntax.Expression) {
	for _, expr := range exprs {
		*expr = m.wrap(*expr, whole)
	}
}

func (m *meter) all(exprs []hclsyntax.Expression) {
	for i := range exprs {
		m.inner(&exprs[i])
	}
}

// partOf is inner for an expression of whose value only a part is taken, at a cost
// that does not depend on its size; what has been counted before is not counted
// again.
func (m *meter) partOf(expr *hclsyntax.Expression) {
	_, isReference := (*expr).(*hclsyntax.ScopeTraversalExpr)
	_, isIndex := (*expr).(*hclsyntax.IndexExpr)
	if isReference || isIndex {
		*expr = m.wrap(*expr, part)
	} else {
		*expr = m.wrap(*expr, whole)
	}
}
