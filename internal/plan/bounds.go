package plan

import (
	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/site"
)

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
