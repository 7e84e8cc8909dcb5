package plan

import (
	"context"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/site"
)

// WriteLimits writes the site's limits to keytrustee.conf.
type WriteLimits struct {
	Limits     bounds.Limits
	Attributes []Attribute // old = what keytrustee.conf says
}

// WriteAudit writes to keytrustee.conf how the audit log is kept.
type WriteAudit struct {
	Audit      bounds.Audit
	Attributes []Attribute // old = what keytrustee.conf says
}

// String says what the step does.
func (c WriteLimits) String() string { return "write the limits to keytrustee.conf" }

// String says what the step does.
func (c WriteAudit) String() string { return "write the audit settings to keytrustee.conf" }

func (c WriteLimits) view() changeView {
	return changeView{"limits", "", actionChange, attributeLines(c.Attributes)}
}

func (c WriteAudit) view() changeView {
	return changeView{"audit", "", actionChange, attributeLines(c.Attributes)}
}

func (c WriteLimits) run(ctx context.Context, t Target) error { return t.WriteLimits(ctx, c.Limits) }

func (c WriteAudit) run(ctx context.Context, t Target) error { return t.WriteAudit(ctx, c.Audit) }

func (c WriteLimits) outcome(string) []string { return []string{"limits: keytrustee.conf written"} }

func (c WriteAudit) outcome(string) []string { return []string{"audit: keytrustee.conf written"} }

// diffBounds compares the blocks limits and audit, where they are declared, with
// what keytrustee.conf says, and tells with what else ktsd runs.
func diffBounds(desired Desired, live Live) (changes []Change, stale []Attribute) {
	if l := desired.Limits; l != nil {
		if written := limitsAttributes(live.Limits, *l); len(written) > 0 {
			changes = append(changes, WriteLimits{l.Limits, written})
		}
		if live.Running != nil {
			stale = append(stale, limitsAttributes(live.Running.Limits, *l)...)
		}
	}
	if a := desired.Audit; a != nil {
		if written := auditAttributes(live.Audit, *a); len(written) > 0 {
			changes = append(changes, WriteAudit{a.Audit, written})
		}
		if live.Running != nil {
			stale = append(stale, auditAttributes(live.Running.Audit, *a)...)
		}
	}
	return changes, stale
}

func limitsAttributes(old bounds.Limits, desired site.Limits) []Attribute {
	byDefault := bounds.DefaultLimits()
	return settingAttributes(old.Settings(), desired.Settings(), byDefault.Settings(), desired.Written)
}

func auditAttributes(old bounds.Audit, desired site.Audit) []Attribute {
	byDefault := bounds.DefaultAudit()
	return settingAttributes(old.Settings(), desired.Settings(), byDefault.Settings(), desired.Written)
}

// settingAttributes compares by value, and shows what is desired in the file's own
// words.
func settingAttributes(old, desired, byDefault []bounds.Setting, words site.Words) []Attribute {
	var attributes []Attribute
	for i, is := range old {
		wanted := desired[i]
		if is.Value() == wanted.Value() {
			continue
		}
		a := Attribute{Name: is.Name, Old: settingValue(is, byDefault[i]), New: settingValue(wanted, byDefault[i])}
		if word, ok := words[is.Name]; ok {
			a.New.Text = word
		}
		attributes = append(attributes, a)
	}
	return attributes
}

func settingValue(s, byDefault bounds.Setting) Value {
	return Value{
		Text: s.String(), Default: s.Value() == byDefault.Value(),
		bare: s.Kind == bounds.Count || s.Kind == bounds.Switch,
	}
}
