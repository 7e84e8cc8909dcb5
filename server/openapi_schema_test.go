package main_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// rules is a schema: what JSON Schema has that the API's document uses, and no
// more. A keyword that is not known here is an error (value).
type rules map[string]any

// follow returns the rules with those that a reference leads to, which both hold.
func (doc spec) follow(r rules) []rules {
	ref, ok := r["$ref"].(string)
	if !ok {
		return []rules{r}
	}
	_, name, _ := strings.Cut(ref, "#/components/schemas/")
	return append(doc.follow(doc.Components.Schemas[name]), r)
}

// keyword returns the value of a keyword in the rules or where they lead to.
func (doc spec) keyword(r rules, name string) any {
	for _, each := range doc.follow(r) {
		if v, ok := each[name]; ok {
			return v
		}
	}
	return nil
}

// text checks a value that is not JSON: of a header, or a body of text.
func (doc spec) text(r rules, s string) error {
	var value any = s
	if doc.keyword(r, "type") == "integer" {
		value = json.Number(s)
	}
	return doc.value(r, value, "")
}

// value returns an error unless a value of JSON (numbers as json.Number) keeps to
// the rules. A property that they do not have is an error too.
func (doc spec) value(r rules, value any, place string) error {
	var errs []error
	for _, each := range doc.follow(r) {
		for keyword, rule := range each {
			if err := doc.keep(keyword, rule, value, place); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", place, err))
			}
		}
	}
	object, ok := value.(map[string]any)
	for name := range object {
		known := doc.keyword(r, "properties") != nil && doc.keyword(r, "properties").(map[string]any)[name] != nil
		if ok && !known && doc.keyword(r, "required") != nil && !isDocument(object) {
			errs = append(errs, fmt.Errorf("%s.%s is not documented", place, name))
		}
	}
	return errors.Join(errs...)
}

// isDocument tells the API's document itself, whose own parts its schema leaves out.
func isDocument(object map[string]any) bool { return object["openapi"] != nil }

// keep checks one keyword.
func (doc spec) keep(keyword string, rule, value any, place string) error {
	refuse := func() error { return fmt.Errorf("%.100q against %s %v", fmt.Sprint(value), keyword, rule) }
	ok := true
	switch v := value.(type) {
	case string:
		switch keyword {
		case "minLength":
			ok = utf8.RuneCountInString(v) >= number(rule)
		case "maxLength":
			ok = utf8.RuneCountInString(v) <= number(rule)
		case "pattern":
			ok = regexp.MustCompile(rule.(string)).MatchString(v)
		case "format":
			ok = checkFormat(rule.(string), v)
		case "contentEncoding":
			_, err := base64.StdEncoding.DecodeString(v)
			ok = err == nil
		}
	case json.Number:
		switch keyword {
		case "minimum":
			ok = exact(v) != nil && exact(v).Cmp(big.NewInt(int64(number(rule)))) >= 0
		case "maximum":
			ok = exact(v) != nil && exact(v).Cmp(big.NewInt(int64(number(rule)))) <= 0
		}
	case []any:
		switch keyword {
		case "maxItems":
			ok = len(v) <= number(rule)
		case "items":
			for i, item := range v {
				if err := doc.value(rule.(map[string]any), item, fmt.Sprintf("%s[%d]", place, i)); err != nil {
					return err
				}
			}
		}
	case map[string]any:
		return doc.keepObject(keyword, rule, v, place)
	}
	switch keyword {
	case "type":
		ok = typeOf(value) == rule || rule == "integer" && exact(value) != nil
	case "enum":
		ok = slices.ContainsFunc(rule.([]any), func(each any) bool { return reflect.DeepEqual(each, value) })
	case "$ref", "description", "minLength", "maxLength", "pattern", "format", "contentEncoding", "minimum", "maximum", "maxItems", "items",
		"properties", "required", "additionalProperties", "maxProperties":
	default:
		return fmt.Errorf("keyword %s is not known to this test", keyword)
	}
	if !ok {
		return refuse()
	}
	return nil
}

func (doc spec) keepObject(keyword string, rule any, v map[string]any, place string) error {
	switch keyword {
	case "type":
		if rule != "object" {
			return fmt.Errorf("an object, and not of type %v", rule)
		}
	case "required":
		for _, name := range rule.([]any) {
			if _, ok := v[name.(string)]; !ok {
				return fmt.Errorf("%v is missing", name)
			}
		}
	case "maxProperties":
		if len(v) > number(rule) {
			return fmt.Errorf("%d properties: %v", len(v), v)
		}
	case "properties":
		for name, each := range rule.(map[string]any) {
			if item, ok := v[name]; ok {
				if err := doc.value(each.(map[string]any), item, place+"."+name); err != nil {
					return err
				}
			}
		}
	case "$ref", "description", "additionalProperties":
	default:
		return fmt.Errorf("keyword %s is not for an object", keyword)
	}
	return nil
}

func number(rule any) int { return int(rule.(float64)) }

// exact returns the integer that value is, or nil.
func exact(value any) *big.Int {
	n, ok := value.(json.Number)
	if !ok {
		return nil
	}
	i, ok := new(big.Int).SetString(n.String(), 10)
	if !ok {
		return nil
	}
	return i
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "number"
}

func checkFormat(format, s string) bool {
	switch format {
	case "date-time":
		_, err := time.Parse(time.RFC3339Nano, s)
		return err == nil
	case "uuid":
		return len(s) == 36
	}
	return false
}

// TestRules: the check that the fuzz test leans on finds what is wrong.
func TestRules(t *testing.T) {
	t.Parallel()
	var doc spec
	doc.Components.Schemas = map[string]rules{"Thing": {
		"type": "object", "required": []any{"name"},
		"properties": map[string]any{"name": map[string]any{"type": "string", "maxLength": 3.0}, "count": map[string]any{"type": "integer", "minimum": 1.0}},
	}}
	thing := rules{"$ref": "#/components/schemas/Thing", "properties": map[string]any{"name": map[string]any{"enum": []any{"a", "abcd"}}}}
	for text, good := range map[string]bool{
		`{"name":"a"}`: true, `{"name":"a","count":1}`: true, `{"name":"a","count":0}`: false, `{"name":"a","count":1.5}`: false,
		`{"name":"abcd"}`: false, `{"name":"b"}`: false, `{"name":1}`: false, `{}`: false, `[]`: false, `null`: false, `{"name":"a","more":1}`: false,
	} {
		var value any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if err := doc.value(thing, value, "it"); (err == nil) != good {
			t.Errorf("%s: got %v, want it to pass: %v", text, err, good)
		}
	}
	if doc.text(rules{"type": "integer", "minimum": 1.0}, "x") == nil || doc.text(rules{"type": "string", "format": "date-time"}, "today") == nil {
		t.Error("a header that is no number, or no time, passes")
	}
	if doc.text(rules{"oneOf": []any{}}, "x") == nil {
		t.Error("a keyword that is not checked passes")
	}
}
