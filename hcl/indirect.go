package hcl

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// hideIndirect hides what secrets are made of where they are put together from
// locals and variables: what these are set to, in whichever file; and the defaults
// of variables that are sensitive, or called as a secret is.
func (d *decoder) hideIndirect(bodies []*hclsyntax.Body) {
	set := map[string][]hclsyntax.Expression{} // by the reference to it
	var secret []hclsyntax.Expression
	for _, body := range bodies {
		for _, block := range body.Blocks {
			d.hideSensitive(block)
			for _, attr := range block.Body.Attributes {
				switch {
				case block.Type == "locals":
					set["local."+attr.Name] = append(set["local."+attr.Name], attr.Expr)
				case block.Type == "variable" && attr.Name == "default" && len(block.Labels) > 0:
					set["var."+block.Labels[0]] = append(set["var."+block.Labels[0]], attr.Expr)
					if secretName(block.Labels[0]) {
						d.hide(attr.Expr.Range())
					}
				}
			}
		}
		secret = append(secret, secretValues(body)...)
	}
	for i := 0; i < len(secret); i++ {
		for _, reference := range secret[i].Variables() {
			name := reference.RootName() + "." + referred(reference)
			if reference.RootName() == "var" {
				d.scope.partOfSecret[referred(reference)] = true
			}
			for _, expr := range set[name] {
				d.hide(expr.Range())
				secret = append(secret, expr)
			}
			delete(set, name)
		}
	}
}

// secretValues returns what is set under the name of a secret in a body, and in
// the blocks inside it.
func secretValues(body *hclsyntax.Body) []hclsyntax.Expression {
	var values []hclsyntax.Expression
	for _, attr := range body.Attributes {
		if secretName(attr.Name) && attr.Name != "private_key" && !strings.HasSuffix(attr.Name, "_file") {
			values = append(values, attr.Expr)
		}
	}
	for _, block := range body.Blocks {
		values = append(values, secretValues(block.Body)...)
	}
	return values
}
