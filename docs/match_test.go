package docs_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// anything stands for what a page leaves out.
const anything = "…"

// varying are the values that differ from session to session, by their form. A
// value of a page has to turn up wherever the page has it, and nowhere else.
// Times are not bound: two can be the same by chance.
var varying = []struct {
	form  string
	bound bool
}{
	{`\b[0-9A-F]{2}(?::[0-9A-F]{2}){31}\b`, true},                              // SHA-256 of a certificate
	{`\b[0-9A-F]{40}\b`, true},                                                 // OpenPGP fingerprint
	{`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`, true}, // UUID of a deposit
	{`\b[0-9A-Za-z]{43}\b`, true},                                              // UUID of an organization
	{`[0-9A-Za-z+/]{22}==`, true},                                              // authorization code
	{`\b[0-9a-f]{64}\b`, true},                                                 // SHA-256
	{`\b[0-9a-f]{16}\b`, true},                                                 // ID of a request
	{`\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\b`, false},
	{`\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\b`, false},
}

// matcher compares the output of one session with a page.
type matcher struct {
	toReal, toShown map[string]string
	tokens          *regexp.Regexp
}

func newMatcher() *matcher {
	forms := []string{anything}
	for _, v := range varying {
		forms = append(forms, v.form)
	}
	return &matcher{toReal: map[string]string{}, toShown: map[string]string{}, tokens: regexp.MustCompile(strings.Join(forms, "|"))}
}

// match returns an error unless real is what the page shows.
func (m *matcher) match(shown, real string) error {
	pattern, values := m.compile(shown)
	found := pattern.FindStringSubmatch(real)
	if found == nil {
		return fmt.Errorf("got:\n%s\nthe page shows:\n%s", real, shown)
	}
	for i, value := range values {
		got := found[i+1]
		if before, known := m.toReal[value]; known && before != got {
			return fmt.Errorf("got %s where the page shows %s, which was %s before", got, value, before)
		}
		if before, known := m.toShown[got]; known && before != value {
			return fmt.Errorf("got %s, which the page shows as %s and as %s", got, before, value)
		}
		m.toReal[value], m.toShown[got] = got, value
	}
	return nil
}

// real puts this session's values into a command that has the page's.
func (m *matcher) real(command string) string {
	return m.tokens.ReplaceAllStringFunc(command, func(token string) string {
		if value, known := m.toReal[token]; known {
			return value
		}
		return token
	})
}

// compile makes a pattern of what a page shows, with a group for each of the
// bound values.
func (m *matcher) compile(shown string) (pattern *regexp.Regexp, values []string) {
	var b strings.Builder
	b.WriteString("^")
	for line := range strings.Lines(shown) {
		if strings.TrimSpace(line) == anything {
			b.WriteString(`(?:[^\n]*\n)+?`)
			continue
		}
		rest := line
		for at := m.tokens.FindStringIndex(rest); at != nil; at = m.tokens.FindStringIndex(rest) {
			b.WriteString(regexp.QuoteMeta(rest[:at[0]]))
			token := rest[at[0]:at[1]]
			form, bound := formOf(token)
			if bound {
				values = append(values, token)
				form = "(" + form + ")"
			}
			b.WriteString(form)
			rest = rest[at[1]:]
		}
		b.WriteString(regexp.QuoteMeta(rest))
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String()), values
}

func formOf(token string) (form string, bound bool) {
	if token == anything {
		return `[^\n]+?`, false
	}
	for _, v := range varying {
		if regexp.MustCompile("^(?:" + v.form + ")$").MatchString(token) {
			return v.form, v.bound
		}
	}
	panic("a token of no form: " + token)
}

func TestMatch(t *testing.T) {
	const one, two = "4EDC46882386C827E20DEEA2D850ACA33BEDB0D1", "0849ACBCC2D540575A995779041F2C5DF24FCC13"
	for _, c := range []struct {
		name, shown, real string
		want              bool
	}{
		{"same", "a\nb\n", "a\nb\n", true},
		{"another word", "a\nb\n", "a\nc\n", false},
		{"a line too many", "a\n", "a\nb\n", false},
		{"a line too few", "a\nb\n", "a\n", false},
		{"nothing shown", "", "a\n", false},
		{"nothing printed", "a\n", "", false},
		{"left out in a line", "a … c\n", "a b c\n", true},
		{"left out in a line, over its end", "a …\n", "a b\nc\n", false},
		{"left out lines", "a\n…\nd\n", "a\nb\nc\nd\n", true},
		{"left out lines, none there", "a\n…\nd\n", "a\nd\n", false},
		{"fingerprint", "4096R/" + one + "\n", "4096R/" + two + "\n", true},
		{"fingerprint, cut short", "4096R/" + one + "\n", "4096R/" + two[:39] + "\n", false},
		{"twice the same", one + "\n" + one + "\n", two + "\n" + two + "\n", true},
		{"twice the same shown", one + "\n" + one + "\n", two + "\n" + one + "\n", false},
		{"twice the same printed", one + "\n" + two + "\n", two + "\n" + two + "\n", false},
		{"time", "2026-09-01T10:00:00Z x\n", "2031-01-02T03:04:05Z x\n", true},
		{"time without its zone", "2026-09-01T10:00:00\n", "2031-01-02T03:04:05Z\n", false},
		{"the end of time", "9999-12-31T18:59:59\n", "9998-12-31T18:59:59\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := newMatcher().match(c.shown, c.real)
			if got := err == nil; got != c.want {
				t.Errorf("match(%q, %q): got %v, want a match: %v", c.shown, c.real, err, c.want)
			}
		})
	}
}
