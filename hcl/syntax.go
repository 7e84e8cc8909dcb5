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
	isName := map[int]bool{} // by offset: an equals sign follows
	for i, token := range tokens[:max(len(tokens)-1, 0)] {
		isName[token.Range.Start.Byte] = token.Type == hclsyntax.TokenIdent && tokens[i+1].Type == hclsyntax.TokenEqual
	}
	return slices.DeleteFunc(broken, func(diag *hcllib.Diagnostic) bool {
		if diag.Subject == nil || !isName[diag.Subject.Start.Byte] {
			return false
		}
		name := string(diag.Subject.SliceBytes(source.text))
		first, found := innermost(body, *diag.Subject).Attributes[name]
		if !found || first.NameRange == *diag.Subject {
			return false
		}
		d.report(*diag.Subject, fmt.Sprintf("duplicate attribute %q", name),
			fmt.Sprintf("The attribute is set first at %s. An attribute is set once in a block.", lineOf(first.NameRange)), "")
		return true
	})
}

// innermost returns the body that a place is directly in.
func innermost(body *hclsyntax.Body, place hcllib.Range) *hclsyntax.Body {
	for _, block := range body.Blocks {
		if block.Range().ContainsPos(place.Start) || block.Body.SrcRange.ContainsPos(place.Start) {
			return innermost(block.Body, place)
		}
	}
	return body
}
