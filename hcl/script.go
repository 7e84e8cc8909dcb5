package hcl

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxScript is how long a program may be with its arguments, in bytes.
const maxScript = 4096

// script returns a program with its arguments, of which one may be a password:
// whatever is wrong with it, no more than the program is shown.
func (d *decoder) script(body *hclsyntax.Body, name string) string {
	attr, isSet := body.Attributes[lastPart(name)]
	if !isSet {
		return ""
	}
	d.remember(name, attr)
	value, ok := d.secretArguments(attr.Expr)
	if !ok || value.IsNull() {
		return ""
	}
	script, ok := d.string(value, attr.Expr.Range(), attr.Name)
	if !ok {
		return ""
	}
	if err := checkScript(script); err != nil {
		summary := "invalid " + attr.Name
		if shown := shownScript(script); shown != notShown {
			summary += ": " + shown
		}
		d.report(attr.Expr.Range(), summary, sentence(err.Error()), "")
		return ""
	}
	return script
}

func checkScript(script string) error {
	program, _, _ := strings.Cut(script, " ")
	switch {
	case len(script) > maxScript:
		return fmt.Errorf("a program and its arguments have at most %d bytes", maxScript)
	case strings.ContainsFunc(script, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("a control character stands in it")
	case !filepath.IsAbs(program):
		return errors.New("the program must be an absolute path, as in /usr/local/sbin/kts-key-password")
	}
	return nil
}

// shownScript is what is shown of a program and its arguments.
func shownScript(script string) string {
	program, arguments, _ := strings.Cut(script, " ")
	switch {
	case !filepath.IsAbs(program) || strings.ContainsFunc(program, func(r rune) bool { return r < ' ' }):
		return notShown
	case strings.TrimSpace(arguments) == "":
		return program
	}
	return program + " (arguments not shown)"
}

// beginsWithProgram tells whether a text begins, as the file has it, with an
// absolute path and the space behind it.
func beginsWithProgram(expr hclsyntax.Expression) bool {
	template, isTemplate := unwrap(expr).(*hclsyntax.TemplateExpr)
	if !isTemplate || len(template.Parts) == 0 {
		return false
	}
	part := template.Parts[0]
	if m, ok := part.(*metered); ok {
		part = m.Expression
	}
	literal, isLiteral := part.(*hclsyntax.LiteralValueExpr)
	if !isLiteral || literal.Val.Type() != cty.String {
		return false
	}
	text := literal.Val.AsString()
	return strings.HasPrefix(text, "/") && strings.Contains(text, " ")
}
