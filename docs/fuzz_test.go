package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// parsers are what reads bytes of others, and the fuzz target of each. Where there
// is none, a reason stands in its place, which begins with a small letter.
var parsers = map[string]string{
	"client.describe":                    "FuzzAnswer",
	"client.readConf":                    "FuzzConf",
	"client.readPending":                 "FuzzWaiting",
	"hcl.Parse":                          "FuzzParse",
	"hcl.parseExpiration":                "FuzzParse",
	"internal/api.ReadError":             "FuzzReadError",
	"internal/audit.parseAgo":            "FuzzParseWhen",
	"internal/audit.ParseHead":           "FuzzCheckpoint",
	"internal/audit.parseLine":           "FuzzParseLine",
	"internal/bounds.ParseAge":           "FuzzParse",
	"internal/bounds.ParseSize":          "FuzzParse",
	"internal/confdir.ParseConf":         "FuzzParseConf",
	"internal/confdir.readInstance":      "FuzzInstance",
	"internal/deny.parse":                "FuzzOpen",
	"internal/escrow.ParseApproval":      "three words are told apart",
	"internal/escrow.ParseHandle":        "it is names.CheckHandle",
	"internal/escrow.ParseManagement":    "two words are told apart",
	"internal/escrow.ParseOrgName":       "it is names.CheckOrganization",
	"internal/keystore.ReadFile":         "FuzzParse",
	"internal/keystore.parseDER":         "FuzzParse",
	"internal/keystore.parseJKS":         "FuzzParse",
	"internal/keystore.parseOnePKCS12":   "FuzzParse",
	"internal/keystore.parsePEM":         "FuzzParse",
	"internal/keystore.parsePKCS12":      "FuzzParse",
	"internal/names.CheckContact":        "FuzzCheckContact",
	"internal/names.CheckHandle":         "FuzzCheckHandle",
	"internal/names.CheckListen":         "FuzzCheckListen",
	"internal/names.CheckClient":         "FuzzCheckNames",
	"internal/names.CheckReason":         "FuzzCheckNames",
	"internal/pgp.ReadSecretKeyring":     "FuzzReadKeyring",
	"internal/pgp.ReadPublicKeyring":     "FuzzReadKeyring",
	"internal/pgp.Decrypt":               "FuzzDecrypt",
	"internal/pgp.oneSignature":          "FuzzVerify",
	"internal/pgp.unarmor":               "FuzzParsePublicKey",
	"internal/pgp.unarmorKey":            "FuzzParsePublicKey",
	"internal/plan.UnmarshalJSON":        "FuzzParseSaved",
	"internal/postgres.parse":            "FuzzURL",
	"internal/safefile.ReadSecret":       "FuzzReadSecret",
	"internal/seal.OpenInPlace":          "FuzzOpen",
	"internal/site.CheckDatabaseURL":     "FuzzCheckDatabaseURL",
	"internal/tlsconf.ParseVersion":      "four words are told apart",
	"internal/tlsconf.LoadPair":          "FuzzLoadPair",
	"internal/tlsconf.parseCertificates": "FuzzLoadPair",
	"internal/tlsconf.ParseKey":          "FuzzLoadPair",
	"internal/tlsconf.decryptLegacy":     "FuzzLoadPair",
	"internal/tlsconf.decryptPKCS8":      "FuzzDecryptPKCS8",
	"internal/tlsconf.parseDER":          "FuzzLoadPair",
	"internal/tlsconf.parseScript":       "FuzzSplitWords",
	"internal/tlsconf.unmarshalAll":      "FuzzDecryptPKCS8",
	"internal/web.decode":                "FuzzAdminRequest",
	"internal/web.query":                 "FuzzRequest",
	"server.ParsePublicKey":              "it is pgp.ParsePublicKey",
}

// parses finds a function that parses, by its name.
var parses = regexp.MustCompile(`^(parse|decode|unmarshal|unarmor)([A-Z]|$)`)

// TestParsersAreFuzzed: each parser has a target, under its own name or as the
// table has it; a new one that takes bytes or a string has to.
func TestParsersAreFuzzed(t *testing.T) {
	t.Parallel()
	functions, targets := map[string]*ast.FuncDecl{}, map[string]bool{}
	root := ktest.Root(t)
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".go" {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(file))
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				if strings.HasSuffix(file, "_test.go") {
					targets[folder+"."+f.Name.Name] = true
				} else {
					functions[folder+"."+f.Name.Name] = f
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range parsers {
		if functions[name] == nil {
			t.Errorf("there is no %s: take it from the table", name)
		}
		if folder := name[:strings.LastIndex(name, ".")]; strings.HasPrefix(target, "Fuzz") && !targets[folder+"."+target] {
			t.Errorf("%s has no target %s", name, target)
		}
	}
	for name, f := range functions {
		folder, own := name[:strings.LastIndex(name, ".")], f.Name.Name
		if strings.Contains(name, "ktest") || strings.HasPrefix(name, "bench") || parsers[name] != "" || !parses.MatchString(strings.ToLower(own[:1])+own[1:]) || !takesBytes(f) {
			continue
		}
		if !targets[folder+".Fuzz"+strings.ToUpper(own[:1])+own[1:]] {
			t.Errorf("%s parses and has no fuzz target: add one, or its place in the table", name)
		}
	}
}

// takesBytes says whether a function has a parameter of type []byte, string or
// io.Reader.
func takesBytes(f *ast.FuncDecl) bool {
	for _, p := range f.Type.Params.List {
		switch t := p.Type.(type) {
		case *ast.Ident:
			if t.Name == "string" {
				return true
			}
		case *ast.ArrayType:
			if element, ok := t.Elt.(*ast.Ident); ok && element.Name == "byte" {
				return true
			}
		case *ast.SelectorExpr:
			if t.Sel.Name == "Reader" {
				return true
			}
		}
	}
	return false
}
