package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp/syntax"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// generator makes requests of a document, valid ones and others. What it met in
// answers it uses again, so that there is a deposit to be got.
type generator struct {
	*rand.Rand
	doc  spec
	pool map[string][]string // values met, by the name of the parameter or field
	skip map[string]bool     // values that are left alone
}

// generated is a request.
type generated struct {
	method  string
	target  *url.URL // path and query
	header  http.Header
	body    []byte
	spoiled []string // what is wrong with it
}

func (g *generated) String() string {
	return fmt.Sprintf("%s %.300s, %d bytes (%.200q), spoiled: %v", g.method, g.target.RequestURI(), len(g.body), g.body, g.spoiled)
}

func choose[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// learn keeps what an answer holds.
func (g *generator) learn(value any) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			g.learn(item)
		}
	case map[string]any:
		for name, item := range v {
			if s := fmt.Sprint(item); !g.skip[s] && len(s) < 300 {
				g.keep(name, s)
			}
			g.learn(item)
		}
	}
}

func (g *generator) keep(name, value string) {
	const most = 16
	if p := g.pool[name]; len(p) >= most {
		p[g.IntN(most)] = value
		return
	}
	g.pool[name] = append(g.pool[name], value)
}

// request makes a valid request for an operation, as far as its schemas tell.
func (g *generator) request(op *operation) *generated {
	r := &generated{method: op.method, header: http.Header{}}
	path, query := op.path, url.Values{}
	for _, p := range op.Parameters {
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(fmt.Sprint(g.value(p.Schema, p.Name))))
		} else if p.In == "header" {
			if g.IntN(3) == 0 {
				r.header[p.Name] = []string{fmt.Sprint(g.value(p.Schema, p.Name))}
			}
		} else if p.Required || g.IntN(3) == 0 {
			query.Set(p.Name, fmt.Sprint(g.value(p.Schema, p.Name)))
		}
	}
	r.target = &url.URL{RawQuery: query.Encode()}
	r.setPath(path)
	if op.RequestBody == nil {
		return r
	}
	for media, content := range op.RequestBody.Content {
		r.header.Set("Content-Type", media)
		if media == "application/json" {
			r.body = marshal(g.value(content.Schema, ""))
		} else {
			r.body = g.bytes(1 + g.IntN(300))
		}
	}
	return r
}

func (r *generated) setPath(escaped string) {
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		plain, escaped = escaped, ""
	}
	r.target.Path, r.target.RawPath = plain, escaped
}

func marshal(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // of what a test made
	}
	return data
}

func (g *generator) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.IntN(256))
	}
	return b
}

// value makes a value that keeps to the rules; name is the parameter's or field's.
func (g *generator) value(r rules, name string) any {
	kind := g.doc.keyword(r, "type")
	if kind == "string" && len(g.pool[name]) > 0 && g.IntN(4) > 0 {
		if met := choose(g, g.pool[name]); g.doc.text(r, met) == nil { // a deposit's uuid is no organization's
			return met
		}
	}
	if enum, ok := g.doc.keyword(r, "enum").([]any); ok {
		return choose(g, enum)
	}
	switch kind {
	case "integer":
		least, ok := g.doc.keyword(r, "minimum").(float64)
		if !ok {
			least = 1
		}
		return int(least) + g.IntN(4)
	case "boolean":
		return g.IntN(2) == 0
	case "array":
		items := make([]any, g.IntN(4))
		for i := range items {
			items[i] = g.value(g.doc.keyword(r, "items").(map[string]any), strings.TrimSuffix(name, "s"))
		}
		return items
	case "object":
		return g.object(r)
	}
	return g.string(r)
}

func (g *generator) object(r rules) map[string]any {
	object := map[string]any{}
	required, _ := g.doc.keyword(r, "required").([]any)
	properties, _ := g.doc.keyword(r, "properties").(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(name)) || g.IntN(2) == 0 {
			object[name] = g.value(properties[name].(map[string]any), name)
		}
	}
	return object
}

func (g *generator) string(r rules) string {
	switch format := g.doc.keyword(r, "format"); {
	case format == "uuid":
		id, err := uuid.FromBytes(g.bytes(16))
		if err != nil {
			panic(err)
		}
		return id.String()
	case format == "date-time":
		return time.Now().Add(time.Duration(g.IntN(1000)-10) * time.Hour).UTC().Format(time.RFC3339)
	case g.doc.keyword(r, "contentEncoding") != nil:
		return base64.StdEncoding.EncodeToString(g.bytes(g.IntN(200)))
	}
	if pattern, ok := g.doc.keyword(r, "pattern").(string); ok {
		expression, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			panic(err)
		}
		var b strings.Builder
		g.match(&b, expression.Simplify())
		return b.String()
	}
	return g.from("abc/ -ä€😀\"'<%+&=?#", 1+g.IntN(20))
}

func (g *generator) from(letters string, n int) string {
	runes := []rune(letters)
	var b strings.Builder
	for range n {
		b.WriteRune(choose(g, runes))
	}
	return b.String()
}

// match writes a string that a regular expression matches.
func (g *generator) match(b *strings.Builder, re *syntax.Regexp) {
	times := 1
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
		return
	case syntax.OpCharClass:
		span := g.IntN(len(re.Rune)/2) * 2
		low, high := re.Rune[span], min(re.Rune[span+1], re.Rune[span]+200)
		c := low + g.Int32N(high-low+1)
		if !utf8.ValidRune(c) {
			c = low
		}
		b.WriteRune(c)
		return
	case syntax.OpAlternate:
		g.match(b, choose(g, re.Sub))
		return
	case syntax.OpStar, syntax.OpQuest:
		times = g.IntN(2)
	case syntax.OpPlus:
		times = 1 + g.IntN(12)
	}
	for range times {
		for _, sub := range re.Sub {
			g.match(b, sub)
		}
	}
}

// odd is a value that hardly any parameter or field is meant for.
func (g *generator) odd() string {
	switch g.IntN(4) {
	case 0:
		return string(g.bytes(g.IntN(40)))
	case 1:
		return g.from("a./\\%-_~;:@!$&'()*+,= \t\r\n\x00\x7fäß\u202e\u0000\uFEFF😀", g.IntN(60))
	case 2:
		return strings.Repeat(choose(g, []string{"a", "ä", "../", "%00", "0", "\x00", "é"}), 1+g.IntN(3000))
	}
	return choose(g, []string{
		"", " ", ".", "..", "../..", "/", "//", "a//b", "%", "%00", "%2e%2e%2f", "\x00", "a\x00b", "\xff\xfe", "\xc0\xaf", "\u202egnp", "0", "-1", "1e9", "+1", "01", "0x10", "1.0",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "99999999999999999999999", "NaN", "null", "true", "[]", "{}", "''", `"`, "' OR 1=1 --", "${x}", "{{x}}",
		"0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "2027-01-31", "2027-02-30T00:00:00Z", "1969-12-31T23:59:59Z", "2027-01-31T12:00:00+23:59", "2027-01-31 12:00:00Z",
		"00000000-0000-0000-0000-000000000000", "{6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1}", "urn:uuid:6dd9e5d4-2b17-4b1c-9d5b-29d0d6a6b1a1", "6DD9E5D4-2B17-4B1C-9D5B-29D0D6A6B1A1",
		"4096R/" + strings.Repeat("A", 40), strings.Repeat("g", 40), "a@b", "a@b\r\nBcc: c@d", "<a@b>", "auth_code", "contacts", "automatic",
	})
}
