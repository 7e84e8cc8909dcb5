package api

import "maps"

// Described returns the names of the routes that are described.
func Described() map[string]bool {
	all := map[string]bool{}
	for name := range describe() {
		all[name] = true
	}
	return all
}

// Fields returns the names of the types and fields that are described.
func Fields() map[string]bool {
	all := map[string]bool{}
	for name := range fields() {
		all[name] = true
	}
	return all
}

// Meanings returns what the kinds of error mean.
var Meanings = meanings

// PathFields returns the parameters of paths that are described.
func PathFields() map[string]bool {
	all := map[string]bool{}
	for name := range maps.Keys(pathFields()) {
		all[name] = true
	}
	return all
}
