package plan_test

import (
	"path/filepath"
	"testing"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/plan"
)

// TestExamplesConverge applies every example to a new host, once for each
// server in it, and wants the second plan empty.
func TestExamplesConverge(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatalf("got files %v and error %v, want some files", files, err)
	}
	for i, file := range files {
		config, diags := hcl.Load(file)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		for _, server := range config.Site().Servers {
			desired := plan.Desired{
				Host: server.Name, File: file, Server: &server,
				Organizations: config.Site().Organizations, AuthCodes: map[string]names.Secret{},
			}
			desired.Limits, desired.Audit = config.Site().Limits, config.Site().Audit
			if db := config.Site().Database; db != nil {
				desired.Database = &plan.Database{Database: *db, Shown: db.Engine}
			}
			for _, org := range desired.Organizations {
				if org.AuthCodeFile != "" {
					desired.AuthCodes[org.Name] = "a code"
				}
			}
			w := worldOf(plan.Live{Running: &plan.Running{}})
			if plan.Diff(desired, w.live()).InSync() {
				t.Errorf("%s: got a new host in sync, want something to do", file)
			}
			apply(t, int64(i), desired, w)
			wantInSync(t, int64(i), desired, w)
		}
	}
}
