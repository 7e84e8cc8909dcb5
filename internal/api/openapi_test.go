package api_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/ktest"
)

// document is what the tests read of the API's description.
type document struct {
	OpenAPI    string
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	OperationID, Summary string
	Tags                 []string
	Security             []map[string][]string
	Servers              []struct{ URL string }
	Parameters           []struct{ Name, In, Description string }
	RequestBody          *struct {
		MaxBytes int64 `json:"x-ktsd-max-bytes"`
		Content  map[string]struct {
			Schema struct {
				Ref string `json:"$ref"`
			}
		}
	}
	Responses map[string]struct{ Description string }
}

type schema struct {
	Description          string
	Properties           map[string]map[string]any
	Required             []string
	AdditionalProperties *bool
}

func readDocument(t *testing.T) (d document) {
	t.Helper()
	if err := json.Unmarshal(api.OpenAPI(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOpenAPIHasTheRoutes: each route is described, as it stands in the table, and
// nothing else is. What a new route lacks is named here.
func TestOpenAPIHasTheRoutes(t *testing.T) {
	t.Parallel()
	d, described, parameters := readDocument(t), api.Described(), api.PathFields()
	for _, r := range api.Routes() {
		path, method := strings.TrimSuffix(r.Path, "{$}"), strings.ToLower(r.Method)
		op, ok := d.Paths[path][method]
		if !ok || op.OperationID != r.Name {
			t.Errorf("%s %s: got operation %q, want %s", r.Method, r.Path, op.OperationID, r.Name)
			continue
		}
		delete(d.Paths[path], method)
		if !described[r.Name] || op.Summary == "" {
			t.Errorf("route %s has no description: add it in describe.go, with the kinds of error that it answers with", r.Name)
		}
		delete(described, r.Name)
		checkOperation(t, r, op)
		for _, p := range op.Parameters {
			if p.Description == "" && (p.In == "query" || !parameters[p.Name]) {
				t.Errorf("route %s: parameter %s is not described: that of a path belongs into pathFields, that of a query into describe.go", r.Name, p.Name)
			}
		}
	}
	for path, operations := range d.Paths {
		for method := range operations {
			t.Errorf("%s %s is described, and there is no such route", method, path)
		}
	}
	for name := range described {
		t.Errorf("%s is described, and there is no such route", name)
	}
}

func checkOperation(t *testing.T, r api.Route, op operation) {
	t.Helper()
	if (op.RequestBody != nil) != (r.MaxBody > 0) || op.RequestBody != nil && op.RequestBody.MaxBytes != r.MaxBody {
		t.Errorf("route %s takes a body of %d bytes, and the description says otherwise: %+v", r.Name, r.MaxBody, op.RequestBody)
	}
	tag := map[api.Who]string{api.ByAnyone: "anyone", api.ByAll: "anyone", api.ByClient: "client", api.ByHost: "host", api.ByOperator: "operator"}[r.Who]
	if tag == "" || len(op.Tags) != 1 || op.Tags[0] != tag {
		t.Errorf("route %s: got tags %q, want %q", r.Name, op.Tags, tag)
	}
	if r.Who == api.ByClient && (len(op.Security) != 1 || op.Security[0]["certificate"] == nil) {
		t.Errorf("route %s is for clients: got security %v, want the certificate", r.Name, op.Security)
	}
	if r.Who == api.ByOperator && (len(op.Servers) != 1 || strings.HasPrefix(op.Servers[0].URL, "https:")) {
		t.Errorf("route %s is on the admin socket alone: got servers %v", r.Name, op.Servers)
	}
	want := map[string]bool{}
	for _, kind := range r.Kinds() {
		want[strconv.Itoa(api.Status(kind))] = true
		if api.Meanings()[kind] == "" {
			t.Errorf("kind %s means nothing: say what in fields.go", kind)
		}
	}
	successes := 0
	for status, response := range op.Responses {
		if strings.HasPrefix(status, "2") {
			successes++
		} else if !want[status] {
			t.Errorf("route %s: status %s is of none of its kinds", r.Name, status)
		}
		delete(want, status)
		if response.Description == "" {
			t.Errorf("route %s: status %s is not described", r.Name, status)
		}
	}
	if successes != 1 || len(want) > 0 {
		t.Errorf("route %s: got %d statuses of success, want one; and of its errors there is none with status %v", r.Name, successes, want)
	}
}

// wireTypes returns the fields of the package's exported types, as the source has
// them: for each its names in JSON, and whether it is always there.
func wireTypes(t *testing.T) map[string]map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok && spec.Name.IsExported() {
				if fields := taggedFields(s); len(fields) > 0 {
					types[spec.Name.Name] = fields
				}
			}
			return false
		})
	}
	return types
}

