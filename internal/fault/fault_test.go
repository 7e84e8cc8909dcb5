package fault_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/fault"
)

// TestIs: errors.Is finds the kind, and no other, and the cause, however deep the
// fault is wrapped.
func TestIs(t *testing.T) {
	t.Parallel()
	plain := fault.New(fault.NotFound, "no %s", "deposit")
	caused := fault.New(fault.Unavailable, "the store does not answer").Because(fmt.Errorf("opening: %w", fs.ErrPermission))
	for name, err := range map[string]error{
		"itself": plain, "wrapped": fmt.Errorf("getting: %w", plain), "joined": errors.Join(errors.New("x"), plain),
	} {
		if !errors.Is(err, fault.NotFound) || errors.Is(err, fault.Gone) || errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: got %v, want it to be %q alone", name, err, fault.NotFound)
		}
		if f, ok := errors.AsType[*fault.Error](err); !ok || f != plain {
			t.Errorf("%s: got %v, want the fault itself", name, f)
		}
	}
	if !errors.Is(caused, fault.Unavailable) || !errors.Is(caused, fs.ErrPermission) || errors.Is(caused, fault.NotFound) {
		t.Errorf("got %v, want it to be its kind and its cause", caused)
	}
	outer := fault.New(fault.Internal, "outer").Because(plain)
	if !errors.Is(outer, fault.Internal) || !errors.Is(outer, fault.NotFound) {
		t.Errorf("a fault because of a fault: got %v, want both kinds", outer)
	}
	if errors.Is(errors.New("not_found"), fault.NotFound) {
		t.Error("an error whose text is a kind's is of that kind")
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	f := fault.New(fault.Conflict, "100%% of %q", "x").WithHint("use %d", 2)
	if f.Error() != `100% of "x"` || f.Hint != "use 2" || f.Kind != fault.Conflict {
		t.Errorf("got %q with hint %q", f.Error(), f.Hint)
	}
	if f.RetryAfter(time.Minute); f.Retry != time.Minute {
		t.Errorf("when to try again: got %s, want 1m", f.Retry)
	}
	if got, want := f.Because(errors.New("cause")).Error(), `100% of "x": cause`; got != want {
		t.Errorf("with a cause: got %q, want %q", got, want)
	}
	if f.Message != `100% of "x"` {
		t.Errorf("the message, which is sent, got the cause: %q", f.Message)
	}
}
