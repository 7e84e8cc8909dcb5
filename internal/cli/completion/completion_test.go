package completion_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/cli/completion"
	"github.com/ktsd/ktsd/internal/ktest"
)

// lines are command lines whose last word is to be completed, and what is offered:
// all of these, in a folder that holds "a folder/" and site.hcl.
func lines() []struct {
	line []string
	want []string
} {
	return []struct {
		line []string
		want []string
	}{
		{[]string{"ktadmin", "a"}, []string{"apply", "audit"}},
		{[]string{"ktadmin", "audit", ""}, []string{"search", "verify"}},
		{[]string{"ktadmin", "--confdir", "audit", "audit", "s"}, []string{"search"}}, // a value is no command
		{[]string{"ktadmin", "audit", "verify", "--f"}, []string{"--from-segment"}},
		{[]string{"ktadmin", "--confdir", ""}, []string{"a folder"}},
		{[]string{"ktadmin", "plan", "--file", "s"}, []string{"site.hcl"}},
		{[]string{"ktadmin", "validate", "-f", "s"}, []string{"site.hcl"}},
		{[]string{"ktadmin", "--completion", ""}, []string{"bash", "fish", "zsh"}},
		{[]string{"ktadmin", "audit", "search", "--limit", ""}, []string{}},
		{[]string{"ktsd", "--log-level", ""}, []string{"debug", "error", "info", "warn"}},
		{[]string{"ktsd", "--l"}, []string{"--log-level"}},
		{[]string{"orgtool", "set-"}, []string{"set-auth"}},
		{[]string{"orgtool", "set-auth", "--s"}, []string{"--secret", "--secret-file"}},
		{[]string{"keytrustee", "register", "--key-type", ""}, []string{"ed25519", "rsa4096"}},
		{[]string{"keytrustee", "register", "--key-type", "r"}, []string{"rsa4096"}},
		{[]string{"keytrustee", "put", "luks/sda2", "s"}, []string{"site.hcl"}},
		{[]string{"keytrustee", "get", "x", "--outp"}, []string{"--output"}},
		{[]string{"keytrustee", "put", "--", "-x", "s"}, []string{"site.hcl"}},
	}
}

// TestShells asks the shells themselves.
func TestShells(t *testing.T) {
	t.Parallel()
	shells := map[string]func(*testing.T, shell, []string) []string{"bash": bash, "zsh": zsh, "fish": fish}
	for _, name := range completion.Shells() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ktest.Need(t, name)
			s := newShell(t, name)
			for _, l := range lines() {
				got := shells[name](t, s, l.line)
				for i := range got { // directories come with a slash or without
					got[i] = strings.TrimSuffix(got[i], "/")
				}
				slices.Sort(got)
				if diff := cmp.Diff(l.want, slices.Compact(got)); diff != "" {
					t.Errorf("%q: -want +got:\n%s", l.line, diff)
				}
			}
		})
	}
}

// shell is where a shell runs.
type shell struct {
	home    string
	scripts string // a file NAME for each program
	work    string // the working directory
}

func newShell(t *testing.T, name string) shell {
	t.Helper()
	s := shell{home: t.TempDir(), scripts: t.TempDir(), work: t.TempDir()}
	for _, program := range []string{"ktsd", "ktadmin", "orgtool", "keytrustee"} {
		script := ktest.Must(t, program, "--completion", name)
		if err := os.WriteFile(filepath.Join(s.scripts, program), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(s.work, "a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.work, "site.hcl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs a program of the shell's and returns what it prints, by lines; it has
// nothing to say on standard error.
func (s shell) run(t *testing.T, name string, args ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = s.work, &stderr
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.home, "ZDOTDIR=" + s.home, "LC_ALL=C.UTF-8", "TERM=dumb"}
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, stderr.String())
	}
	return strings.FieldsFunc(string(out), func(c rune) bool { return c == '\n' })
}

func bash(t *testing.T, s shell, line []string) []string {
	const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_$1"; printf '%s\n' "${COMPREPLY[@]}"`
	return s.run(t, "bash", append([]string{"-uc", ask, "bash", filepath.Join(s.scripts, line[0])}, line...)...)
}

func fish(t *testing.T, s shell, line []string) []string {
	found := s.run(t, "fish", "--no-config", "-c", "source $argv[1]; complete --do-complete (string join ' ' -- $argv[2..])", filepath.Join(s.scripts, line[0]), strings.Join(line, " "))
	for i, f := range found {
		found[i], _, _ = strings.Cut(f, "\t")
	}
	return found
}

// zsh completes on a terminal alone: it gets one, and a line that is completed as soon
// as it can be edited. What would be listed is written down.
func zsh(t *testing.T, s shell, line []string) []string {
	result := filepath.Join(t.TempDir(), "result")
	startup := `PROMPT=
autoload -Uz compinit && compinit -D -u
source ` + filepath.Join(s.scripts, line[0]) + `
compadd() {
    case " ${(j: :)@[1,(i)--]} " in
    *\ -[OAD]\ *) builtin compadd "$@"; return ;;
    esac
    local -a found
    builtin compadd -O found "$@"
    (( $#found )) && print -rl -- ${(Q)found} >>` + result + `
    builtin compadd "$@"
}
record() { _main_complete; compstate[insert]=; compstate[list]= }
zle -C record list-choices record
zle-line-init() { BUFFER='` + strings.Join(line, " ") + `'; CURSOR=$#BUFFER; zle record; exit }
zle -N zle-line-init
`
	if err := os.WriteFile(filepath.Join(s.home, ".zshrc"), []byte(startup), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(result, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, "zsh", "-fc", "zmodload zsh/zpty && zpty inner zsh -i && while zpty -r inner output; do :; done")
	found, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(found), func(c rune) bool { return c == '\n' })
}

// TestEquals: bash breaks --flag=value in three.
func TestEquals(t *testing.T) {
	t.Parallel()
	s := newShell(t, "bash")
	for _, line := range [][]string{
		{"ktsd", "--log-level", "="}, {"ktsd", "--log-level", "=", ""}, {"ktsd", "--confdir", "=", "x", "--log-level", "=", ""},
	} {
		if diff := cmp.Diff([]string{"debug", "info", "warn", "error"}, bash(t, s, line)); diff != "" {
			t.Errorf("%q: -want +got:\n%s", line, diff)
		}
	}
	ktest.Need(t, "zsh", "fish")
	want := []string{"warn"}
	if diff := cmp.Diff(want, zsh(t, newShell(t, "zsh"), []string{"ktsd", "--log-level=w"})); diff != "" {
		t.Errorf("zsh: -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"--log-level=warn"}, fish(t, newShell(t, "fish"), []string{"ktsd", "--log-level=w"})); diff != "" {
		t.Errorf("fish: -want +got:\n%s", diff)
	}
}

// TestAutoloaded: zsh finds the script as _NAME in fpath, as packages install it.
func TestAutoloaded(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "zsh")
	s := newShell(t, "zsh")
	if err := os.Rename(filepath.Join(s.scripts, "ktsd"), filepath.Join(s.home, "_ktsd")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.scripts, "ktsd"), []byte("fpath=("+s.home+" $fpath) && compinit -D -u\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"warn"}, zsh(t, s, []string{"ktsd", "--log-level", "w"})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestUnknownShell: an error, and nothing written.
func TestUnknownShell(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := completion.Write(&out, "tcsh", "prog", parser.Model); err == nil || out.Len() > 0 {
		t.Errorf("got %q, %v, want an error", out.String(), err)
	}
}
