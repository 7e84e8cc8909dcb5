package hcl

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/site"
)

// Encoder writes sites as files.
type Encoder struct {
	// Header are lines of a comment that the file begins with.
	Header []string

	// HideArguments puts a sensitive variable, without a default, in the place of
	// the arguments of each program that prints a password: they may be the
	// password.
	HideArguments bool
}

// Encode writes a site as a file, formatted, that is read as this site again. What
// is as by default is left out, unless it is among the Words of a block. The
// arguments of programs, which may hold a password, are written as they are.
func Encode(s site.Site) ([]byte, error) { return Encoder{}.Encode(s) }

// Encode writes a site as a file. It fails if the site breaks a rule of the
// language, and then names the rule.
func (e Encoder) Encode(s site.Site) ([]byte, error) {
	w := &encoder{Encoder: e}
	w.site(s)
	if w.err != nil {
		return nil, w.err
	}
	var text strings.Builder
	for _, line := range e.Header {
		text.WriteString(strings.TrimRight("# "+strings.Map(headerRune, line), " ") + "\n")
	}
	body := hclwrite.Format([]byte(strings.Join(w.blocks, "\n")))
	if text.Len() > 0 && len(body) > 0 {
		text.WriteByte('\n')
	}
	text.Write(body)
	if err := w.check([]byte(text.String())); err != nil {
		return nil, err
	}
	return []byte(text.String()), nil
}

// check reads what was written.
func (w *encoder) check(text []byte) error {
	d := newDecoder(sources{{name: "site", text: text}}, world{})
	for _, name := range w.variables {
		d.fromFiles[name] = fromFile{value: cty.StringVal("x")}
	}
	if _, diags := d.decode(d.config.sources, nil); diags.HasErrors() {
		return fmt.Errorf("the site cannot be written as a file: %w", diags)
	}
	return nil
}

// headerRune keeps a line of a comment on its line.
func headerRune(r rune) rune {
	if r < ' ' {
		return ' '
	}
	return r
}

// encoder writes the blocks of one site.
type encoder struct {
	Encoder
	blocks    []string
	variables []string // that stand for arguments
	err       error
}

func (w *encoder) site(s site.Site) {
	for _, server := range s.Servers {
		w.server(server)
	}
	if db := s.Database; db != nil {
		var b block
		w.text(&b, "url", db.URL, "")
		w.text(&b, "url_file", db.URLFile, "")
		w.add("database", db.WithDefaults().Engine, b)
	}
	if s.Limits != nil {
		limits, byDefault := s.Limits.Limits, bounds.DefaultLimits()
		w.settings("limits", limits.Settings(), byDefault.Settings(), s.Limits.Written)
	}
	if s.Audit != nil {
		audit, byDefault := s.Audit.Audit, bounds.DefaultAudit()
		w.settings("audit", audit.Settings(), byDefault.Settings(), s.Audit.Written)
	}
	for _, org := range s.Organizations {
		w.organization(org)
	}
	for _, removed := range s.Removed {
		var b block
		if removed.Deposits != 0 {
			b.set("deposits", strconv.FormatInt(removed.Deposits, 10))
		}
		w.add("removed", removed.Organization, b)
	}
}

func (w *encoder) server(s site.Server) {
	var b, tls block
	addresses := site.Addresses(s.Listen)
	switch len(addresses) {
	case 0:
	case 1:
		w.text(&b, "listen", addresses[0], site.DefaultListen)
	default:
		b.set("listen", w.list(addresses))
	}
	w.text(&b, "hostname", s.Hostname, "")
	w.text(&tls, "min_version", s.TLS.MinVersion, site.DefaultMinVersion)
	w.text(&tls, "ciphers", s.TLS.Ciphers, "")
	w.text(&tls, "certificate", s.TLS.Certificate, site.DefaultCertificate)
	w.text(&tls, "private_key", s.TLS.PrivateKey, site.DefaultPrivateKey)
	w.text(&tls, "ca_chain", s.TLS.CAChain, site.DefaultCAChain)
	w.script(&tls, s)
	if len(tls) > 0 {
		if len(b) > 0 {
			b = append(b, "")
		}
		b = append(b, "tls {")
		b = append(b, tls...)
		b = append(b, "}")
	}
	w.add("server", s.Name, b)
}

