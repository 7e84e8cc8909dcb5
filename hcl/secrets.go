package hcl

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// secretWords make the value of an attribute that has one of them in its name
// a secret. No secret belongs into a site file; one that is there by mistake
// must not get from there into a log. A URL may hold a password, so it is never
// shown, in whatever words a line leads to it.
func secretWords() []string {
	return []string{"auth", "code", "key", "pass", "word", "secret", "token", "url", "://"}
}

// looksSecret tells whether a text may hold a password, whatever it is the value
// of: a URL, or what sets a password in a list of keywords and values.
func looksSecret(text []byte) bool {
	return secretValue.Match(text)
}

var (
	secretValue = regexp.MustCompile(`(?i)://|(pass|secret)\w*\s*=`)
	userinfo    = regexp.MustCompile(`\S*:\S*@`) // of a URL
)

// secretSpans finds the values that may be secret, and the comments. It works on tokens, since
// what cannot be parsed is shown in an error as well; where it is in doubt
// about the end of a value it hides more.
func secretSpans(tokens hclsyntax.Tokens) []span {
	var spans []span
	for i := 0; i < len(tokens); i++ {
		if word, found := secretWordIn(tokens[i].Bytes); found && tokens[i].Type == hclsyntax.TokenComment {
			spans = append(spans, span{tokens[i].Range.Start.Byte + word, tokens[i].Range.End.Byte})
		}
		isText := tokens[i].Type == hclsyntax.TokenQuotedLit || tokens[i].Type == hclsyntax.TokenStringLit
		if isText && looksSecret(tokens[i].Bytes) {
			spans = append(spans, span{tokens[i].Range.Start.Byte, tokens[i].Range.End.Byte})
		}
		if i > 0 && tokens[i-1].Type == hclsyntax.TokenDot || isCall(tokens[i:]) {
			continue // var.password is a name, and keys(…) a function
		}
		name, value := assignment(tokens[i:])
		if !secretName(name) || value == nil || isPath(name, value) {
			continue
		}
		end := valueEnd(value)
		hidden := span{value[0].Range.Start.Byte, value[end-1].Range.End.Byte}
		if strings.HasSuffix(name, "_script") {
			hidden.start = arguments(value, hidden)
		}
		spans = append(spans, hidden)
		i = len(tokens) - len(value) + end - 1
	}
	return spans
}

// assignment reads a name, quoted or not, and returns it with the tokens that
// begin with its value; without the equals sign as well, for it may have been
// forgotten. value is nil if there is none.
func assignment(tokens hclsyntax.Tokens) (name string, value hclsyntax.Tokens) {
	quoted := len(tokens) > 3 && tokens[0].Type == hclsyntax.TokenOQuote && tokens[2].Type == hclsyntax.TokenCQuote
	switch {
	case tokens[0].Type == hclsyntax.TokenIdent:
		name, tokens = string(tokens[0].Bytes), tokens[1:]
	case quoted && isAssign(tokens[3]):
		name, tokens = string(tokens[1].Bytes), tokens[3:]
	default:
		return "", nil
	}
	if len(tokens) > 0 && isAssign(tokens[0]) {
		tokens = tokens[1:]
	} else if len(tokens) > 0 && tokens[0].Type == hclsyntax.TokenOBrace {
		return name, nil // a block
	}
	if len(tokens) == 0 || endsLine(tokens[0]) {
		return name, nil
	}
	return name, tokens
}

// isCall tells whether tokens begin with the call of a function of which the name
// has a secret word in it.
func isCall(tokens hclsyntax.Tokens) bool {
	if len(tokens) < 2 || tokens[1].Type != hclsyntax.TokenOParen {
		return false
	}
	name := string(tokens[0].Bytes)
	return name == "keys" || name == "jsondecode" || name == "csvdecode"
}

func isAssign(token hclsyntax.Token) bool {
	return token.Type == hclsyntax.TokenEqual || token.Type == hclsyntax.TokenColon
}

func endsLine(token hclsyntax.Token) bool {
	return token.Type == hclsyntax.TokenNewline || token.Type == hclsyntax.TokenEOF
}

func secretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretWords(), func(word string) bool { return strings.Contains(name, word) })
}

// secretLines finds what follows a secret word on its line, and the lines that
// go on with it. It is for files of which the tokens cannot be trusted.
func secretLines(text []byte) []span {
	item := regexp.MustCompile(`^\s*([A-Za-z_][\w-]*\s*(=[^=]|"|\{)|\}|#|$)`) // attribute, block, end, comment, nothing
	var spans []span
	start, goesOn := 0, false
	for line := range bytes.Lines(text) {
		end := start + len(line)
		word, found := secretWordIn(line)
		switch goesOn = goesOn && !item.Match(line); {
		case goesOn:
			spans = append(spans, span{start, end})
		case found:
			spans, goesOn = append(spans, span{start + word, end}), true
		}
		start = end
	}
	return spans
}

// secretWordIn finds where, in a line or a comment, the value begins that
// belongs to the first name with a secret word, or what may be the user and the
// password of a URL.
func secretWordIn(line []byte) (end int, found bool) {
	lower := bytes.ToLower(line)
	for _, word := range secretWords() {
		if i := bytes.Index(lower, []byte(word)); i >= 0 && (!found || i+len(word) < end) {
			end, found = i+len(word), true
		}
	}
	if user := userinfo.FindIndex(line); user != nil && (!found || user[0] < end) {
		return user[0], true
	}
	rest := bytes.TrimLeft(lower[end:], "abcdefghijklmnopqrstuvwxyz_")
	rest = bytes.TrimLeft(rest, " =:")
	return len(lower) - len(rest), found
}

// isPath tells whether a value names the file of a secret, rather than being
// one: an absolute path, or anything but a PEM block for a private_key.
func isPath(name string, value hclsyntax.Tokens) bool {
	if len(value) < 2 || value[0].Type != hclsyntax.TokenOQuote || value[1].Type != hclsyntax.TokenQuotedLit {
		return false
	}
	switch {
	case strings.HasSuffix(name, "_file"):
		return value[1].Bytes[0] == '/'
	case name == "private_key":
		return !bytes.Contains(value[1].Bytes, []byte("-----"))
	}
	return false
}

// arguments returns where, in a hidden value, the arguments of a program begin
// whose path is the beginning of a plain text; at the end, if there are none.
func arguments(value hclsyntax.Tokens, hidden span) (start int) {
	if len(value) < 3 || value[0].Type != hclsyntax.TokenOQuote || value[1].Type != hclsyntax.TokenQuotedLit || value[1].Bytes[0] != '/' {
		return hidden.start
	}
	if i := bytes.IndexAny(value[1].Bytes, " \\\t$%"); i >= 0 {
		return value[1].Range.Start.Byte + i
	}
	if value[2].Type == hclsyntax.TokenCQuote {
		return hidden.end
	}
	return value[1].Range.End.Byte
}

// valueEnd returns how many tokens a value has, up to the end of its line or
// of what it stands in.
func valueEnd(value hclsyntax.Tokens) int {
	depth := 0
	for i, token := range value {
		switch token.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen,
			hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen,
			hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			depth--
		}
		closed := depth < 0 || depth == 0 && (endsLine(token) || token.Type == hclsyntax.TokenComment)
		if i > 0 && closed {
			return i
		}
	}
	return len(value)
}
