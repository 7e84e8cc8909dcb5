package plan

import (
	"strconv"

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
		if word, ok := words[is.Name]; ok && says(wanted, word) {
			a.New.Text = word
		}
		attributes = append(attributes, a)
	}
	return attributes
}

// says tells whether a word of the file is that of a value.
func says(s bounds.Setting, word string) bool {
	switch s.Kind {
	case bounds.Count:
		f, err := strconv.ParseFloat(word, 64)
		return err == nil && f == float64(s.Value())
	case bounds.Size:
		n, err := bounds.ParseSize(word)
		return err == nil && n == s.Value()
	case bounds.Age:
		age, err := bounds.ParseAge(word)
		return err == nil && int64(age) == s.Value()
	}
	return word == s.String()
}

func settingValue(s, byDefault bounds.Setting) Value {
	return Value{
		Text: s.String(), Default: s.Value() == byDefault.Value(),
		bare: s.Kind == bounds.Count || s.Kind == bounds.Switch,
	}
}
