package hcl

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// isSensitive tells whether a block has the mark of a sensitive variable. One that is
// wrong is taken for true.
func isSensitive(block *hclsyntax.Block) bool {
	attr, found := block.Body.Attributes["sensitive"]
	if block.Type != "variable" || !found {
		return false
	}
	literal, isLiteral := unwrap(attr.Expr).(*hclsyntax.LiteralValueExpr)
	return !isLiteral || !literal.Val.RawEquals(cty.False)
}

// hideSensitive hides what a sensitive variable is set to, under whatever name.
func (d *decoder) hideSensitive(block *hclsyntax.Block) {
	if !isSensitive(block) {
		return
	}
	for _, attr := range block.Body.Attributes {
		if attr.Name != "type" && attr.Name != "sensitive" && (attr.Name != "description" || !isPlain(attr.Expr)) {
			d.hide(attr.Expr.Range())
		}
	}
}

// How the text of a block looks, where the tokens of a file cannot be trusted.
var (
	plainLine     = regexp.MustCompile(`^\s*(type\s*=\s*[\w()]+|sensitive\s*=\s*"?(true|false|yes|no)"?|description\s*=\s*"[^"]*"|)\s*}?\s*$`)
	setTo         = regexp.MustCompile(`^\s*[\w-]+\s*=\s*`)
	notSensitive  = regexp.MustCompile(`\bsensitive\s*=\s*false\b`)
	sensitiveWord = regexp.MustCompile(`\bsensitive\b`)
)

// sensitiveLines finds all that can be the value of a sensitive variable, or of one
// that is called as a secret is. Like secretLines it is for files of which the tokens
// cannot be trusted: a block goes on to the first line of the next.
func sensitiveLines(text []byte) []span {
	var spans, block []span // block has the lines of one
	header := blockHeader()
	start, secret := 0, false
	for line := range bytes.Lines(text) {
		begin := start
		start += len(line)
		if found := header.FindSubmatch(line); found != nil {
			spans = append(spans, sensitiveValues(text, block, secret)...)
			block, secret = nil, string(found[1]) == "variable" && secretName(string(found[2]))
			begin += len(found[0])
		}
		block = append(block, span{begin, start})
	}
	return append(spans, sensitiveValues(text, block, secret)...)
}

// blockHeader matches the beginning of a block: its kind, its labels.
func blockHeader() *regexp.Regexp {
	var kinds []string
	for _, kind := range blockKinds() {
		kinds = append(kinds, kind.body.kind)
	}
	return regexp.MustCompile(`^\s*(` + strings.Join(kinds, "|") + `)\b([^={]*)\{`)
}

// sensitiveValues finds what is set in the lines of a block, if that is secret or has
// the mark of what is sensitive.
func sensitiveValues(text []byte, lines []span, secret bool) []span {
	if len(lines) == 0 {
		return nil
	}
	all := text[lines[0].start:lines[len(lines)-1].end]
	if !secret && !sensitiveWord.Match(notSensitive.ReplaceAll(all, nil)) {
		return nil
	}
	var spans []span
	for _, line := range lines {
		if rest := text[line.start:line.end]; !plainLine.Match(rest) {
			spans = append(spans, span{line.start + len(setTo.Find(rest)), line.end})
		}
	}
	return spans
}
