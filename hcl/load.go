package hcl

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// MaxFileSize is how large a file may be, in bytes.
const MaxFileSize = 1 << 20

// Load reads the file at path. The Config is never nil; with errors it holds
// the blocks that have none, so that the caller can report on these as well.
func Load(path string) (*Config, Diagnostics) {
	src, err := read(path)
	if err != nil {
		return &Config{}, Diagnostics{{Severity: SeverityError, Summary: "cannot read " + path, Detail: sentence(err.Error())}}
	}
	return Parse(src, path)
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.New("it is a directory; a site is one file")
	}
	src, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, bare(err)
	}
	return src, nil
}

// bare drops the path, which stands before it.
func bare(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// Parse reads a file's contents; filename is for the diagnostics. What it
// returns is as with Load.
func Parse(src []byte, filename string) (*Config, Diagnostics) {
	if len(src) > MaxFileSize {
		return &Config{}, Diagnostics{{
			Severity: SeverityError, Summary: filename + " is too large",
			Detail: fmt.Sprintf("A file may have up to %d bytes.", MaxFileSize),
		}}
	}
	lexed := lex(src, filename)
	d := newDecoder(&source{text: src})
	d.config.source.hide(lexed.hidden)
	if place, tooDeep := deepest(lexed.tokens); tooDeep {
		d.config.source.hide(secretLines(src))
		d.report(place, "expression too complex", "A site is made of plain values: this nests or computes more than the language needs.", "")
		return d.config, d.diags
	}
	file, broken := hclsyntax.ParseConfig(lexed.readable, filename, hcllib.InitialPos)
	if len(lexed.broken)+len(broken) > 0 {
		d.config.source.hide(secretLines(src))
	}
	body := file.Body.(*hclsyntax.Body)
	d.syntaxErrors(lexed.broken)
	d.syntaxErrors(d.duplicateAttributes(body, lexed.tokens, broken))
	d.decodeFile(body)
	d.removedAndDeclared()
	slices.SortStableFunc(d.diags, Diagnostic.compare)
	return d.config, d.diags
}

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
