package hcl

import (
	"fmt"
	"math/big"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/site"
)

// removedBlock is the schema of
//
//	removed "ORGANIZATION" {
//	  deposits = 12    # how many are lost; default: 0
//	}
func removedBlock() blockKind {
	return blockKind{
		label:   "organization",
		about:   "removed organization",
		example: `removed "disaster-recov" {`,
		check:   names.CheckOrganization,
		store:   storeRemoved,
		body:    bodySchema{kind: "removed", attributes: []string{"deposits"}},
	}
}

func storeRemoved(d *decoder, name string, body *hclsyntax.Body) {
	removed := site.Removed{Organization: name, Deposits: d.count(body, "deposits")}
	if d.blockIsValid() {
		d.config.site.Removed = append(d.config.site.Removed, removed)
	}
}

// count returns the number that an attribute is set to; 0 if it is absent, or
// wrong and reported.
func (d *decoder) count(body *hclsyntax.Body, name string) int64 {
	if !d.isSet(body, name) {
		return 0
	}
	attr := body.Attributes[name]
	d.remember(name, attr)
	value, ok := d.value(attr.Expr)
	if !ok {
		return 0
	}
	if value.IsNull() {
		return 0
	}
	if value.Type() != cty.Number {
		d.report(attr.Expr.Range(), "wrong type for "+name, fmt.Sprintf("This has to be a number; it is %s.", typeName(value)), "")
		return 0
	}
	n, accuracy := value.AsBigFloat().Int64()
	if accuracy != big.Exact || n < 0 {
		d.report(attr.Expr.Range(), fmt.Sprintf("invalid %s %s", name, numberWord(value.AsBigFloat())), "It must be a whole number from 0.", "")
		return 0
	}
	return n
}

// removedAndDeclared reports the organizations that a site both has and removes.
func (d *decoder) removedAndDeclared() {
	for _, block := range d.config.blocks {
		declared, found := d.config.places[addressOf("organization", block.name, "")]
		if block.kind != "removed" || !found {
			continue
		}
		d.block, d.title = addressOf(block.kind, block.name, ""), blockTitle(block.kind, block.name)
		d.report(block.place, fmt.Sprintf("organization %q is both declared and removed", block.name),
			fmt.Sprintf("It is declared at %s.", lineOf(declared.place)), "Keep one of the two blocks.")
	}
}
