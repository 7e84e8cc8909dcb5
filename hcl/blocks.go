package hcl

import (
	"cmp"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// blockKind is a kind of block that stands at the top of a file.
type blockKind struct {
	body    bodySchema
	label   string // what the label is: "host name"; empty: there is none
	example string // a header, for the one who forgot the label
	single  bool   // a file has one at most, whatever its label
	many    bool   // a file has any number without a label
	first   bool   // it is read before the others, which refer to it
	expands bool   // it can have for_each, and declares one thing for each element
	about   string // the word for what has one such block at most; empty: the kind

	labels []string // all there are; nil: check tells
	check  func(label string) error
	store  func(d *decoder, name string, body *hclsyntax.Body)
}

// noun is the word for what such a block declares.
func (k blockKind) noun() string {
	if k.label == "" {
		return k.body.kind + " block"
	}
	return k.body.kind
}

// subject is the word for what has one block of this kind at most.
func (k blockKind) subject() string { return cmp.Or(k.about, k.body.kind) }

// blockKinds is the language: a new block is a line here, and a file with its
// schema and its store function.
func blockKinds() []blockKind {
	return []blockKind{
		variableBlock(),
		localsBlock(),
		serverBlock(),
		databaseBlock(),
		limitsBlock(),
		auditBlock(),
		organizationBlock(),
		removedBlock(),
	}
}

// laterBlocks are the blocks that have a meaning in other builds only.
func laterBlocks() []string {
	return []string{
		"backup", "high_availability", "hsm", "mail", "schedule",
	}
}

// bodySchema is what may stand between the braces of a block.
type bodySchema struct {
	kind       string // of the block
	attributes []string
	free       bool         // any attribute may be there
	blocks     []bodySchema // without labels, each at most once
	later      []string     // attributes that have a meaning in other builds only
	instead    advice       // for a secret in an attribute that the schema lacks
}

// advice says why something does not stand in a file, and where it belongs.
type advice struct{ detail, suggestion string }
