package plan

import (
	"context"
	"fmt"
	"strings"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/site"
)

// Configuration is what a site's file says of one host's keytrustee.conf. What is
// nil is not declared, and stays as it is.
type Configuration struct {
	Server *site.Server
	Limits *bounds.Limits
	Audit  *bounds.Audit
}

// Configure writes this host's part of the site to keytrustee.conf, once ktsd has
// found that it can work with it.
type Configure struct {
	Configuration Configuration // the blocks that differ

	// What differs in each block; old = what keytrustee.conf says.
	Server, Limits, Audit []Attribute
}

// Reload makes the running ktsd take its configuration and certificate from
// the disk, without dropping a connection.
type Reload struct {
	Server  string // this host's name
	Reasons []string
}

// String says what the step does.
func (c Configure) String() string { return "write keytrustee.conf" }

// String says what the step does.
func (c Reload) String() string { return "reload ktsd" }

func (c Configure) views() []changeView {
	var views []changeView
	add := func(block, name string, attributes []Attribute) {
		if len(attributes) > 0 {
			views = append(views, changeView{block, name, actionChange, attributeLines(attributes)})
		}
	}
	add("limits", "", c.Limits)
	add("audit", "", c.Audit)
	if c.Configuration.Server != nil {
		add("server", c.Configuration.Server.Name, c.Server)
	}
	return views
}

func (c Reload) views() []changeView {
	line := lineView{Action: actionChange, Name: "reload", New: &Value{Note: strings.Join(c.Reasons, "; ")}}
	return []changeView{{"server", c.Server, actionChange, []lineView{line}}}
}

func (c Configure) run(ctx context.Context, t Target) error { return t.Configure(ctx, c.Configuration) }

func (c Reload) run(ctx context.Context, t Target) error { return t.Reload(ctx) }

func (c Configure) outcome(string) []string {
	var messages []string
	for _, v := range c.views() {
		messages = append(messages, v.title()+": keytrustee.conf written")
	}
	return messages
}

func (c Reload) outcome(string) []string {
	return []string{fmt.Sprintf("server %q: ktsd reloaded", c.Server)}
}

// diffHost compares what stands in keytrustee.conf and what ktsd runs with, writes
// it once and has it reloaded once for all that differs.
func diffHost(desired Desired, live Live) []Change {
	var write Configure
	var stale []Attribute
	certificateChanged := false
	if s := desired.Server; s != nil {
		if write.Server = serverAttributes(live.Server, *s); len(write.Server) > 0 {
			write.Configuration.Server = s
		}
		if r := live.Running; r != nil {
			stale = append(stale, serverAttributes(r.Server, *s)...)
			certificateChanged = r.CertificateChanged
		}
	}
	if l := desired.Limits; l != nil {
		if write.Limits = limitsAttributes(live.Limits, *l); len(write.Limits) > 0 {
			write.Configuration.Limits = &l.Limits
		}
		if r := live.Running; r != nil {
			stale = append(stale, limitsAttributes(r.Limits, *l)...)
		}
	}
	if a := desired.Audit; a != nil {
		if write.Audit = auditAttributes(live.Audit, *a); len(write.Audit) > 0 {
			write.Configuration.Audit = &a.Audit
		}
		if r := live.Running; r != nil {
			stale = append(stale, auditAttributes(r.Audit, *a)...)
		}
	}
	var changes []Change
	if write.Configuration != (Configuration{}) {
		changes = append(changes, write)
	}
	var reasons []string
	switch {
	case len(stale) > 0 && len(changes) > 0:
		reasons = append(reasons, "ktsd takes on the new configuration")
	case len(stale) > 0:
		reasons = append(reasons, staleness(stale))
	}
	if certificateChanged {
		reasons = append(reasons, "the certificate or its key changed on disk since ktsd loaded them")
	}
	if len(reasons) > 0 {
		changes = append(changes, Reload{desired.Host, reasons})
	}
	return changes
}

// staleness words how ktsd runs with something else than its configuration.
func staleness(attributes []Attribute) string {
	var old []string
	for _, a := range attributes {
		old = append(old, a.Name+" "+a.Old.String())
	}
	return "ktsd still runs with " + strings.Join(old, ", ")
}

// serverAttributes compares what two servers do, whatever their names.
func serverAttributes(old, desired site.Server) []Attribute {
	if old.Name == "" {
		old.Name = desired.Name
	}
	is, wanted, byDefault := old.WithDefaults(), desired.WithDefaults(), site.Server{Name: desired.Name}.WithDefaults()
	var attributes []Attribute
	compare := func(name, is, wanted, byDefault string) {
		if is != wanted {
			attributes = append(attributes, Attribute{name, valueOf(is, byDefault), valueOf(wanted, byDefault)})
		}
	}
	listen := func(s site.Server) string { return site.JoinAddresses(set(site.Addresses(s.Listen))) }
	compare("listen", listen(is), listen(wanted), byDefault.Listen)
	if !strings.EqualFold(is.Hostname, wanted.Hostname) {
		compare("hostname", is.Hostname, wanted.Hostname, byDefault.Hostname)
	}
	compare("tls.min_version", is.TLS.MinVersion, wanted.TLS.MinVersion, byDefault.TLS.MinVersion)
	if is.TLS.Ciphers != wanted.TLS.Ciphers {
		attributes = append(attributes, Attribute{"tls.ciphers", orNote(is.TLS.Ciphers, ownChoice), orNote(wanted.TLS.Ciphers, ownChoice)})
	}
	compare("tls.certificate", is.TLS.Certificate, wanted.TLS.Certificate, byDefault.TLS.Certificate)
	compare("tls.private_key", is.TLS.PrivateKey, wanted.TLS.PrivateKey, byDefault.TLS.PrivateKey)
	compare("tls.ca_chain", is.TLS.CAChain, wanted.TLS.CAChain, byDefault.TLS.CAChain)
	if is.TLS.PasswordScript != wanted.TLS.PasswordScript {
		a := Attribute{"tls.private_key_password_script", scriptValue(is.TLS), scriptValue(wanted.TLS)}
		if a.Old == a.New {
			a.New.Note = "(other arguments, not shown)"
		}
		attributes = append(attributes, a)
	}
	return attributes
}

// ownChoice stands for the cipher suites of a server that names none.
const ownChoice = "Go's own choice (default)"

// scriptValue shows the program alone: its arguments may be the password.
func scriptValue(t site.TLS) Value {
	program, arguments := t.PasswordProgram()
	switch {
	case program == "":
		return Value{Note: "none"}
	case arguments:
		return Value{Text: program, Note: "(arguments not shown)"}
	}
	return Value{Text: program}
}
