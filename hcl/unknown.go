package hcl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// unknownAttribute reports an attribute that the schema lacks.
func (d *decoder) unknownAttribute(schema bodySchema, attr *hclsyntax.Attribute) {
	name := attr.Name
	if schema.isLater(name) {
		d.report(attr.NameRange, fmt.Sprintf("attribute %q is not available in this build", name),
			"It would have no effect, so it is refused. Remove the attribute, or run a release that has it.", "")
		return
	}
	summary, detail := fmt.Sprintf("unknown attribute %q", name), schema.contents()
	if d.config.sources.hides(attr.Expr.Range()) && schema.instead != (advice{}) {
		d.report(attr.NameRange, summary, schema.instead.detail, schema.instead.suggestion)
		return
	}
	d.report(attr.NameRange, summary, detail, schema.suggestion(name))
}

// unknownNested reports an inner block that the schema lacks.
func (d *decoder) unknownNested(schema bodySchema, block *hclsyntax.Block) {
	suggestion := didYouMean(block.Type, schema.blockNames())
	if slices.Contains(schema.attributes, block.Type) {
		suggestion = fmt.Sprintf("Write it as an attribute: %s = …", block.Type)
	}
	d.report(block.TypeRange, fmt.Sprintf("unknown block %q in %s", block.Type, schema.kind), schema.contents(), suggestion)
}

// isLater tells whether other builds have an attribute, here or in an inner
// block.
func (s bodySchema) isLater(name string) bool {
	return slices.Contains(s.later, name) || slices.ContainsFunc(s.blocks, func(inner bodySchema) bool { return inner.isLater(name) })
}

// contents says what may stand in a block.
func (s bodySchema) contents() string {
	text := fmt.Sprintf("The attributes of %s are %s", s.kind, strings.Join(s.attributes, ", "))
	if len(s.attributes) == 1 {
		text = fmt.Sprintf("The attribute of %s is %s", s.kind, s.attributes[0])
	}
	if len(s.blocks) > 0 {
		text += "; inside it stands the block " + strings.Join(s.blockNames(), ", ")
	}
	return text + "."
}

func (s bodySchema) blockNames() []string {
	var names []string
	for _, block := range s.blocks {
		names = append(names, block.kind)
	}
	return names
}

// suggestion guesses what was meant by an attribute that the schema lacks.
func (s bodySchema) suggestion(name string) string {
	for _, block := range s.blocks {
		if name == block.kind {
			return fmt.Sprintf("Write it as a block, without the equals sign: %s { … }", name)
		}
		if slices.Contains(block.attributes, name) {
			return fmt.Sprintf("It belongs into the block %s { … }", block.kind)
		}
	}
	return didYouMean(name, s.attributes)
}

// list joins words as a sentence does: "database, organization and server".
func list(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// didYouMean returns the name that differs from the given one in at most two
// letters, as a question; "" if there is none.
func didYouMean(given string, names []string) string {
	best, least := "", 3
	for _, name := range names {
		if distance := levenshtein.Distance(strings.ToLower(given), name, nil); distance < least {
			best, least = name, distance
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("Did you mean %q?", best)
}
