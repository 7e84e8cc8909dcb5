package completion

import (
	"fmt"
	"strings"
)

// fish completes the values of flags by itself. What it has to be told is which
// command the words before the cursor name, and how many arguments follow that.
func (s script) fish() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Completion of %[1]s for fish, made by: %[1]s --completion fish
function __%[2]s_at --description 'Is the cursor at argument N of the command? Without N: anywhere in it'
    set -l path ''
    set -l flag ''
    set -l position 0
    set -l options 1
    set -l words (commandline --tokenize --current-process --cut-at-cursor)
    for word in $words[2..]
        if test -n "$flag"
            set flag ''
            continue
        end
        if test $options = 1; and string match --quiet -- '-*' $word
            test "$word" = --; and set options 0
            contains -- "$path:$word" %[3]s
            and set flag $word
            continue
        end
        switch "$path/$word"
%[4]s            case '*'
                set position (math $position + 1)
        end
    end
    test "$path" = "$argv[1]"; or return 1
    test (count $argv) = 1; or test $position = $argv[2]; or test $argv[3] = more -a $position -gt $argv[2]
end
complete --command %[1]s --no-files
`, s.program, s.function, strings.Join(s.valued(fishQuote), " \\\n                "), s.steps(fishQuote, "            case %s\n                set path %s\n"))
	for _, n := range s.nodes {
		s.fishNode(&b, n)
	}
	return b.String()
}

func (s script) fishNode(b *strings.Builder, n node) {
	line := func(where string, more ...string) {
		condition := fmt.Sprintf("__%s_at %s", s.function, fishQuote(n.path)+where)
		fmt.Fprintf(b, "complete --command %s --condition %s %s\n", s.program, fishQuote(condition), strings.Join(more, " "))
	}
	for _, c := range n.commands {
		line(" 0", "--arguments", c.text, "--description", fishQuote(c.help))
	}
	for i, a := range n.arguments {
		where := fmt.Sprintf(" %d", i)
		if n.repeated && i == len(n.arguments)-1 {
			where += " more"
		}
		if a.kind != anything {
			line(where, a.fish())
		}
	}
	for _, f := range n.flags {
		options := []string{"--long-option", strings.TrimPrefix(f.names[0], "--")}
		if len(f.names) > 1 {
			options = append(options, "--short-option", strings.TrimPrefix(f.names[1], "-"))
		}
		if f.value {
			options = append(options, f.values.fish())
		}
		line("", append(options, "--description", fishQuote(f.help))...)
	}
}

// fish tells fish of a value that has to be given. Without --exclusive it would offer
// files for every one.
func (v values) fish() string {
	switch v.kind {
	case words:
		return "--exclusive --arguments " + fishQuote(strings.Join(v.words, " "))
	case files:
		return "--require-parameter --force-files"
	case directories:
		return "--exclusive --arguments '(__fish_complete_directories (commandline --current-token))'"
	}
	return "--exclusive"
}

// fishQuote makes a text one word of fish.
func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
