package hcl

import (
	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The parser recurses, and a stack that overflows cannot be recovered from:
// what makes it recurse is counted before it runs.
const (
	maxDepth     = 100
	maxOperators = 1000 // in one expression
)

// nesting counts what makes the parser recurse.
type nesting struct {
	open      []bool // for each bracket that is open, whether a line's end ends an expression in it
	fresh     bool   // nothing stands in the last one yet
	operators int    // in the expression so far
}

// deepest finds where a file nests brackets, or uses operators, beyond what
// the parser is given to read.
func deepest(tokens hclsyntax.Tokens) (place hcllib.Range, tooDeep bool) {
	var n nesting
	for _, token := range tokens {
		n.take(token)
		if len(n.open) > maxDepth || n.operators > maxOperators {
			return token.Range, true
		}
	}
	return hcllib.Range{}, false
}

func (n *nesting) take(token hclsyntax.Token) {
	fresh := n.fresh && (token.Type == hclsyntax.TokenNewline || token.Type == hclsyntax.TokenComment)
	switch token.Type {
	case hclsyntax.TokenOBrace:
		n.open, fresh = append(n.open, true), true
	case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
		n.open = append(n.open, false)
	case hclsyntax.TokenCBrace, hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		n.open = n.open[:max(len(n.open)-1, 0)]
	case hclsyntax.TokenTemplateControl:
		n.open = append(n.open, false)
		n.operators++
	case hclsyntax.TokenNewline:
		if len(n.open) == 0 || n.open[len(n.open)-1] {
			n.operators = 0
		}
	case hclsyntax.TokenIdent:
		if n.fresh && string(token.Bytes) == "for" {
			n.open[len(n.open)-1] = false // what a for makes goes on over lines
		}
	case hclsyntax.TokenComment, hclsyntax.TokenNumberLit,
		hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenEqual, hclsyntax.TokenComma, hclsyntax.TokenEOF:
	default:
		n.operators++
	}
	n.fresh = fresh
}