// script writes the program of a server that prints a password.
func (w *encoder) script(tls *block, s site.Server) {
	program, arguments, _ := strings.Cut(s.TLS.PasswordScript, " ")
	if !w.HideArguments || strings.TrimSpace(arguments) == "" {
		w.text(tls, "private_key_password_script", s.TLS.PasswordScript, "")
		return
	}
	name := fmt.Sprintf("password_arguments_%d", len(w.variables)+1)
	w.variables = append(w.variables, name)
	quoted := w.quote(program + " ")
	tls.set("private_key_password_script", strings.TrimSuffix(quoted, `"`)+"${var."+name+`}"`)
	var b block
	b.set("description", w.quote("The arguments of "+program+", for "+s.Name+"."))
	b.set("sensitive", "true")
	w.add("variable", name, b)
}

func (w *encoder) organization(o site.Organization) {
	var b block
	b.set("contacts", w.list(o.Contacts))
	w.text(&b, "approval", string(o.Approval), string(site.DefaultApproval))
	w.text(&b, "auth_code_file", o.AuthCodeFile, "")
	if at := o.Expiration.UTC(); !o.Expiration.IsZero() {
		layout := time.RFC3339Nano
		if at.Equal(at.Truncate(24 * time.Hour)) {
			layout = time.DateOnly
		}
		w.text(&b, "expiration", at.Format(layout), "")
	}
	w.text(&b, "managed_by", string(o.ManagedBy), string(site.DefaultManagedBy))
	w.add("organization", o.Name, b)
}

// settings writes a block that is made of settings.
func (w *encoder) settings(kind string, settings, byDefault []bounds.Setting, written site.Words) {
	var b block
	for i, s := range settings {
		word, isWritten := written[s.Name]
		if !isWritten && s.Value() == byDefault[i].Value() {
			continue
		}
		if !isWritten {
			word = s.String()
		}
		_, notNumber := strconv.ParseInt(word, 10, 64)
		if s.Kind == bounds.Age || s.Kind == bounds.Size && notNumber != nil {
			word = w.quote(word)
		}
		b.set(s.Name, word)
	}
	w.add(kind, "", b)
}

// block is the lines between the braces of a block.
type block []string

func (b *block) set(name, value string) { *b = append(*b, name+" = "+value) }

// text writes an attribute, unless it is as by default.
func (w *encoder) text(b *block, name, value, byDefault string) {
	if value != "" && value != byDefault {
		b.set(name, w.quote(value))
	}
}

// add writes a block.
func (w *encoder) add(kind, label string, b block) {
	header := kind
	if label != "" {
		header += " " + w.quote(label)
	}
	if len(b) == 0 {
		w.blocks = append(w.blocks, header+" {}\n")
		return
	}
	w.blocks = append(w.blocks, header+" {\n"+strings.Join(b, "\n")+"\n}\n")
}

// quote returns a string in quotes, so that nothing in it means anything.
func (w *encoder) quote(s string) string {
	value := cty.StringVal(s)
	if value.AsString() != s && w.err == nil {
		w.err = fmt.Errorf("the site cannot be written as a file: %q is not in Unicode's normal form C", s)
	}
	return string(hclwrite.TokensForValue(value).Bytes())
}

// maxInline is how long a list may be that stands on one line, in bytes.
const maxInline = 80

// list returns a list of strings.
func (w *encoder) list(values []string) string {
	var quoted []string
	for _, value := range values {
		quoted = append(quoted, w.quote(value))
	}
	if inline := strings.Join(quoted, ", "); len(inline) <= maxInline {
		return "[" + inline + "]"
	}
	return "[\n" + strings.Join(quoted, ",\n") + ",\n]"
}
