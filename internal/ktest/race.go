//go:build race

package ktest

// raceFlags build the programs as the tests themselves are built.
var raceFlags = []string{"-race"}
