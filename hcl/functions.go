package hcl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions returns what can be called. Each gives the same value each time that it
// is called with the same, and costs no more than what it is given and gives back:
// the guards refuse what would.
func functions(w *world, folder string) map[string]function.Function {
	return map[string]function.Function{
		"coalesce":   coalesce(),
		"concat":     stdlib.ConcatFunc,
		"contains":   stdlib.ContainsFunc,
		"csvdecode":  stdlib.CSVDecodeFunc,
		"distinct":   distinct(),
		"env":        envFunction(w),
		"file":       fileFunction(w, folder),
		"flatten":    stdlib.FlattenFunc,
		"format":     guarded(stdlib.FormatFunc, guardFormat),
		"join":       guarded(stdlib.JoinFunc, guardJoin),
		"jsondecode": guarded(stdlib.JSONDecodeFunc, guardJSON),
		"keys":       stdlib.KeysFunc,
		"length":     stdlib.LengthFunc,
		"lookup":     lookup(),
		"lower":      stdlib.LowerFunc,
		"merge":      stdlib.MergeFunc,
		"range":      stdlib.RangeFunc, // it makes 1,024 numbers at most
		"replace":    guarded(stdlib.ReplaceFunc, guardReplace),
		"sort":       stdlib.SortFunc,
		"split":      stdlib.SplitFunc,
		"toset":      toset(),
		"trimspace":  stdlib.TrimSpaceFunc,
		"upper":      stdlib.UpperFunc,
		"values":     stdlib.ValuesFunc,
	}
}

// guarded is a function that looks at its arguments before it begins.
func guarded(f function.Function, guard func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			for _, arg := range args {
				if !arg.IsWhollyKnown() || arg.IsNull() {
					return f.ReturnTypeForValues(args)
				}
			}
			if err := guard(args); err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

var errTooLong = fmt.Errorf("the result would be longer than %d bytes", maxString)

// wide finds a width or a precision of more than three digits.
var wide = regexp.MustCompile(`%[^%A-Za-z]*[0-9]{4}`)

func guardFormat(args []cty.Value) error {
	if wide.MatchString(args[0].AsString()) {
		return errors.New("a width or a precision has at most three digits")
	}
	return nil
}

func guardJoin(args []cty.Value) error {
	size, separator := 0, len(args[0].AsString())
	for _, list := range args[1:] {
		for it := list.ElementIterator(); it.Next(); {
			if _, element := it.Element(); !element.IsNull() {
				size += separator + len(element.AsString())
			}
			if size > maxString+separator {
				return errTooLong
			}
		}
	}
	return nil
}

func guardReplace(args []cty.Value) error {
	text, old, by := args[0].AsString(), args[1].AsString(), args[2].AsString()
	if len(text)+strings.Count(text, old)*len(by) > maxString {
		return errTooLong
	}
	return nil
}

// guardJSON refuses what is nested more deeply than a file may be.
func guardJSON(args []cty.Value) error {
	decoder := json.NewDecoder(bytes.NewReader([]byte(args[0].AsString())))
	depth := 0
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil // the function says what is wrong
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth > maxDepth {
			return fmt.Errorf("it is nested more than %d deep", maxDepth)
		}
	}
}

// envFunction is env(NAME) or env(NAME, DEFAULT). What it gives is sensitive.
func envFunction(w *world) function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.String},
		Type: func(args []cty.Value) (cty.Type, error) {
			if len(args) > 2 {
				return cty.NilType, function.NewArgErrorf(2, "env takes a name and a default")
			}
			return cty.String, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			if w.env != nil {
				if value, isSet := w.env(name); isSet {
					w.secret = true
					return cty.StringVal(value).Mark(sensitive), nil
				}
			}
			if len(args) == 2 {
				return args[1], nil
			}
			if w.secret {
				return cty.NilVal, function.NewArgErrorf(0, "there is no such environment variable")
			}
			return cty.NilVal, function.NewArgErrorf(0, "there is no environment variable %s; a default can stand behind its name", name)
		},
	})
}

// fileFunction is file(PATH), relative to the folder of the file that calls it.
func fileFunction(w *world, folder string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			file := w.read(folder, args[0].AsString())
			if file.err != nil {
				return cty.NilVal, function.NewArgError(0, file.err)
			}
			value := cty.StringVal(file.text)
			if file.secret {
				w.secret = true
				value = value.Mark(sensitive)
			}
			return value, nil
		},
	})
}
