package api

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"
)

// schemas are the schemas of our types by their names.
type schemas map[string]object

// content is one form of a body: a value of a type of ours in JSON, or other bytes
// that a schema tells of.
type content struct {
	media   string
	value   any      // JSON: of the type that is sent; nil: schema tells
	schema  object   // of other bytes
	headers []string // that come with it
}

func jsonOf(value any) content { return content{media: "application/json", value: value} }

// object returns the content as the document has it.
func (c content) object(s schemas) object {
	schema := c.schema
	if c.value != nil {
		schema = s.add(c.value)
	}
	return object{c.media: object{"schema": schema}}
}

// add returns a reference to the schema of a value's type, and has that schema in
// s, with those of what it holds.
func (s schemas) add(value any) object { return s.of(reflect.TypeOf(value)) }

func (s schemas) of(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return s.of(t.Elem())
	case t.Kind() == reflect.String:
		return object{"type": "string"}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return object{"type": "integer", "format": "int64"}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8: // encoding/json writes base64
		return object{"type": "string", "contentEncoding": "base64"}
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case t.Kind() == reflect.Struct:
		if _, known := s[t.Name()]; !known {
			s[t.Name()] = object{} // for a type that holds itself
			s[t.Name()] = s.structure(t)
		}
		return object{"$ref": "#/components/schemas/" + t.Name()}
	}
	panic(fmt.Sprintf("%s has no JSON schema", t))
}

// structure is the schema of a struct: what has no omitempty is required.
func (s schemas) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		schema := s.of(t.Field(i).Type)
		f := fields()[t.Name()+"."+name]
		maps.Copy(schema, f.rule())
		if f.says != "" {
			schema["description"] = f.says
		}
		properties[name] = schema
		if options == "" {
			required = append(required, name)
		}
	}
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	if f := fields()[t.Name()]; f.says != "" {
		out["description"] = f.says
	}
	if requests()[t] {
		out["additionalProperties"] = false // an unknown field is refused
	}
	return out
}

// requests are the types that the server reads.
func requests() map[reflect.Type]bool {
	all := map[reflect.Type]bool{}
	for _, d := range describe() {
		if d.body.value != nil {
			all[reflect.TypeOf(d.body.value)] = true
		}
	}
	return all
}
