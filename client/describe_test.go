package client_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/client"
)

// TestDescriptionsAgree: put, get and list describe a deposit alike.
func TestDescriptionsAgree(t *testing.T) {
	t.Parallel()
	c, _ := shared().Client(t, "q")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	for handle, opts := range map[string]*client.PutOptions{"a": nil, "b": {NotAfter: until}} {
		put, err := c.Put(t.Context(), handle, []byte("secret"), opts)
		if err != nil {
			t.Fatal(err)
		}
		if opts != nil && (put.NotAfter == nil || !put.NotAfter.Equal(until)) {
			t.Errorf("%s: got not_after %v, want %v", handle, put.NotAfter, until)
		}
		got, _, err := c.Get(t.Context(), handle, 0)
		if diff := cmp.Diff(put, got); diff != "" || err != nil {
			t.Errorf("%s: put and get: %v\n%s", handle, err, diff)
		}
		listed, err := c.List(t.Context(), handle, false)
		if diff := cmp.Diff([]client.Deposit{put}, listed); diff != "" || err != nil {
			t.Errorf("%s: put and list: %v\n%s", handle, err, diff)
		}
	}
}