func taggedFields(s *ast.StructType) map[string]bool {
	fields := map[string]bool{}
	for _, f := range s.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag, _ := strconv.Unquote(f.Tag.Value)
		name, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		fields[name] = options == ""
	}
	return fields
}

// TestOpenAPIHasTheTypes: each type that goes over the wire is described with each
// of its fields, and nothing else is. What a new field lacks is named here.
func TestOpenAPIHasTheTypes(t *testing.T) {
	t.Parallel()
	d, described := readDocument(t), api.Fields()
	got := map[string]map[string]bool{}
	for name, schema := range d.Components.Schemas {
		fields := map[string]bool{}
		for field, rules := range schema.Properties {
			fields[field] = slices.Contains(schema.Required, field)
			if !described[name+"."+field] {
				t.Errorf("field %s.%s is not described: add it in fields.go", name, field)
			}
			if rules["type"] == nil && rules["$ref"] == nil && rules["enum"] == nil {
				t.Errorf("field %s.%s has no type: %v", name, field, rules)
			}
			delete(described, name+"."+field)
		}
		if schema.Description == "" {
			t.Errorf("type %s is not described: add it in fields.go", name)
		}
		delete(described, name)
		got[name] = fields
	}
	if diff := cmp.Diff(wireTypes(t), got); diff != "" {
		t.Errorf("the types and their schemas differ, in the fields that are required if not in others (-types +schemas):\n%s", diff)
	}
	for name := range described {
		t.Errorf("%s is described, and no operation has such a field", name)
	}
}

// TestOpenAPIClosesRequests: what the server reads takes no other fields, and what
// it answers may have more one day.
func TestOpenAPIClosesRequests(t *testing.T) {
	t.Parallel()
	d, read := readDocument(t), map[string]bool{}
	for _, operations := range d.Paths {
		for _, op := range operations {
			if op.RequestBody != nil {
				read[filepath.Base(op.RequestBody.Content["application/json"].Schema.Ref)] = true
			}
		}
	}
	for name, schema := range d.Components.Schemas {
		if closed := schema.AdditionalProperties != nil && !*schema.AdditionalProperties; closed != read[name] {
			t.Errorf("%s: got a schema that refuses unknown fields: %v, want %v", name, closed, read[name])
		}
	}
}

// TestOpenAPIIsValid: by the official schema, as a validator of others judges.
func TestOpenAPIIsValid(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3" // Debian's, whatever else is first on PATH
	if exec.Command(python, "-c", "import jsonschema").Run() != nil {
		ktest.Missing(t, "python3-jsonschema")
	}
	validate := func(data []byte) string {
		cmd := exec.Command(python, "testdata/validate.py", "testdata/openapi-3.1.schema.json")
		cmd.Stdin = bytes.NewReader(data)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	valid := api.OpenAPI()
	if out := validate(valid); out != "" {
		t.Errorf("the document is not valid:\n%s", out)
	}
	for what, spoil := range map[string][2]string{
		"a place that there is not": {`"in":"query"`, `"in":"fragment"`},
		"a reference to nowhere":    {`"#/components/schemas/Deposit"`, `"#/components/schemas/Deposits2"`},
		"a type that there is not":  {`"type":"integer"`, `"type":"number of things"`},
	} {
		spoiled := regexp.MustCompile(regexp.QuoteMeta(spoil[0])).ReplaceAll(valid, []byte(spoil[1]))
		if bytes.Equal(spoiled, valid) || validate(spoiled) == "" {
			t.Errorf("%s: the validator finds nothing wrong", what)
		}
	}
}
