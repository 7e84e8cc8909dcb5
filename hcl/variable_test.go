package hcl_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/hcl"
)

// environment looks variables up in a map.
func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, found := values[name]
		return value, found
	}
}

// oneVariable shows a variable's value as the contacts of an organization.
const oneVariable = `
variable "v" {
  type    = list(string)
  default = ["default@b"]
}
organization "one" { contacts = var.v }
`

// TestPrecedence: the command line comes before files, these before the
// environment, and this before the default; the last of several counts.
func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "site.hcl", oneVariable, 0o644)
	one := write(t, dir, "one.vars", `v = ["one@b"]`, 0o644)
	two := write(t, dir, "two.json", `{"v": ["two@b"]}`, 0o644)
	env := environment(map[string]string{"KTADMIN_VAR_v": `["env@b"]`, "KTADMIN_VAR_other": "x"})
	for _, test := range []struct {
		loader hcl.Loader
		want   string
	}{
		{hcl.Loader{}, "default@b"},
		{hcl.Loader{Env: env}, "env@b"},
		{hcl.Loader{Env: env, VarFiles: []string{one}}, "one@b"},
		{hcl.Loader{Env: env, VarFiles: []string{one, two}}, "two@b"},
		{hcl.Loader{Env: env, VarFiles: []string{two, one}}, "one@b"},
		{hcl.Loader{Env: env, VarFiles: []string{one}, Vars: []string{`v=["flag@b"]`}}, "flag@b"},
		{hcl.Loader{Vars: []string{`v=["flag@b"]`, `v=["a@b", "c=d@b"]`}}, "a@b c=d@b"},
	} {
		test.loader.Paths = []string{path}
		if got := strings.Join(load(t, test.loader).Site().Organizations[0].Contacts, " "); got != test.want {
			t.Errorf("%+v: got %s, want %s", test.loader, got, test.want)
		}
	}
}

// TestVariableTypes: each type from the command line, and what is none of it.
func TestVariableTypes(t *testing.T) {
	for _, test := range []struct{ kind, value, want string }{
		{"string", "a@b", "a@b"}, {"string", "", ""}, {"string", "${x}\"@b", "${x}\"@b"},
		{"number", "12", "12"}, {"number", "-1.5", "-1.5"}, {"number", "12a", "!"}, {"number", "", "!"}, {"number", "1e999999999", "!"}, {"number", strings.Repeat("1", 101), "!"},
		{"bool", "true", "true"}, {"bool", "false", "false"}, {"bool", "yes", "!"},
		{"list(string)", `["a", "b"]`, "ab"}, {"list(string)", `[]`, ""}, {"list(string)", ` [ "a\n", ] `, "a\n"},
		{"list(string)", "a,b", "!"}, {"list(string)", `["${x}"]`, "!"}, {"list(string)", `[1]`, "!"}, {"list(string)", `["a"`, "!"}, {"list(string)", strings.Repeat("[", 1<<16), "!"},
	} {
		src := "variable \"v\" { type = " + test.kind + " }\n"
		if test.kind == "list(string)" {
			src += "locals { text = join(\"\", var.v) }\n"
		} else {
			src += "locals { text = \"${var.v}\" }\n"
		}
		path := write(t, t.TempDir(), "site.hcl", src+"organization \"one\" { contacts = [\"<${local.text}>\"] }\n", 0o644)
		_, diags := hcl.Loader{Paths: []string{path}, Vars: []string{"v=" + test.value}}.Load()
		asJSON, err := json.Marshal(diags[0].Summary)
		if err != nil {
			t.Fatal(err)
		}
		var summary string
		if err := json.Unmarshal(asJSON, &summary); err != nil {
			t.Fatal(err)
		}
		want := `invalid contact "<` + strings.NewReplacer("\n", `\n`, `"`, `\"`).Replace(test.want) + `>"`
		if test.want == "!" {
			want = `wrong value for variable "v"`
		}
		if summary != want {
			t.Errorf("%s %.40q: got %s, want %s", test.kind, test.value, summary, want)
		}
	}
}

// TestVariableErrors: what is wrong with the values given is said in the order of
// the files, and none of the values shows.
func TestVariableErrors(t *testing.T) {
	t.Chdir("testdata/variables")
	_, diags := hcl.Loader{
		Paths:    []string{"site.hcl"},
		Vars:     []string{"token=ThisISAs3cr3t!", "domian=ThisISAs3cr3t!", "count=ThisISAs3cr3t!", "ThisISAs3cr3t!", "=ThisISAs3cr3t!"},
		VarFiles: []string{"values.vars", "broken.vars", "values.json", "broken.json", "deep.json", "none.vars"},
		Env:      environment(map[string]string{"KTADMIN_VAR_flag": "ThisISAs3cr3t!"}),
	}.Load()
	golden(t, "errors.golden", diags.Error()+"\n")
	wantNoSecret(t, diags)
}

