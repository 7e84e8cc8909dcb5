package hcl_test

import (
	"strings"
	"testing"

	"github.com/ktsd/ktsd/hcl"
)

// choosers are expressions that yield a plain text which a sensitive value, env("S"),
// has chosen: whoever sees it can tell the value.
var choosers = map[string]string{
	"index of an object":     `{ hunter2 = "leak@x", (local.other) = "no@x" }[env("S")]`,
	"index of a local":       `local.object[env("S")]`,
	"index of an index":      `{ a = { hunter2 = "leak@x" } }["a"][env("S")]`,
	"index, then attribute":  `{ hunter2 = { to = "leak@x" } }[env("S")].to`,
	"index, then index":      `{ hunter2 = ["leak@x"] }[env("S")][0]`,
	"index, then splat":      `join("", { hunter2 = [{ to = "leak@x" }] }[env("S")][*].to)`,
	"index in parentheses":   `({ hunter2 = "leak@x" })[(env("S"))]`,
	"index in a template":    `"${{ hunter2 = "leak@x" }[env("S")]}"`,
	"index in a for":         `[for i in [1] : { hunter2 = "leak@x" }[env("S")]][0]`,
	"index by a for's value": `[for s in [env("S")] : { hunter2 = "leak@x" }[s]][0]`,
	"index by a for's key":   `[for k, v in { (env("S")) = 1 } : { hunter2 = "leak@x" }[k]][0]`,
	"index by a template":    `{ x-hunter2 = "leak@x" }["x-${env("S")}"]`,
	"index by a local":       `{ hunter2 = "leak@x" }[local.secret]`,
	"index by an expression": `{ true = "leak@x", false = "no@x" }[env("S") == "hunter2"]`,
	"index of a tuple":       `["no@x", "leak@x"][env("S") == "hunter2" ? 1 : 0]`,
	"index of a null":        `{ hunter2 = "leak@x", other = null }[env("S")]`,
	"legacy index":           `[for s in [env("S")] : { hunter2 = ["leak@x"] }[s].0][0]`,
	"condition":              `env("S") == "hunter2" ? "leak@x" : "no@x"`,
	"condition in a list":    `[env("S")] == ["hunter2"] ? "leak@x" : "no@x"`,
	"condition in an object": `{ a = env("S") } == { a = "hunter2" } ? "leak@x" : "no@x"`,
	"condition with and":     `env("S") == "hunter2" && true ? "leak@x" : "no@x"`,
	"condition with or":      `env("S") != "hunter2" || false ? "no@x" : "leak@x"`,
	"condition, negated":     `!(env("S") == "hunter2") ? "no@x" : "leak@x"`,
	"condition by length":    `length(split("", env("S"))) == 7 ? "leak@x" : "no@x"`,
	"condition by contains":  `contains(["hunter2"], env("S")) ? "leak@x" : "no@x"`,
	"condition, reversed":    `contains([env("S")], "hunter2") ? "leak@x" : "no@x"`,
	"for with a condition":   `[for to in ["leak@x"] : to if env("S") == "hunter2"][0]`,
	"for over marked":        `[for s in [env("S")] : "leak@x" if s == "hunter2"][0]`,
	"for with a marked key":  `values({ for to in ["leak@x"] : env("S") => to })[0]`,
	"for that groups":        `{ for to in ["leak@x"] : env("S") => to... }["hunter2"][0]`,
	"for over a split":       `[for part in split("2", env("S")) : "leak@x"][0]`,
	"splat":                  `join("", [{ hunter2 = "leak@x" }[env("S")]][*])`,
	"splat of a null":        `length((env("S") == "hunter2" ? null : "x")[*]) == 0 ? "leak@x" : "no@x"`,
	"template control":       `"%{ if env("S") == "hunter2" }leak@x%{ else }no@x%{ endif }"`,
	"template loop":          `"%{ for s in split("2", env("S")) }leak@x%{ endfor }"`,
	"template loop, index":   `"%{ for s in [env("S")] }${{ hunter2 = "leak@x" }[s]}%{ endfor }"`,
	"lookup":                 `lookup({ hunter2 = "leak@x" }, env("S"), "no@x")`,
	"key of an object":       `keys({ (env("S")) = 1, "leak@x" = 2 })[1]`,
	"merge":                  `merge({ a = "no@x" }, { (env("S") == "hunter2" ? "a" : "b") = "leak@x" }).a`,
	"expanded argument":      `coalesce([for to in ["leak@x"] : to if env("S") == "hunter2"]...)`,
	"coalesce":               `coalesce(env("S") == "hunter2" ? null : "no@x", "leak@x")`,
	"replace":                `replace("hunter2@x", env("S"), "leak")`,
	"format":                 `format("%s", { hunter2 = "leak@x" }[env("S")])`,
	"range":                  `[for i in range(env("N")) : "leak@x"][6]`,
	"toset":                  `[for s in toset([env("S"), "leak@x"]) : s][1]`,
	"sort":                   `sort([env("S"), "leak@x"])[1]`,
	"distinct":               `distinct(["hunter2", "leak@x", env("S")])[1]`,
	"flatten":                `flatten([[env("S")], { hunter2 = ["leak@x"] }[env("S")]])[1]`,
	"jsondecode":             `jsondecode("{\"${env("S")}\": \"leak@x\"}").hunter2`,
	"file":                   `file("${env("S")}.txt")`,
	"env":                    `env(env("S"), "leak@x")`,
}

// TestChosenBySecret: what a sensitive value has chosen is sensitive, in whatever way
// it was chosen.
func TestChosenBySecret(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "hunter2.txt", "leak@x", 0o644)
	for name, chooser := range choosers {
		for where, src := range map[string]string{
			"contacts": "organization \"one\" {\n  contacts = [" + chooser + "]\n}\n",
			"program":  "server \"one\" {\n  tls { private_key_password_script = join(\"\", [\"/\", " + chooser + ", \" x\"]) }\n}\n",
		} {
			src += "locals {\n  other = \"b\"\n  secret = env(\"S\")\n  object = { hunter2 = \"leak@x\" }\n}\n"
			path := write(t, dir, "site.hcl", src, 0o644)
			config, diags := hcl.Loader{Paths: []string{path}, Env: environment(map[string]string{"S": "hunter2", "N": "7"})}.Load()
			site := config.Site()
			if len(site.Organizations)+len(site.Servers) != 0 || !strings.Contains(diags.Error(), "a sensitive ") {
				t.Errorf("%s, as %s: got %+v and\n%v\nwant that it is sensitive", name, where, site, diags)
			}
		}
	}
}
