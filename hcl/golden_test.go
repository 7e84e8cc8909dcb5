package hcl_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/hcl"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares the whole output for every file in testdata. All of them
// are wrong, and none of their secrets shows.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatalf("got files %v and error %v, want some files", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, diags := hcl.Load(file)
			if !diags.HasErrors() {
				t.Errorf("got no errors, want some")
			}
			golden(t, strings.TrimSuffix(file, ".hcl")+".golden", diags.Error()+"\n")
			wantNoSecret(t, diags)
		})
	}
}

// TestGoldenJSON compares the form for programs, and the colours, of one file.
func TestGoldenJSON(t *testing.T) {
	_, diags := hcl.Load("testdata/secrets.hcl")
	asJSON, err := json.MarshalIndent(diags, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/secrets.json", string(asJSON)+"\n")

	var color strings.Builder
	if err := diags.Write(&color, true); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/secrets.color", color.String())
}

// wantNoSecret looks for the code that all of testdata uses.
func wantNoSecret(t *testing.T, diags hcl.Diagnostics) {
	t.Helper()
	asJSON, err := json.Marshal(diags)
	if err != nil {
		t.Fatal(err)
	}
	if output := diags.Error() + string(asJSON); strings.Contains(output, "s3cr3t") {
		t.Errorf("the diagnostics show a secret:\n%s", output)
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
