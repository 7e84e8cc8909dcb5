// Package completion writes the scripts by which a shell completes a program's
// arguments, from the model that kong has of its command line: the same that --help
// is printed from. What it completes is what the model knows: commands, flags, the
// values of flags that have a fixed set, and names of files and directories. It runs
// no program while it completes, and asks no server.
package completion

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// Shells are the shells that there are scripts for.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Write writes the script for a shell of Shells. It fails for another one.
func Write(w io.Writer, shell, program string, model *kong.Application) error {
	s := script{program: program, function: regexp.MustCompile(`[^A-Za-z0-9]`).ReplaceAllString(program, "_"), nodes: flatten(model.Node, "")}
	s.nodes[0].flags = append(s.nodes[0].flags, alone()...)
	write, ok := map[string]func() string{"bash": s.bash, "zsh": s.zsh, "fish": s.fish}[shell]
	if !ok {
		return fmt.Errorf("there is no completion for %q, but for %s", shell, strings.Join(Shells(), ", "))
	}
	_, err := io.WriteString(w, write())
	return err
}

// script is what the scripts of all shells are made from.
type script struct {
	program  string
	function string // a name that every shell takes as part of one
	nodes    []node
}

// node is a command, or the program itself, whose path is empty.
type node struct {
	path      string // the commands that lead to it, with spaces between
	commands  []word
	flags     []flag
	arguments []values // by position; those after the last are as that is, where it takes several
	repeated  bool     // the last argument may be given again
}

// word is something to complete, and what it is.
type word struct{ text, help string }

// flag is a flag.
type flag struct {
	names  []string // with their hyphens; the long one comes first
	help   string
	value  bool // it takes one
	values values
}

// values is what may be put somewhere.
type values struct {
	kind  kind
	words []string // of kind words
}

type kind int

const (
	anything kind = iota // nothing that can be completed
	words
	files
	directories
)

// alone are the flags of every program that are no part of its model.
func alone() []flag {
	return []flag{
		{names: []string{"--version"}, help: "Print the version."},
		{names: []string{"--man"}, help: "Print the manual page."},
		{names: []string{"--completion"}, help: "Print a shell's completion.", value: true, values: values{kind: words, words: Shells()}},
	}
}

// flatten returns a node and all below it, but for what is hidden. Each has the flags
// of those above it too.
func flatten(n *kong.Node, path string) []node {
	own := node{path: path}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			own.flags = append(own.flags, flagOf(f))
		}
	}
	for _, p := range n.Positional {
		own.arguments = append(own.arguments, valuesOf(p, strings.ToUpper(p.Name)+" "+p.Tag.PlaceHolder))
		own.repeated = p.IsCumulative()
	}
	var below []node
	for _, child := range n.Children {
		if !child.Hidden {
			own.commands = append(own.commands, word{child.Name, child.Help})
			below = append(below, flatten(child, strings.TrimSpace(path+" "+child.Name))...)
		}
	}
	return append([]node{own}, below...)
}

func flagOf(f *kong.Flag) flag {
	made := flag{names: []string{"--" + f.Name}, help: f.Help, value: !f.IsBool() && !f.IsCounter()}
	if f.Short != 0 {
		made.names = append(made.names, "-"+string(f.Short))
	}
	if made.value {
		made.values = valuesOf(f.Value, f.PlaceHolder)
	}
	return made
}

// valuesOf tells by the enum, the type and the placeholder what a value may be.
func valuesOf(v *kong.Value, placeholder string) values {
	switch {
	case v.Enum != "":
		return values{kind: words, words: v.EnumSlice()}
	case v.Tag.Type == "existingdir", strings.Contains(placeholder, "DIR"):
		return values{kind: directories}
	case v.Tag.Type == "path", v.Tag.Type == "existingfile", strings.Contains(placeholder, "FILE"), strings.Contains(placeholder, "PATH"):
		return values{kind: files}
	}
	return values{}
}

// quote makes a text one word of a POSIX shell, bash or zsh.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// steps returns the lines of a case, for a shell whose pattern of a literal text is
// what pattern makes: from "PATH/COMMAND" to the path that it leads to.
func (s script) steps(pattern func(string) string, line string) string {
	var b strings.Builder
	for _, n := range s.nodes {
		for _, c := range n.commands {
			fmt.Fprintf(&b, line, pattern(n.path+"/"+c.text), pattern(strings.TrimSpace(n.path+" "+c.text)))
		}
	}
	return b.String()
}

// valued returns the pairs "PATH:FLAG" whose flag takes a value.
func (s script) valued(pattern func(string) string) []string {
	var found []string
	for _, n := range s.nodes {
		for _, f := range n.flags {
			for _, name := range f.names {
				if f.value {
					found = append(found, pattern(n.path+":"+name))
				}
			}
		}
	}
	return found
}
