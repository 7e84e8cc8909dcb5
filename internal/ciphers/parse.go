package ciphers

import (
	"fmt"
	"slices"
	"strings"
)

// parser applies the terms of a string to a list as it reads them.
type parser struct {
	list     list
	words    map[string]word
	rest     string // what is still to be read
	warnings []Warning
}

func newParser() *parser { return &parser{list: newList(), words: dictionary()} }

// The texts of warnings.
const (
	notAvailable  = "not available in this build"
	unknown       = "unknown"
	inNoSuite     = "no cipher suite has all of these"
	tls13         = "the cipher suites of TLS 1.3 are fixed; a cipher string neither adds nor excludes them"
	firstOnly     = "works at the beginning of the string alone"
	noLevel       = "security levels have no effect here; the least version of TLS is set by min_version"
	afterSuiteB   = "what follows a SUITEB keyword has no effect"
	afterCommand  = "passed over: no separator before it"
	afterUnknown  = "passed over: no separator before it, and what stands before it is not known"
	defaultString = "ALL:!COMPLEMENTOFDEFAULT:!eNULL" // what DEFAULT stands for in OpenSSL 3
)

// read applies a string.
func (p *parser) read(s string) error {
	p.rest = s
	if replaced, after, ok := suiteB(s); ok {
		p.rest = replaced
		if after != "" {
			p.warn(NoEffect, after, afterSuiteB)
		}
	} else if rest, ok := strings.CutPrefix(s, "DEFAULT"); ok {
		p.rest = defaultString
		if err := p.terms(); err != nil {
			return err
		}
		p.rest = strings.TrimPrefix(rest, ":")
	}
	return p.terms()
}

// suiteB returns what the keywords of RFC 6460 stand for. OpenSSL knows them by the
// beginning of the string, and does not look at the rest.
func suiteB(s string) (suites, after string, ok bool) {
	const aes128, aes256 = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"
	for _, keyword := range []struct{ name, suites string }{
		{"SUITEB128ONLY", aes128}, {"SUITEB128C2", aes256}, {"SUITEB128", aes128 + ":" + aes256}, {"SUITEB192", aes256},
	} {
		if after, ok := strings.CutPrefix(s, keyword.name); ok {
			return keyword.suites, strings.TrimLeft(after, separators), true
		}
	}
	return "", "", false
}

// separators may stand between terms.
const separators = ": ,;"

// terms applies the terms of what is still to be read.
func (p *parser) terms() error {
	for {
		p.rest = strings.TrimLeft(p.rest, separators)
		if p.rest == "" {
			return nil
		}
		read := p.term
		if p.rest[0] == '@' {
			read = p.command
		}
		if err := read(); err != nil {
			return err
		}
	}
}

// command applies @STRENGTH or @SECLEVEL=n.
func (p *parser) command() error {
	text := p.takePart()
	name, _ := cutWord(text[1:])
	switch level, isLevel := strings.CutPrefix(name, "SECLEVEL="); {
	case name == "STRENGTH":
		p.list.sort()
	case isLevel && len(level) == 1 && level[0] >= '0' && level[0] <= '5':
		p.warn(NoEffect, "@"+name, noLevel)
	default:
		return fmt.Errorf("%.40q is no command of cipher strings: there are @STRENGTH and @SECLEVEL=0 to 5", text)
	}
	if more := text[1+len(name):]; more != "" {
		p.warn(NoEffect, more, afterCommand)
	}
	return nil
}

// takePart takes what stands before the next separator.
func (p *parser) takePart() string {
	n := strings.IndexAny(p.rest, separators)
	if n < 0 {
		n = len(p.rest)
	}
	part := p.rest[:n]
	p.rest = p.rest[n:]
	return part
}

// cutWord returns the name that s begins with, and what follows it.
func cutWord(s string) (name, rest string) {
	n := strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.=", r)
	})
	if n < 0 {
		n = len(s)
	}
	return s[:n], s[n:]
}

// term applies one that adds, excludes or reorders: an operator, and one word or
// several with "+" between, which are met together.
func (p *parser) term() error {
	operator, rest := "", p.rest
	if strings.ContainsRune("!-+", rune(rest[0])) {
		operator, rest = rest[:1], rest[1:]
	}
	var all algorithms
	for {
		name, after := cutWord(rest)
		if name == "" {
			return fmt.Errorf("there is no cipher suite or keyword at %.40q", rest)
		}
		w, known := p.words[name]
		if !known || w.gone {
			p.passOver(operator, name, known)
			return nil
		}
		var ok bool
		if all, ok = all.and(w.algorithms); !ok {
			p.passOver(operator, "", true)
			return nil
		}
		if rest = after; !strings.HasPrefix(rest, "+") {
			break
		}
		rest = rest[1:]
	}
	text := p.rest[:len(p.rest)-len(rest)]
	p.rest = rest
	p.apply(operator, all, text)
	return nil
}

// apply applies a term that is understood.
func (p *parser) apply(operator string, a algorithms, text string) {
	switch operator {
	case "!":
		p.list.exclude(a)
	case "-":
		p.list.remove(a)
	case "+":
		p.list.reorder(a)
	default:
		p.list.add(a)
		if !slices.ContainsFunc(suites(), a.selects) {
			p.warn(NotAvailable, text, notAvailable)
		}
	}
}

// passOver goes on at the next separator, as OpenSSL does after a word that it does
// not know, and where no suite can have all that a term asks for; name is then empty.
func (p *parser) passOver(operator, name string, known bool) {
	part := p.takePart()
	term := part[:termLength(part, len(operator))]
	switch bare := term[len(operator):]; {
	case isTLS13(name):
		p.warn(Fixed, term, tls13)
	case bare == "DEFAULT" || strings.HasPrefix(bare, "SUITEB"):
		p.warn(NoEffect, term, firstOnly)
	case !known && !isStandard(name):
		p.warn(Unknown, term, unknown)
	case name == "":
		p.warn(NotAvailable, term, inNoSuite)
	case operator == "":
		p.warn(NotAvailable, term, notAvailable)
	}
	if more := part[len(term):]; more != "" {
		p.warn(NoEffect, more, afterUnknown)
	}
}

// termLength returns how many bytes of s its first term has, whose operator has n.
func termLength(s string, n int) int {
	for {
		name, rest := cutWord(s[n:])
		n += len(name)
		if name == "" || !strings.HasPrefix(rest, "+") {
			return n
		}
		n++
	}
}

// isTLS13 says whether a name is that of a suite of TLS 1.3, which say nothing of the
// key exchange, or stands for all of them.
func isTLS13(name string) bool {
	return name == "TLSv1.3" || strings.HasPrefix(name, "TLS_") && !strings.Contains(name, "_WITH_")
}

// isStandard says whether a name has the standard's form, which OpenSSL takes for all
// of its suites.
func isStandard(name string) bool {
	return strings.HasPrefix(name, "TLS_") && strings.Contains(name, "_WITH_")
}

// warn adds a warning, unless it is there.
func (p *parser) warn(kind Kind, term, text string) {
	if w := (Warning{kind, term, text}); !slices.Contains(p.warnings, w) {
		p.warnings = append(p.warnings, w)
	}
}
