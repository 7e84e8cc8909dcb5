package hcl

import (
	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The parser recurses, and a stack that overflows cannot be recovered from:
// what makes it recurse is counted before it runs.
const (
	maxDepth     = 100
	maxOperators = 1000
)

// deepest finds where a file nests brackets, or uses operators, beyond what
// the parser is given to read.
func deepest(tokens hclsyntax.Tokens) (place hcllib.Range, tooDeep bool) {
	depth, operators := 0, 0
	for _, token := range tokens {
		switch token.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOQuote,
			hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCQuote,
			hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			depth = max(depth-1, 0)
		case hclsyntax.TokenTemplateControl:
			depth++
			operators++
		case hclsyntax.TokenNewline, hclsyntax.TokenComment, hclsyntax.TokenIdent, hclsyntax.TokenNumberLit,
			hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenEqual, hclsyntax.TokenComma, hclsyntax.TokenEOF:
		default:
			operators++
		}
		if depth > maxDepth || operators > maxOperators {
			return token.Range, true
		}
	}
	return hcllib.Range{}, false
}
