package completion

import (
	"fmt"
	"strings"
)

// dialect is in what bash and zsh differ, which otherwise take the same script.
type dialect struct {
	words func(kind string, list []word) string // a statement that offers them
	files, directories,
	nothing string
}

// walk returns the statements that find out where the cursor is, after which path,
// flag, options and position tell it. The path is in "at": zsh has another path. begin is the statement that takes the words up
// to it, from the one after the program.
func (s script) walk(begin string) string {
	return begin + `
        [[ $word == '=' ]] && continue
        if [[ -n $flag ]]; then
            flag=
            continue
        fi
        if [[ -n $options && $word == -- ]]; then
            options=
            continue
        fi
        if [[ -n $options && $word == -* ]]; then
            case "$at:$word" in
` + alternatives(s.valued(quote)) + `) flag=$word ;;
            esac
            continue
        fi
        case "$at/$word" in
` + s.steps(quote, "        %s) at=%s ;;\n") + `        *) position=$((position + 1)) ;;
        esac
    done
`
}

// alternatives are the patterns of one case, one a line.
func alternatives(patterns []string) string {
	if len(patterns) == 0 {
		return "            ' '" // none
	}
	return "            " + strings.Join(patterns, " | \\\n            ")
}

// offers returns the statements that offer what fits where the cursor is.
func (s script) offers(d dialect) string {
	var flagValues, flagNames, arguments strings.Builder
	for _, n := range s.nodes {
		var names []word
		for _, f := range n.flags {
			for _, name := range f.names {
				names = append(names, word{name, f.help})
				if f.value {
					fmt.Fprintf(&flagValues, "        %s) %s ;;\n", quote(n.path+":"+name), d.offer(f.values))
				}
			}
		}
		offerFlags := d.words("flags", names)
		fmt.Fprintf(&flagNames, "        %s) %s ;;\n", quote(n.path), offerFlags)
		if len(n.commands) > 0 {
			fmt.Fprintf(&arguments, "        %s) %s ;;\n", quote(n.path+":0"), d.words("commands", n.commands))
		} else if len(n.arguments) == 0 {
			fmt.Fprintf(&arguments, "        %s) %s ;;\n", quote(n.path+":0"), offerFlags)
		}
		for i, a := range n.arguments {
			pattern := quote(fmt.Sprintf("%s:%d", n.path, i))
			if n.repeated && i == len(n.arguments)-1 {
				pattern = quote(n.path+":") + "*"
			}
			fmt.Fprintf(&arguments, "        %s) %s ;;\n", pattern, d.offer(a))
		}
	}
	return `    if [[ -n $flag ]]; then
        case "$at:$flag" in
` + flagValues.String() + `        esac
    elif [[ -n $options && $cur == -* ]]; then
        case "$at" in
` + flagNames.String() + `        esac
    else
        case "$at:$position" in
` + arguments.String() + `        esac
    fi
`
}

func (d dialect) offer(v values) string {
	switch v.kind {
	case words:
		list := make([]word, len(v.words))
		for i, text := range v.words {
			list[i].text = text
		}
		return d.words("values", list)
	case files:
		return d.files
	case directories:
		return d.directories
	}
	return d.nothing
}

func (s script) bash() string {
	d := dialect{
		words: func(_ string, list []word) string {
			texts := make([]string, len(list))
			for i, w := range list {
				texts[i] = w.text
			}
			return "list=" + quote(strings.Join(texts, " "))
		},
		files: "kind=-f", directories: "kind=-d", nothing: ":",
	}
	return fmt.Sprintf("# Completion of %[1]s for bash, made by: %[1]s --completion bash\n_%[2]s() {\n", s.program, s.function) +
		"    local cur=${COMP_WORDS[COMP_CWORD]} at= flag= options=1 position=0 kind= list= word\n" +
		s.walk(`    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do`) +
		"    [[ $cur == '=' ]] && cur=\n" + s.offers(d) + `    COMPREPLY=()
    if [[ -n $kind ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen "$kind" -- "$cur")
    elif [[ -n $list ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$list" -- "$cur")
    fi
}
` + fmt.Sprintf("complete -F _%s %s\n", s.function, s.program)
}

func (s script) zsh() string {
	d := dialect{
		words: func(kind string, list []word) string {
			described := make([]string, len(list))
			for i, w := range list {
				described[i] = quote(strings.ReplaceAll(w.text, ":", `\:`) + ":" + w.help)
			}
			return "list=(" + strings.Join(described, " ") + "); _describe -t " + kind + " " + strings.TrimSuffix(kind, "s") + " list"
		},
		files: "_files", directories: "_files -/", nothing: "_message 'a value'",
	}
	return fmt.Sprintf("#compdef %[1]s\n# Completion of %[1]s for zsh, made by: %[1]s --completion zsh\n_%[2]s() {\n", s.program, s.function) +
		"    local cur=${words[CURRENT]} at= flag= options=1 position=0 word\n    local -a list\n" +
		s.walk(`    for word in "${(@Q)words[2,CURRENT-1]}"; do`) + `    if [[ -z $flag && -n $options && $cur == --*=* ]]; then
        flag=${cur%%=*}
        compset -P '*='
    fi
` + s.offers(d) + fmt.Sprintf(`}
if [[ ${funcstack[1]} == _%[1]s ]]; then
    _%[1]s "$@"
else
    compdef _%[1]s %[2]s
fi
`, s.function, s.program)
}
