package hcl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/hcl"
)

func TestFormat(t *testing.T) {
	src := "server   \"kts01\" {\nlisten=\":11371\"\n  hostname    = \"kts\"   # by which\ntls{\n min_version = \"tlsv1.3\"\n}\n}\n"
	want := "server \"kts01\" {\n  listen   = \":11371\"\n  hostname = \"kts\" # by which\n  tls {\n    min_version = \"tlsv1.3\"\n  }\n}\n"
	got, diags := hcl.Format([]byte(src), "site.hcl")
	if diff := cmp.Diff(want, string(got)); diff != "" || len(diags) != 0 {
		t.Errorf("got diagnostics %v, text (-want +got):\n%s", diags, diff)
	}
	got, diags = hcl.Format([]byte("organization \"one\" {\n  auth_code = \"s3cr3t\n}\n"), "site.hcl")
	if got != nil || !diags.HasErrors() || strings.Contains(diags.Error(), "s3cr3t") {
		t.Errorf("got %q and\n%v\nwant nothing, and an error that shows no secret", got, diags)
	}
}

// TestExamplesAreFormatted: what users are given is as fmt leaves it.
func TestExamplesAreFormatted(t *testing.T) {
	files, err := filepath.Glob("../examples/*.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, diags := hcl.Format(src, file)
		if diff := cmp.Diff(string(src), string(got)); diff != "" || len(diags) != 0 {
			t.Errorf("%s: got diagnostics %v, formatted (-is +want):\n%s", file, diags, diff)
		}
	}
}

// FuzzFormat: formatting keeps the meaning, and what is formatted stays as it is.
func FuzzFormat(f *testing.F) {
	files, err := filepath.Glob("testdata/*.hcl")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	f.Add(twoServers)
	f.Add("a=<<-X\n  ${ b }\n  X\n")
	f.Fuzz(func(t *testing.T, src string) {
		text, diags := hcl.Format([]byte(src), "x.hcl")
		if diags.HasErrors() {
			return
		}
		again, diags := hcl.Format(text, "x.hcl")
		if diags.HasErrors() {
			t.Fatalf("the formatted text has errors:\n%v\n%s", diags, text)
		}
		if string(again) != string(text) {
			t.Errorf("formatted once:\n%s\nand twice:\n%s", text, again)
		}
		before, wrong := hcl.Parse([]byte(src), "x.hcl")
		after, wrongToo := hcl.Parse(text, "x.hcl")
		if diff := cmp.Diff(before.Site(), after.Site()); diff != "" || len(wrong) != len(wrongToo) {
			t.Errorf("site before and after (-before +after):\n%s\nerrors %v\nand %v", diff, wrong, wrongToo)
		}
	})
}
