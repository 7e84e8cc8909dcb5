package hcl

import (
	"fmt"
	"regexp"
	"slices"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// syntaxErrors takes over the library's diagnostics in its words, which can
// quote the file: not where a secret stands.
func (d *decoder) syntaxErrors(broken hcllib.Diagnostics) {
	position := regexp.MustCompile(`:(\d+),\d+-\d+`) // FILE:LINE,COLUMN-COLUMN
	for _, diag := range broken {
		var place hcllib.Range
		if diag.Subject != nil {
			place = *diag.Subject
		}
		d.broken = append(d.broken, place)
		detail := position.ReplaceAllString(diag.Detail, ":$1")
		if d.config.sources.hides(place) {
			detail = "What stands there is not shown, since it may be secret."
		}
		d.report(place, lowerFirst(diag.Summary), detail, "")
	}
}

// hasSyntaxError tells whether part of a block could not be read. What is left
// of it would only draw errors that are none.
func (d *decoder) hasSyntaxError(block *hclsyntax.Block) bool {
	extent := hcllib.RangeOver(block.Range(), block.Body.SrcRange)
	return slices.ContainsFunc(d.broken, func(place hcllib.Range) bool {
		return place.Filename == extent.Filename && place.Start.Byte <= extent.End.Byte && extent.Start.Byte <= place.End.Byte
	})
}

// duplicateAttributes reports the attributes that are set twice, and returns
// the other errors of the parser. The rest of their blocks can be read: the
// parser has kept the first of the two.
func (d *decoder) duplicateAttributes(source *source, body *hclsyntax.Body, tokens hclsyntax.Tokens, broken hcllib.Diagnostics) hcllib.Diagnostics {
	values := map[int]hclsyntax.Tokens{} // by the offset of the name, from the equals sign on
	for i, token := range tokens[:max(len(tokens)-1, 0)] {
		if token.Type == hclsyntax.TokenIdent && tokens[i+1].Type == hclsyntax.TokenEqual {
			values[token.Range.Start.Byte] = tokens[i+1:]
		}
	}
	return slices.DeleteFunc(broken, func(diag *hcllib.Diagnostic) bool {
		if diag.Subject == nil || values[diag.Subject.Start.Byte] == nil {
			return false
		}
		name := string(diag.Subject.SliceBytes(source.text))
		kind, inner := innermost("", body, *diag.Subject)
		first, found := inner.Attributes[name]
		if !found || first.NameRange == *diag.Subject {
			return false
		}
		if kind == "locals" || kind == "variable" { // a secret may be made of it
			value := values[diag.Subject.Start.Byte][1:]
			source.hide([]span{{value[0].Range.Start.Byte, value[valueEnd(value)-1].Range.End.Byte}})
		}
		d.report(*diag.Subject, fmt.Sprintf("duplicate attribute %q", name),
			fmt.Sprintf("The attribute is set first at %s. An attribute is set once in a block.", lineOf(first.NameRange)), "")
		return true
	})
}

// innermost returns the body that a place is directly in, and what kind of block it
// is the body of.
func innermost(kind string, body *hclsyntax.Body, place hcllib.Range) (string, *hclsyntax.Body) {
	for _, block := range body.Blocks {
		if block.Range().ContainsPos(place.Start) || block.Body.SrcRange.ContainsPos(place.Start) {
			return innermost(block.Type, block.Body, place)
		}
	}
	return kind, body
}
