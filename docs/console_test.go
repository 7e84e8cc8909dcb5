package docs_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/ktest"
)

// step is a command of a page and what it prints there.
type step struct {
	line    int // of the page
	command string
	output  string
	exit    int
}

var exitCode = regexp.MustCompile(`# exit (\d+)$`)

// steps returns the commands of a block.
func (b block) steps() ([]step, error) {
	var all []step
	for i, line := range b.lines {
		text, starts := strings.CutPrefix(line, "$ ")
		if starts {
			all = append(all, step{line: b.line + 1 + i, command: text})
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("line %d: a console block begins with a command", b.line+1+i)
		}
		last := &all[len(all)-1]
		if more, ok := strings.CutPrefix(line, ">"); ok && last.output == "" && (more == "" || more[0] == ' ') {
			last.command += "\n" + strings.TrimPrefix(more, " ")
		} else {
			last.output += line + "\n"
		}
	}
	for i, s := range all {
		first, _, _ := strings.Cut(s.command, "\n")
		if code := exitCode.FindStringSubmatch(first); code != nil {
			all[i].exit, _ = strconv.Atoi(code[1])
		}
	}
	return all, nil
}

// console returns the commands of a page that are run.
func (p page) console(t *testing.T) []step {
	t.Helper()
	var all []step
	for _, b := range p.blocks(t) {
		words := strings.Fields(b.info)
		if len(words) == 0 || words[0] != "console" {
			continue
		}
		steps, err := b.steps()
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		switch {
		case len(words) == 1:
			all = append(all, steps...)
		case words[1] != "no-run":
			t.Errorf("%s:%d: unknown mark %q", p.name, b.line, words[1])
		case len(words) < 4:
			t.Errorf("%s:%d: a block that is not run says why", p.name, b.line)
		}
	}
	return all
}

// foreign are the programs of others that pages use.
var foreign = regexp.MustCompile(`\b(curl|openssl|gpg|jq)\b`)

// startsKtsd finds a command that leaves ktsd running.
var startsKtsd = regexp.MustCompile(`^ktsd\b.*&$`)

// TestConsole runs every page's commands and compares what they print with the
// page.
func TestConsole(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		steps := p.console(t)
		if len(steps) == 0 {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range steps {
				ktest.Need(t, foreign.FindAllString(s.command, -1)...)
			}
			sh, m := newShell(t), newMatcher()
			for _, s := range steps {
				started := time.Now()
				output, exit := sh.run(t, m.real(s.command))
				t.Logf("%s:%d: %.1f s: $ %s", p.name, s.line, time.Since(started).Seconds(), s.command)
				if exit != s.exit {
					t.Fatalf("%s:%d: $ %s\ngot exit code %d, the page shows %d\n%s", p.name, s.line, s.command, exit, s.exit, output)
				}
				if err := m.match(s.output, output); err != nil {
					t.Fatalf("%s:%d: $ %s\n%v", p.name, s.line, s.command, err)
				}
				if startsKtsd.MatchString(s.command) {
					sh.awaitKtsd(t)
				}
			}
		})
	}
}

// ours finds a line that calls one of our programs.
var ours = regexp.MustCompile(`(?m)^(\$ |# )?(sudo )?(ktadmin|orgtool|keytrustee|keytrustee-orgtool|ktsd)(\s|$)`)

// TestCommandsAreRun finds commands in blocks that no test runs.
func TestCommandsAreRun(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, b := range p.blocks(t) {
			if kind, _, _ := strings.Cut(b.info, " "); kind == "console" {
				continue
			}
			if call := ours.FindString(strings.Join(b.lines, "\n")); call != "" {
				t.Errorf("%s:%d: %q stands in a block that is not run: mark it console", p.name, b.line, call)
			}
		}
	}
}

// inline finds code within a line.
var inline = regexp.MustCompile("`([^`]+)`")

// option finds an option of a command line.
var option = regexp.MustCompile(`(?:^|[\s\[|])(--?[a-z][a-z-]*)`)

// TestTablesShowOptionsThatExist asks --help about every command of ours in the
// tables that have a column "ktsd".
func TestTablesShowOptionsThatExist(t *testing.T) {
	t.Parallel()
	found := 0
	for _, p := range pages(t) {
		for _, row := range p.rows("ktsd") {
			for _, code := range inline.FindAllStringSubmatch(row.cell, -1) {
				if ours.MatchString(code[1]) {
					found++
					checkCommand(t, fmt.Sprintf("%s:%d", p.name, row.line), code[1])
				}
			}
		}
	}
	if found == 0 {
		t.Error("no command of ours was found in any table")
	}
}

func checkCommand(t *testing.T, place, command string) {
	t.Helper()
	words := strings.Fields(command)
	program := strings.Replace(words[0], "keytrustee-orgtool", "orgtool", 1)
	var path []string
	for _, word := range words[1:] {
		if !regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(word) {
			break
		}
		path = append(path, word)
	}
	help, err := exec.Command(ktest.Bin(t)+"/"+program, append(path, "--help")...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: there is no %s %s: %v\n%s", place, program, strings.Join(path, " "), err, help)
		return
	}
	for _, o := range option.FindAllStringSubmatch(command, -1) {
		if !regexp.MustCompile(`(?m)(^|[\s,])`+o[1]+`([=,\s]|$)`).Match(help) && o[1] != "--version" {
			t.Errorf("%s: %s has no option %s\n%s", place, command, o[1], help)
		}
	}
}
