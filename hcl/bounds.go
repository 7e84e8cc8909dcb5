package hcl

import (
	"fmt"
	"math/big"
	"strconv"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/site"
)

// settings reads the values of a block that is made of them, and returns how the
// file writes each.
func (d *decoder) settings(body *hclsyntax.Body, settings []bounds.Setting) site.Words {
	words := site.Words{}
	for _, s := range settings {
		if !d.isSet(body, s.Name) {
			continue
		}
		attr := body.Attributes[s.Name]
		d.remember(s.Name, attr)
		value, ok := d.value(attr.Expr)
		if !ok || value.IsNull() {
			continue
		}
		word, isOfKind := wordOf(s.Kind, value)
		if !isOfKind {
			d.wrongKind(s, attr, value)
			continue
		}
		if err := set(s, value); err != nil {
			d.invalid(attr.Expr.Range(), s.Name, word, err)
			continue
		}
		words[s.Name] = word
	}
	return words
}

// wordOf returns a value as the file writes it, and whether its type is one that
// the kind is written in.
func wordOf(kind bounds.Kind, value cty.Value) (word string, ok bool) {
	if value.IsNull() || !value.IsKnown() {
		return "", false
	}
	switch value.Type() {
	case cty.Number:
		return numberWord(value.AsBigFloat()), kind == bounds.Count || kind == bounds.Size
	case cty.String:
		return value.AsString(), kind == bounds.Size || kind == bounds.Age
	case cty.Bool:
		return strconv.FormatBool(value.True()), kind == bounds.Switch
	}
	return "", false
}

// numberWord returns a number in digits. The decimal form of a huge one would take
// hours to find: it is infinite here.
func numberWord(f *big.Float) string {
	if n, accuracy := f.Int64(); accuracy == big.Exact {
		return strconv.FormatInt(n, 10)
	}
	near, _ := f.Float64()
	return strconv.FormatFloat(near, 'g', 10, 64)
}

// set gives a setting a value of its kind.
func set(s bounds.Setting, value cty.Value) error {
	switch value.Type() {
	case cty.String:
		return s.Read(value.AsString())
	case cty.Bool:
		if value.True() {
			return s.Set(1)
		}
		return s.Set(0)
	}
	n, accuracy := value.AsBigFloat().Int64()
	if accuracy != big.Exact {
		return fmt.Errorf("it must be a whole number %s", s.Range())
	}
	return s.Set(n)
}

// wrongKind reports a value of another type, and what is expected.
func (d *decoder) wrongKind(s bounds.Setting, attr *hclsyntax.Attribute, value cty.Value) {
	what := map[bounds.Kind]string{
		bounds.Count: "a number", bounds.Size: "a size, as a number of bytes or with a unit in quotes", bounds.Age: "a time, in quotes", bounds.Switch: "true or false",
	}[s.Kind]
	example := s.String()
	if s.Kind == bounds.Size || s.Kind == bounds.Age {
		example = strconv.Quote(example)
	}
	d.report(attr.Expr.Range(), "wrong type for "+s.Name, fmt.Sprintf("This has to be %s; it is %s.", what, typeName(value)),
		fmt.Sprintf("Write for example: %s = %s", s.Name, example))
}

// settingNames returns the names of settings.
func settingNames(settings []bounds.Setting) []string {
	var names []string
	for _, s := range settings {
		names = append(names, s.Name)
	}
	return names
}
