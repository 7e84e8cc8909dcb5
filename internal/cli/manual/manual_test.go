package manual_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/cli/manual"
	"github.com/ktsd/ktsd/internal/ktest"
)

// programs are the programs and the sections of their pages.
func programs() map[string]string {
	return map[string]string{"ktsd": "8", "ktadmin": "8", "orgtool": "1", "keytrustee": "1"}
}

// page writes a program's page to a file and returns its name.
func page(t *testing.T, program, section string) string {
	t.Helper()
	cmd := ktest.Command(t, program, "--man")
	cmd.Env = append(cmd.Env, "SOURCE_DATE_EPOCH=1793534400")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s --man: %v", program, err)
	}
	file := filepath.Join(t.TempDir(), program+"."+section)
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLint: mandoc and groff find nothing to say of any page.
func TestLint(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "mandoc", "groff")
	for program, section := range programs() {
		file := page(t, program, section)
		for _, judge := range [][]string{{"mandoc", "-Tlint", file}, {"groff", "-man", "-ww", "-rCHECKSTYLE=3", "-z", "-Tutf8", file}} {
			if out, err := exec.Command(judge[0], judge[1:]...).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s: %v\n%s", strings.Join(judge, " "), err, out)
			}
		}
	}
}

// TestEverything: what --help tells, the page tells: all commands, and all flags of
// each.
func TestEverything(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "mandoc")
	for program, section := range programs() {
		rendered, err := exec.Command("mandoc", "-Tascii", "-Owidth=500", page(t, program, section)).Output()
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(plain(string(rendered))), " ")
		help := ktest.Must(t, program, "--help")
		if _, commands, ok := strings.Cut(help, "\nCommands:\n"); ok {
			for line := range strings.Lines(commands) {
				if name, about, ok := strings.Cut(strings.TrimSpace(line), "  "); ok && strings.HasPrefix(line, "  ") && strings.TrimSpace(name) != "" {
					help += ktest.Must(t, program, append(strings.Fields(name), "--help")...)
					if !strings.Contains(text, program+" "+name) {
						t.Errorf("%s: the page does not tell of %q, %s", program, name, about)
					}
				}
			}
		}
		for _, word := range strings.Fields(help) {
			name, _, _ := strings.Cut(strings.Trim(word, "[],.:;'\""), "=")
			if strings.HasPrefix(name, "--") && !strings.Contains(text, name) {
				t.Errorf("%s: the page does not tell of %s", program, name)
			}
		}
	}
}

// plain takes away what makes letters bold or underlined on a terminal.
func plain(text string) string {
	var b bytes.Buffer
	for _, c := range text {
		if c == '\b' {
			b.Truncate(b.Len() - 1)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

var update = flag.Bool("update", false, "write the page of testdata anew")

// TestGolden: a whole page, of a command line with everything in it.
func TestGolden(t *testing.T) {
	t.Parallel()
	got := golden(t)
	if *update {
		if err := os.WriteFile("testdata/prog.1", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/prog.1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got (write it anew with -update):\n%s", diff)
	}
	if again := golden(t); again != got {
		t.Error("the same program gave another page")
	}
	ktest.Need(t, "mandoc")
	if out, err := exec.Command("mandoc", "-Tlint", "testdata/prog.1").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}

type doCommand struct {
	What  string   `arg:"" help:"What to do."`
	Files []string `arg:"" optional:"" help:"With what."`
	How   string   `enum:"fast,slow" default:"fast" help:"How: ${enum}."`
	Quiet bool     `short:"q" help:"Say nothing."`
	Trap  string   `hidden:"" help:"Not told."`
}

// Help has what could be taken for roff's requests.
func (doCommand) Help() string {
	return `Does it at once. It's "done" with back\slash, ~tilde, ^caret, ` + "`backtick`" + ` and Grüße…
'quoted' at the beginning of a line, and
.conf as well.

  - one thing
  - another

Examples:
  prog do it --how=slow \
      'with quotes' -- -x
  .hidden
With a line after.`
}

func golden(t *testing.T) string {
	t.Helper()
	parser, err := kong.New(&struct {
		Dir string    `env:"PROG_DIR" default:"/srv" placeholder:"DIR" help:"Where (${env}; default: ${default})."`
		Do  doCommand `cmd:"" help:"Do something."`
		In  struct {
			Deep struct{} `cmd:"" help:"Do something deeper."`
			Not  struct{} `cmd:"" hidden:"" help:"Not told."`
		} `cmd:"" help:"Look inside."`
	}{}, kong.Name("prog"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := manual.Write(&out, manual.Program{
		Name: "prog", Description: "A program. It has more to say.", Version: "v1.2-3", Date: time.Date(2026, 11, 1, 23, 0, 0, 0, time.UTC), Model: parser.Model,
		Page: manual.Page{
			Section:     1,
			Exits:       []manual.Exit{{Code: 0, Meaning: "done"}, {Code: 64, Meaning: "wrong usage"}},
			Environment: []manual.Entry{{Name: "NO_COLOR", Text: "No colors."}},
			Files:       []manual.Entry{{Name: "~/.prog", Text: "What it keeps."}},
			SeeAlso:     []string{"other(1)", "else(8)"},
		},
	}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
