package hcl

import (
	"errors"
	"fmt"
	"strings"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// variableBlock is the schema of
//
//	variable "domain" {                      # used as var.domain
//	  type        = string                   # default; or number, bool, list(string)
//	  default     = "example.com"            # without it, a value has to be given
//	  description = "of all mail addresses"
//	  sensitive   = false                    # default; true: its value is never shown
//	}
func variableBlock() blockKind {
	return blockKind{
		label:   "name",
		example: `variable "domain" {`,
		first:   true,
		check:   checkVariable,
		store:   storeVariable,
		body:    bodySchema{kind: "variable", attributes: []string{"type", "default", "description", "sensitive"}},
	}
}

// EnvPrefix stands before the name of a variable in the environment.
const EnvPrefix = "KTADMIN_VAR_"

// variable is a value that is given from outside.
type variable struct {
	name      string
	kind      variableKind
	fallback  cty.Value // cty.NilVal: none
	sensitive bool
	value     cty.Value // cty.NilVal: none, or a wrong one, which has been reported
}

// variableKind is a type that a variable can have.
type variableKind string

const (
	kindString variableKind = "string"
	kindNumber variableKind = "number"
	kindBool   variableKind = "bool"
	kindList   variableKind = "list(string)"

	kindUnknown variableKind = "" // it is wrong, and reported
)

const variableKinds = "string, number, bool and list(string)"

// maxVariable is how long the name of a variable can be.
const maxVariable = 64

func checkVariable(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if name == "" || len(name) > maxVariable || !strings.ContainsRune(letters, rune(name[0])) || strings.Trim(name, letters+"0123456789_") != "" {
		return fmt.Errorf("a variable's name has 1 to %d letters, digits and underscores, a letter first", maxVariable)
	}
	return nil
}

func storeVariable(d *decoder, name string, body *hclsyntax.Body) {
	v := &variable{name: name, kind: d.variableKind(body)}
	for _, attr := range inOrder(body) {
		if attr.Name != "type" && !isPlain(attr.Expr) {
			d.report(attr.Expr.Range(), "not a plain value", "A variable is described by what refers to nothing, and computes nothing.", "What is computed is a local: locals { NAME = … }")
			delete(body.Attributes, attr.Name)
		}
	}
	d.text(body, "description", func(string) error { return nil })
	v.sensitive = d.truth(body, "sensitive")
	if attr, found := body.Attributes["default"]; found {
		if v.sensitive {
			d.hide(attr.Expr.Range())
		}
		if value, ok := d.value(attr.Expr); ok && !value.IsNull() {
			v.fallback = d.ofKind(v, value, attr.Expr.Range())
		}
	}
	if _, found := d.scope.variables[name]; found {
		return
	}
	d.scope.variables[name] = v
	d.variables = append(d.variables, v)
	v.value = d.given(v)
}

// variableKind reads the type of a variable, which is written without quotes.
func (d *decoder) variableKind(body *hclsyntax.Body) variableKind {
	attr, isSet := body.Attributes["type"]
	if !isSet {
		return kindString
	}
	word := hcllib.ExprAsKeyword(attr.Expr)
	if call, ok := attr.Expr.(*hclsyntax.FunctionCallExpr); ok && call.Name == "list" && len(call.Args) == 1 {
		word = "list(" + hcllib.ExprAsKeyword(call.Args[0]) + ")"
	}
	switch kind := variableKind(word); kind {
	case kindString, kindNumber, kindBool, kindList:
		return kind
	}
	d.report(attr.Expr.Range(), "unknown type", "The types of a variable are "+variableKinds+", without quotes.", "")
	return kindUnknown
}

// truth returns a truth value; false if it is absent, or wrong and reported.
func (d *decoder) truth(body *hclsyntax.Body, name string) bool {
	attr, found := body.Attributes[name]
	if !found {
		return false
	}
	value, ok := d.value(attr.Expr)
	if !ok || value.IsNull() {
		return false
	}
	if value.Type() != cty.Bool {
		d.report(attr.Expr.Range(), "wrong type for "+name, fmt.Sprintf("This has to be true or false; it is %s.", typeName(value)), "")
		return false
	}
	return value.True()
}

// ofKind returns a value as one of a variable's type, and cty.NilVal if it is none,
// which is reported.
func (d *decoder) ofKind(v *variable, value cty.Value, place hcllib.Range) cty.Value {
	converted, ok := v.kind.of(value)
	if !ok {
		d.report(place, fmt.Sprintf("wrong type for variable %q", v.name), fmt.Sprintf("Its type is %s; this is %s.", v.kind, nameOfType(value)), "")
		return cty.NilVal
	}
	return converted
}

// nameOfType is typeName for what may be a list, but not one of strings.
func nameOfType(value cty.Value) string {
	if !value.IsNull() && value.Type().IsTupleType() {
		return "a list of other things than strings"
	}
	return typeName(value)
}

// of returns a value as one of this kind, and whether it is one. What was wrong
// before is taken as it is.
func (k variableKind) of(value cty.Value) (cty.Value, bool) {
	types := map[variableKind]cty.Type{kindString: cty.String, kindNumber: cty.Number, kindBool: cty.Bool}
	if k == kindUnknown || value == cty.NilVal {
		return cty.NilVal, true
	}
	if k != kindList {
		return value, value.Type() == types[k] && !value.IsNull()
	}
	if t := value.Type(); value.IsNull() || !t.IsTupleType() && !t.IsListType() {
		return cty.NilVal, false
	}
	elements := value.AsValueSlice()
	for _, element := range elements {
		if element.Type() != cty.String || element.IsNull() {
			return cty.NilVal, false
		}
	}
	if len(elements) == 0 {
		return cty.ListValEmpty(cty.String), true
	}
	return cty.ListVal(elements), true
}

// read returns a value of this kind from its text, as the command line and the
// environment have it.
func (k variableKind) read(text string) (cty.Value, error) {
	switch k {
	case kindUnknown:
		return cty.NilVal, nil
	case kindString:
		if len(text) > maxString {
			return cty.NilVal, fmt.Errorf("a string has at most %d bytes", maxString)
		}
		return cty.StringVal(text), nil
	case kindNumber:
		value, err := cty.ParseNumberVal(text)
		if err != nil || len(text) > maxDigits || value.AsBigFloat().IsInf() {
			return cty.NilVal, errors.New("a number such as 12 is expected")
		}
		return value, nil
	case kindBool:
		if text != "true" && text != "false" {
			return cty.NilVal, errors.New("true or false is expected")
		}
		return cty.BoolVal(text == "true"), nil
	}
	value, ok := readList(text)
	if !ok {
		return cty.NilVal, errors.New(`a list such as ["one", "two"] is expected`)
	}
	return value, nil
}

// maxDigits is how long a number can be that is given as a text.
const maxDigits = 100

// readList reads a list of strings in the syntax of a file.
func readList(text string) (cty.Value, bool) {
	if len(text) > maxString {
		return cty.NilVal, false
	}
	tokens, broken := hclsyntax.LexExpression([]byte(text), "", hcllib.InitialPos)
	if _, tooDeep := deepest(tokens); tooDeep || broken.HasErrors() {
		return cty.NilVal, false
	}
	expr, broken := hclsyntax.ParseExpression([]byte(text), "", hcllib.InitialPos)
	list, isList := expr.(*hclsyntax.TupleConsExpr)
	if broken.HasErrors() || !isList {
		return cty.NilVal, false
	}
	var elements []cty.Value
	for _, element := range list.Exprs {
		if template, ok := element.(*hclsyntax.TemplateExpr); !ok || len(template.Parts) > 0 && !template.IsStringLiteral() {
			return cty.NilVal, false
		}
		value, diags := element.Value(nil)
		if diags.HasErrors() || value.Type() != cty.String {
			return cty.NilVal, false
		}
		elements = append(elements, value)
	}
	return kindList.of(cty.TupleVal(elements))
}

// given returns the value of a variable: from the command line, a file, the
// environment, or by default, in this order.
func (d *decoder) given(v *variable) cty.Value {
	value, found := d.lookUp(v)
	switch {
	case !found && v.fallback != cty.NilVal:
		value = v.fallback
	case !found && !d.invalidBlock && !d.incomplete:
		ways := fmt.Sprintf("Give it with --var %s=VALUE, in a file with --var-file FILE, or in the environment as %s%[1]s.", v.name, EnvPrefix)
		if v.sensitive {
			ways = fmt.Sprintf("It is sensitive: give it in a file with --var-file FILE, or in the environment as %s%s.", EnvPrefix, v.name)
		}
		d.report(d.header, fmt.Sprintf("no value for variable %q", v.name), "It has no default, so a value has to be given.", ways)
	}
	if value != cty.NilVal && v.sensitive {
		value = value.Mark(sensitive)
	}
	return value
}

// lookUp finds the value that a variable is given. It is cty.NilVal if it is
// wrong, which is reported.
func (d *decoder) lookUp(v *variable) (value cty.Value, found bool) {
	if text, isGiven := d.fromFlags[v.name]; isGiven {
		if v.sensitive {
			d.report(d.header, fmt.Sprintf("sensitive variable %q on the command line", v.name), "Every process of a host sees the command line.",
				fmt.Sprintf("Give it in a file with --var-file FILE, or in the environment as %s%s.", EnvPrefix, v.name))
			return cty.NilVal, true
		}
		return d.readGiven(v, "--var", text), true
	}
	if entry, isGiven := d.fromFiles[v.name]; isGiven {
		value, ok := v.kind.of(entry.value)
		if !ok {
			value = cty.NilVal
			d.report(entry.place, fmt.Sprintf("wrong type for variable %q", v.name),
				fmt.Sprintf("Its type is %s, as declared at %s; this is %s.", v.kind, lineOf(d.header), nameOfType(entry.value)), "")
		}
		return value, true
	}
	if d.scope.world.env != nil {
		if text, isGiven := d.scope.world.env(EnvPrefix + v.name); isGiven {
			return d.readGiven(v, EnvPrefix+v.name, text), true
		}
	}
	return cty.NilVal, false
}

func (d *decoder) readGiven(v *variable, by, text string) cty.Value {
	value, err := v.kind.read(text)
	if err != nil {
		d.report(d.header, fmt.Sprintf("wrong value for variable %q", v.name),
			fmt.Sprintf("Its type is %s, and %s gives another thing: %v.", v.kind, by, err), "")
		return cty.NilVal
	}
	return value
}
