package hcl

import (
	"errors"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// These functions stand in place of the library's of the same names. Theirs find
// one type for the elements of a list by comparing each with each.

// anything is a parameter that takes any value.
func anything(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.DynamicPseudoType}
}

// computed makes a function whose type is that of its result.
func computed(params []function.Parameter, rest *function.Parameter, f func(args []cty.Value) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params: params, VarParam: rest,
		Type: func(args []cty.Value) (cty.Type, error) {
			value, err := f(args)
			if err != nil {
				return cty.NilType, err
			}
			return value.Type(), nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f(args) },
	})
}

// toset is toset(LIST), of elements of one type.
func toset() function.Function {
	return computed([]function.Parameter{anything("list")}, nil, func(args []cty.Value) (cty.Value, error) {
		elements, err := elementsOf(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		if len(elements) == 0 {
			return cty.SetValEmpty(cty.String), nil
		}
		for _, e := range elements {
			if !e.Type().Equals(elements[0].Type()) {
				return cty.NilVal, errors.New("the elements of a set have one type")
			}
		}
		return cty.SetVal(elements), nil
	})
}

// distinct is distinct(LIST), of strings, numbers and truth values.
func distinct() function.Function {
	return computed([]function.Parameter{anything("list")}, nil, func(args []cty.Value) (cty.Value, error) {
		elements, err := elementsOf(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		seen := map[string]bool{}
		var kept []cty.Value
		for _, e := range elements {
			if !e.Type().IsPrimitiveType() || e.IsNull() {
				return cty.NilVal, errors.New("its elements are strings, numbers and truth values")
			}
			if key := e.GoString(); !seen[key] {
				seen[key] = true
				kept = append(kept, e)
			}
		}
		return cty.TupleVal(kept), nil
	})
}

func elementsOf(list cty.Value) ([]cty.Value, error) {
	if !isListType(list.Type()) {
		return nil, errors.New("it takes a list or a set")
	}
	return list.AsValueSlice(), nil
}

// lookup is lookup(MAP, KEY, DEFAULT).
func lookup() function.Function {
	byDefault := anything("default")
	byDefault.AllowNull, byDefault.AllowDynamicType = true, true
	params := []function.Parameter{anything("map"), {Name: "key", Type: cty.String}, byDefault}
	return computed(params, nil, func(args []cty.Value) (cty.Value, error) {
		key := args[1].AsString()
		switch t := args[0].Type(); {
		case t.IsObjectType():
			if t.HasAttribute(key) {
				return args[0].GetAttr(key), nil
			}
		case t.IsMapType():
			if args[0].HasIndex(args[1]).True() {
				return args[0].Index(args[1]), nil
			}
		default:
			return cty.NilVal, function.NewArgErrorf(0, "a map is expected")
		}
		return args[2], nil
	})
}

// coalesce is coalesce(VALUE, …), the first that is not null.
func coalesce() function.Function {
	rest := anything("values")
	rest.AllowNull, rest.AllowDynamicType = true, true
	return computed(nil, &rest, func(args []cty.Value) (cty.Value, error) {
		for _, arg := range args {
			if !arg.IsNull() {
				return arg, nil
			}
		}
		return cty.NilVal, errors.New("no value is given that is not null")
	})
}
