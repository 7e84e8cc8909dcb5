package manual_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// commands returns the commands of a program by its help, and "" for itself.
func commands(t *testing.T, program string) []string {
	t.Helper()
	found := []string{""}
	_, list, _ := strings.Cut(ktest.Must(t, program, "--help"), "\nCommands:\n")
	for _, row := range regexp.MustCompile(`(?m)^  ([a-z-]+(?: [a-z-]+)*)  +[A-Z]`).FindAllStringSubmatch(list, -1) {
		found = append(found, row[1])
	}
	return found
}

// TestHelp: each command has examples, and ends its sentences.
func TestHelp(t *testing.T) {
	t.Parallel()
	for program := range programs() {
		all := commands(t, program)
		if program != "ktsd" && len(all) < 5 {
			t.Errorf("%s: got the commands %q, want all of them", program, all)
		}
		for _, command := range all {
			help := ktest.Must(t, program, append(strings.Fields(command), "--help")...)
			paragraphs := strings.Split(help, "\n\n")
			if len(paragraphs) < 2 || !strings.HasSuffix(paragraphs[1], ".") {
				t.Errorf("%s %s: what it is for is no sentence", program, command)
			}
			if command != "" && examples(help) == "" {
				t.Errorf("%s %s: its help has no example", program, command)
			}
		}
	}
}

// examples returns what a help's text has for a shell.
func examples(help string) string {
	text, _, _ := strings.Cut(help, "\nFlags:\n")
	text, _, _ = strings.Cut(text, "\nArguments:\n")
	return strings.Join(regexp.MustCompile(`(?m)^    (\S.*\n?|    .*\n?)`).FindAllString(text, -1), "")
}

// understood has each of our programs tell its help in place of doing what an example
// says: a command or flag that it does not know is an error all the same.
const understood = `
set -euo pipefail
for program in ktsd ktadmin orgtool keytrustee; do
    eval "$program() { if [ -p /dev/stdin ]; then cat >/dev/null; fi; \"$BIN/$program\" \"\$@\" --help >/dev/null; }"
done
for other in jq grep head pass journalctl cryptsetup; do eval "$other() { echo; }"; done
`

// TestExamples: bash runs the examples of each help. Each is of the command that it
// stands at.
func TestExamples(t *testing.T) {
	t.Parallel()
	ktest.Need(t, "bash")
	for program := range programs() {
		for _, command := range commands(t, program) {
			text := examples(ktest.Must(t, program, append(strings.Fields(command), "--help")...))
			if text == "" {
				continue
			}
			for line := range strings.Lines(text) {
				if !strings.HasPrefix(line, "     ") && !strings.Contains(line, strings.TrimSpace(program+" "+command)) {
					t.Errorf("%s %s: an example of something else: %s", program, command, line)
				}
			}
			dir := t.TempDir()
			for _, name := range []string{"code", "site.hcl", "ssl-cert-keytrustee.pem", "db01.pem", "db01.key"} {
				if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			run := exec.Command("bash", "-c", understood+text)
			run.Dir, run.Env = dir, append(os.Environ(), "BIN="+ktest.Bin(t))
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%s %s: %v\n%s%s", program, command, err, text, out)
			}
		}
	}
}
