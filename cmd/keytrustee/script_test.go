package main_test

import (
	"testing"

	"github.com/ktsd/ktsd/internal/ktest"
)

// TestScripts runs testdata/script, each file one subject.
func TestScripts(t *testing.T) { ktest.Script(t) }
