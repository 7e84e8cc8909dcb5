package plan

import (
	"context"
	"fmt"
)

// Change is one step of a plan. There are no others than those in database.go,
// configure.go and organization.go.
// Each one is idempotent: made twice, it leaves what it leaves made once.
type Change interface {
	// String says what the step does: `create organization "x"`.
	fmt.Stringer

	// views returns what the plan shows of it, for each block that it changes.
	views() []changeView

	// run makes the change.
	run(context.Context, Target) error

	// outcome tells what run has done. The confdir is for commands to name.
	outcome(confdir string) []string
}

// Attribute is one difference inside a block.
type Attribute struct {
	Name     string
	Old, New Value
}

// count returns "1 contact", "2 contacts".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
