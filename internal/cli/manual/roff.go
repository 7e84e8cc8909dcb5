package manual

import (
	"fmt"
	"go/doc/comment"
	"strings"

	"github.com/alecthomas/kong"
)

// width is how long a line of a page's source may be: what mandoc finds long.
const width = 78

// roff is a page under construction.
type roff struct {
	strings.Builder
	fresh bool // a heading came last, after which no paragraph has to be begun
}

// line adds a line of text, which is escaped already and begins with no control
// character.
func (r *roff) line(text string) { r.WriteString(text + "\n") }

// macro adds a macro with its arguments, which are escaped here.
func (r *roff) macro(name string, args ...string) {
	r.WriteString("." + name)
	for _, a := range args {
		r.WriteString(` "` + escape(a) + `"`)
	}
	r.WriteString("\n")
}

// section and subsection begin one.
func (r *roff) section(title string)    { r.heading("SH", title) }
func (r *roff) subsection(title string) { r.heading("SS", title) }

func (r *roff) heading(macro, title string) {
	r.macro(macro, title)
	r.fresh = true
}

// entry adds a tagged paragraph. Its tag is escaped already.
func (r *roff) entry(tag, text string) {
	r.macro("TP")
	r.line(tag)
	r.fill(text)
}

// flags adds what --help says of flags.
func (r *roff) flags(flags []*kong.Flag) {
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		tag := bold("--" + f.Name)
		if f.Short != 0 {
			tag = bold("-"+string(f.Short)) + ", " + tag
		}
		if !f.IsBool() && !f.IsCounter() {
			tag += "=" + italic(f.FormatPlaceHolder())
		}
		r.entry(tag, kong.DefaultHelpValueFormatter(f.Value))
	}
}

// doc adds a text in the form of Go's doc comments, which is that of help: indented
// lines stay as they are.
func (r *roff) doc(text string) {
	var parser comment.Parser
	for _, block := range parser.Parse(text).Content {
		switch b := block.(type) {
		case *comment.Code:
			r.macro("IP")
			r.macro("EX")
			for line := range strings.Lines(b.Text) {
				r.line(escapeLine(strings.TrimSuffix(line, "\n")))
			}
			r.macro("EE")
		case *comment.List:
			for _, item := range b.Items {
				mark := item.Number
				if mark == "" {
					mark = "-"
				}
				r.WriteString(`.IP "` + escape(mark) + `" 3` + "\n")
				for _, inner := range item.Content {
					r.fill(plain(inner))
				}
			}
		default:
			if !r.fresh {
				r.macro("PP")
			}
			r.fill(plain(block))
		}
		r.fresh = false
	}
}

// plain is the text of a block that has no form of its own.
func plain(b comment.Block) string {
	printer := &comment.Printer{TextWidth: -1}
	return string(printer.Text(&comment.Doc{Content: []comment.Block{b}}))
}

// fill adds text that roff may break anywhere: each sentence begins a line, and no
// line is long.
func (r *roff) fill(text string) {
	line := ""
	flush := func() {
		if line != "" {
			r.line(escapeLine(line))
		}
		line = ""
	}
	for _, word := range strings.Fields(text) {
		if line != "" && len(escape(line))+1+len(escape(word)) > width {
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
		if strings.HasSuffix(word, ".") && !strings.HasSuffix(word, "...") {
			flush()
		}
	}
	flush()
}

func bold(text string) string   { return `\fB` + escape(text) + `\fR` }
func italic(text string) string { return `\fI` + escape(text) + `\fR` }

// escapeLine escapes a line of its own: a point or an apostrophe that begins it would
// make it a request.
func escapeLine(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + escape(line)
	}
	return escape(line)
}

// escape makes each character stand for itself: hyphens that can be copied, straight
// quotes, and nothing outside ASCII.
func escape(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\\':
			b.WriteString(`\e`)
		case c == '-':
			b.WriteString(`\-`)
		case c == '\'':
			b.WriteString(`\(aq`)
		case c == '"':
			b.WriteString(`\(dq`)
		case c == '`':
			b.WriteString(`\(ga`)
		case c == '^':
			b.WriteString(`\(ha`)
		case c == '~':
			b.WriteString(`\(ti`)
		case c > 126:
			fmt.Fprintf(&b, `\[u%04X]`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
