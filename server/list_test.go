package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
)

// TestList: over pages, by prefix, with and without what is hidden.
func TestList(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	const volumes = 1200
	var want []string
	var group sync.WaitGroup
	places := make(chan struct{}, 16)
	for i := range volumes {
		handle := fmt.Sprintf("vol/%04d", i)
		want = append(want, handle)
		places <- struct{}{}
		group.Go(func() {
			b.keep(t, handle, []byte(handle))
			<-places
		})
	}
	group.Wait()

	all, pages := b.list(t, "prefix", "vol/")
	if diff := cmp.Diff(want, handles(all)); diff != "" {
		t.Errorf("list of vol/ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{500, 500, 200}, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if all, pages = b.list(t, "prefix", "vol/00", "limit", "7"); len(all) != 100 || len(pages) != 15 {
		t.Errorf("list of vol/00 by 7: got %d in %d pages, want 100 in 15", len(all), len(pages))
	}
	if all, pages = b.list(t, "prefix", "vol/", "limit", "600"); len(all) != volumes || pages[0] != 500 {
		t.Errorf("list by 600: got %d, %d at once, want 1200, at most 500 at once", len(all), pages[0])
	}

	// A prefix is no pattern, and is compared by bytes.
	for _, handle := range []string{"a%b", "a_b", "aXb", "a", "A", "ä", "a/b", "aa", "z\U0010ffff", "z\U0010ffff2"} {
		b.keep(t, handle, []byte("x"))
	}
	for prefix, want := range map[string][]string{
		"a%": {"a%b"}, "a_": {"a_b"}, "A": {"A"}, "ä": {"ä"}, "a": {"a", "a%b", "a/b", "aXb", "a_b", "aa"}, "z\U0010ffff": {"z\U0010ffff", "z\U0010ffff2"},
		"vol": slices.Clone(want), "none": nil, "vol/0000x": nil,
	} {
		all, _ := b.list(t, "prefix", prefix)
		if diff := cmp.Diff(want, handles(all)); diff != "" {
			t.Errorf("list of %q (-want +got):\n%s", prefix, diff)
		}
	}
}

// TestListShowAll: every version and the deleted ones; without it the latest of
// each handle that is not deleted.
func TestListShowAll(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	b.keep(t, "a", []byte("1"))
	second := b.keep(t, "a", []byte("2"))
	b.keep(t, "b", []byte("1"))
	hidden := b.keep(t, "b", []byte("2"))
	wantOK(t, "deleting", b.delete(t, hidden.UUID), nil)
	third := b.keep(t, "c", []byte("1"))

	latest, _ := b.list(t, "prefix", "")
	if diff := cmp.Diff([]api.Deposit{second, third}, latest); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	all, _ := b.list(t, "prefix", "", "show", "all", "limit", "1")
	var got []string
	for _, d := range all {
		got = append(got, fmt.Sprintf("%s %d %v", d.Handle, d.Version, d.Deleted != nil))
	}
	if diff := cmp.Diff([]string{"a 1 false", "a 2 false", "b 1 false", "b 2 true", "c 1 false"}, got); diff != "" {
		t.Errorf("list of all by 1 (-want +got):\n%s", diff)
	}
}

func TestListBadQueries(t *testing.T) {
	t.Parallel()
	_, b, _ := service(t)
	long := string(make([]byte, 256))
	for _, raw := range []string{
		"prefix=%ff", "cursor=x", "cursor=e30x", "cursor=%00", "cursor=W10", "limit=0", "limit=-1", "limit=many", "limit=", query("prefix", long),
		"show=everything", "show=", "prefix=a&prefix=b", "prefix=%zz", "prefix=a;limit=1", "prefx=a", "handle=a&handle=b", "handle=a&prefix=a", "handle=a&show=all",
	} {
		wantKind(t, fmt.Sprintf("%.40q", raw), request(t, b.http, http.MethodGet, b.url+"/v1/deposits?"+raw, nil), fault.Invalid)
	}
}

func handles(deposits []api.Deposit) []string {
	var names []string
	for _, d := range deposits {
		names = append(names, d.Handle)
	}
	return names
}
