package hcl

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// mark is what a value bears that is never shown: that of a sensitive variable, of
// env, and of a file that others cannot read. It goes over to all that is made of
// such a value.
type mark string

const sensitive mark = "sensitive"

// Why a sensitive value is refused, and where the one place for it is.
const (
	sensitiveDetail     = "What stands here is shown by plan and export, in the audit log, or to clients. A sensitive value has its place in the arguments of private_key_password_script alone."
	sensitiveSuggestion = "For what is no secret, use a variable that is not sensitive; KTADMIN_VAR_NAME gives it from the environment."
)

// value evaluates an expression whose value will be shown.
func (d *decoder) value(expr hclsyntax.Expression) (cty.Value, bool) {
	value, problems := d.evaluate(expr)
	if problems != nil {
		d.reportAll(problems)
		return cty.NilVal, false
	}
	if value.ContainsMarked() {
		d.report(expr.Range(), "a sensitive value", sensitiveDetail, sensitiveSuggestion)
		return cty.NilVal, false
	}
	return value, true
}

// secretArguments evaluates the text of a program and its arguments. It may be
// sensitive from the first space on, which then stands in the file.
func (d *decoder) secretArguments(expr hclsyntax.Expression) (cty.Value, bool) {
	value, problems := d.evaluate(expr)
	if problems != nil {
		d.reportAll(problems)
		return cty.NilVal, false
	}
	if value.ContainsMarked() && !beginsWithProgram(expr) {
		d.report(expr.Range(), "a sensitive program",
			"The program is shown, and its arguments are not: only they can be sensitive.", `Write the program itself, and a space: "/usr/local/sbin/kts-key-password ${var.NAME}"`)
		return cty.NilVal, false
	}
	value, _ = value.UnmarkDeep()
	return value, true
}
