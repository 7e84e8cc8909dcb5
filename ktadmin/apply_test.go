package main_test

import (
	"context"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/site"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// TestExamplesApply applies every file of examples/ to a running ktsd, once for
// each host it declares: afterwards the plan is empty. Where it declares a database
// on PostgreSQL, ktsd is stopped for the first part.
func TestExamplesApply(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(ktest.Root(t), "examples", "*.hcl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		config, diags := hcl.Load(file)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		for _, server := range config.Site().Servers {
			t.Run(filepath.Base(file)+"/"+server.Name, func(t *testing.T) {
				t.Parallel()
				dir := ktest.Dir(t)
				here := exampleHere(t, file, ktest.FreeAddress(t))
				plan := []string{"plan", "--confdir", dir, "--host", server.Name, "-f", here}
				apply := []string{"apply", "--auto-approve", "--confdir", dir, "--host", server.Name, "-f", here}
				if db := config.Site().Database; db != nil && db.Engine == site.EnginePostgres {
					if out, stderr, code := ktest.Run(t, "ktadmin", apply...); code != 1 || !strings.Contains(stderr, "the organizations wait") {
						t.Fatalf("apply before the start: exit code %d, want 1\n%s%s", code, out, stderr)
					}
				}
				ktest.Start(t, dir)
				if out, stderr, code := ktest.Run(t, "ktadmin", plan...); code != 2 {
					t.Fatalf("plan before apply: exit code %d, want 2\n%s%s", code, out, stderr)
				}
				ktest.Must(t, "ktadmin", apply...)
				if out := ktest.Must(t, "ktadmin", plan...); !strings.Contains(out, "No changes.") {
					t.Errorf("plan after apply: got %q, want no changes", out)
				}
			})
		}
	}
}

// exampleHere returns a copy of an example that fits this machine: another
// address, another database, and files below a temporary directory in place of /etc.
func exampleHere(t *testing.T, file, address string) string {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	etc := t.TempDir()
	text := regexp.MustCompile(`"[a-z0-9.]*:11371"`).ReplaceAllString(string(src), `"`+address+`"`)
	if url := regexp.MustCompile(`"postgres://[^"]*"`); url.MatchString(text) {
		text = url.ReplaceAllLiteralString(text, strconv.Quote(newDatabase(t).open))
	}
	text = strings.ReplaceAll(text, `"/etc/`, `"`+etc+`/`)
	cert, key, err := tlsconf.SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string][]byte{".pem": cert, ".key": key, ".code": []byte("correct horse\n")}
	for _, named := range regexp.MustCompile(`"`+regexp.QuoteMeta(etc)+`(/[^"]+)"`).FindAllStringSubmatch(text, -1) {
		path := filepath.Join(etc, named[1])
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, contents[filepath.Ext(path)], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	here := filepath.Join(t.TempDir(), filepath.Base(file))
	if err := os.WriteFile(here, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return here
}

// TestApplyKilled kills apply at many points: the next one goes on from there.
func TestApplyKilled(t *testing.T) {
	t.Parallel()
	s := ktest.Start(t, ktest.Dir(t))
	file := filepath.Join(t.TempDir(), "site.hcl")
	args := func(command string) []string { return []string{command, "--confdir", s.Dir, "-f", file} }
	r := rand.New(rand.NewSource(1))
	killed := 0
	for round := range 12 {
		address := ktest.FreeAddress(t)
		if err := os.WriteFile(file, []byte(manyOrganizations(address, round)), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(5+r.Intn(120))*time.Millisecond)
		apply := exec.CommandContext(ctx, filepath.Join(ktest.Bin(t), "ktadmin"), append(args("apply"), "--auto-approve")...)
		if err := apply.Run(); err != nil {
			killed++
		}
		cancel()
		if _, err := confdir.Dir(s.Dir).ReadConf(); err != nil {
			t.Fatalf("round %d: keytrustee.conf after a kill: %v", round, err)
		}
		ktest.Must(t, "ktadmin", append(args("apply"), "--auto-approve")...)
		ktest.Must(t, "ktadmin", args("plan")...)
	}
	if killed == 0 {
		t.Error("no apply was killed: the test shows nothing")
	}
}

// manyOrganizations declares what takes some steps to make.
func manyOrganizations(listen string, round int) string {
	var b strings.Builder
	b.WriteString("server \"localhost\" {\n  listen = \"" + listen + "\"\n}\n")
	for i := range 8 {
		name := "org-" + string(rune('a'+round)) + string(rune('a'+i))
		b.WriteString("organization \"" + name + "\" {\n  contacts = [\"finn@example.com\", \"jake@example.com\"]\n}\n")
	}
	return b.String()
}