// TestSensitive: a sensitive value gets where it belongs, whatever it comes from.
func TestSensitive(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "password", "s3cr3t\n", 0o600)
	path := write(t, dir, "site.hcl", `
variable "password" { sensitive = true }
locals { arguments = "-n ${var.password}" }
server "one" {
  tls { private_key_password_script = "/bin/echo ${local.arguments}" }
}
server "two" {
  tls { private_key_password_script = "/bin/echo -n ${trimspace(file("password"))}" }
}
server "three" {
  tls { private_key_password_script = "/bin/echo -n ${env("PASSWORD")}" }
}
server "four" {
  tls { private_key_password_script = "/bin/echo -n ${env("NOTHING", "plain")}" }
}
server "five" {
  hostname = env("NOTHING", "plain")
}
`, 0o644)
	config := load(t, hcl.Loader{
		Paths: []string{path}, Env: environment(map[string]string{"PASSWORD": "s3cr3t", "KTADMIN_VAR_password": "s3cr3t"}),
	})
	var got []string
	for _, server := range config.Site().Servers {
		got = append(got, server.TLS.PasswordScript)
	}
	want := []string{"/bin/echo -n s3cr3t", "/bin/echo -n s3cr3t", "/bin/echo -n s3cr3t", "/bin/echo -n plain", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	for _, name := range []string{"one", "two", "three"} {
		for _, attr := range []string{"tls.private_key_password_script", "listen"} {
			wantNoSecret(t, hcl.Diagnostics{config.ErrorAt("server", name, attr, "no", "")})
		}
	}
}

// TestSensitiveRefused: env, and a file that others cannot read, are shown nowhere,
// nor is what is made of them.
func TestSensitiveRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "password", "s3cr3t", 0o640)
	write(t, dir, "public", "finn@b", 0o644)
	attributes := map[string]string{
		"contacts": "[%s]", "approval": "%s", "auth_code_file": "%s", "expiration": "%s", "managed_by": "%s", "name": "%s", "for_each": "[%s]",
	}
	for _, secret := range []string{`env("PASSWORD")`, `file("password")`, `"a${file("password")}@b"`, `upper(env("PASSWORD"))`, `jsondecode(env("PASSWORD"))`,
		`file("${env("PASSWORD")}.txt")`, `env(file("password"))`, `env("PASSWORD") + 1`, `{ a = env("PASSWORD") }.b`, `format("%d", env("PASSWORD"))`,
		`csvdecode("a,b\n${env("PASSWORD")}")`, `[1, 2][env("PASSWORD")]`, `{ a = 1 }[env("PASSWORD")]`, `range(env("PASSWORD"))`, `lookup(env("PASSWORD"), "a", 1)`} {
		for _, attr := range slices.Sorted(maps.Keys(attributes)) {
			src := "organization \"one\" {\n  " + attr + " = " + strings.Replace(attributes[attr], "%s", secret, 1) + "\n}\n"
			path := write(t, dir, "site.hcl", src, 0o644)
			_, diags := hcl.Loader{Paths: []string{path}, Env: environment(map[string]string{"PASSWORD": "s3cr3t"})}.Load()
			if !diags.HasErrors() {
				t.Errorf("%s = %s: got no error, want one", attr, secret)
			}
			wantNoSecret(t, diags)
		}
	}
	path := write(t, dir, "site.hcl", "organization \"one\" { contacts = [file(\"public\")] }\n", 0o644)
	load(t, hcl.Loader{Paths: []string{path}})
}

// TestFileFunction reads text files alone, and says why it does not read others.
func TestFileFunction(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "large", strings.Repeat("x", 1<<20+1), 0o644)
	write(t, dir, "binary", "\xff\xfe", 0o644)
	for file, want := range map[string]string{
		"none": "no such file", "large": "more than 1048576 bytes", "binary": "no UTF-8 text", ".": "no regular file", "/dev/zero": "no regular file", `\u0000`: "zero byte",
	} {
		path := write(t, dir, "site.hcl", "locals { text = file(\""+file+"\") }\n", 0o644)
		if _, diags := hcl.Load(path); !strings.Contains(diags.Error(), want) {
			t.Errorf("%s: got\n%v\nwant in it %s", file, diags, want)
		}
	}
	_, diags := hcl.Parse([]byte("locals {\n  a = file(\"/etc/hostname\")\n  b = env(\"HOME\")\n}\n"), "site.hcl")
	if len(diags) != 2 {
		t.Errorf("got\n%v\nwant two errors: a text by itself has no files and no environment", diags)
	}
}
