package hcl

import (
	"maps"
	"slices"
)

// Schema returns the language: the kinds of blocks, each with its attributes, of which
// those of an inner block are named as in "tls.ciphers".
func Schema() map[string][]string {
	all := map[string][]string{}
	for _, kind := range blockKinds() {
		names := slices.Clone(kind.body.attributes)
		for _, inner := range kind.body.blocks {
			for _, name := range inner.attributes {
				names = append(names, inner.kind+"."+name)
			}
		}
		all[kind.body.kind] = names
	}
	return all
}

// Functions returns the names of the functions, in order.
func Functions() []string { return slices.Sorted(maps.Keys(functions(&world{}, ""))) }
