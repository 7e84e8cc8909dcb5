package deny_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/deny"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
	"github.com/ktsd/ktsd/internal/ktest/powerfs"
)

// fill denies until that is refused for want of space, and returns those that were
// accepted.
func fill(t *testing.T, l *deny.List, from int) (all []escrow.Denial) {
	t.Helper()
	for n := from; n < from+5000; n++ {
		err := l.Deny(denial(n))
		if err != nil {
			wantFault(t, err, fault.Unavailable)
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("got %v, want ENOSPC", err)
			}
			return all
		}
		all = append(all, denial(n))
	}
	t.Fatal("the list does not fill")
	return nil
}

// TestFullDisk: on a disk without a free byte hundreds are denied and lifted, and are
// there after a start. When the space set aside is used up, that is told, nothing is
// lost, and it goes on as soon as there is space.
func TestFullDisk(t *testing.T) {
	dir := ktest.SmallDisk(t, "size=2m")
	path, ballast := filepath.Join(dir, "denied"), filepath.Join(dir, "ballast")
	open(t, path).Close()
	ktest.FillDisk(t, ballast)
	l := open(t, path)
	add(t, l, list(0, 300)...)
	lift(t, l, denial(0))
	l.Close()
	l = open(t, path)
	wantDenials(t, l, list(1, 300))

	kept := append(list(1, 300), fill(t, l, 300)...)
	wantDenials(t, l, kept)
	if len(kept) < 550 {
		t.Errorf("%d denials found place, want some 600", len(kept))
	}
	wantFault(t, l.Lift(denial(1).Subject), fault.Unavailable)
	l.Close()
	l = open(t, path)
	wantDenials(t, l, kept)
	if left, err := filepath.Glob(filepath.Join(dir, "*.new")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}

	if err := os.Truncate(ballast, 512<<10); err != nil {
		t.Fatal(err)
	}
	lift(t, l, kept...)
	add(t, l, list(0, 3)...)
	l.Close()
	wantDenials(t, open(t, path), list(0, 3))
}

// TestNearlyFullDisk: where a new file does not fit the old one grows by what there is.
func TestNearlyFullDisk(t *testing.T) {
	dir := ktest.SmallDisk(t, "size=2m")
	path, ballast := filepath.Join(dir, "denied"), filepath.Join(dir, "ballast")
	l := open(t, path)
	ktest.FillDisk(t, ballast)
	kept := fill(t, l, 0)
	info, err := os.Stat(ballast)
	if err == nil {
		err = os.Truncate(ballast, info.Size()-64<<10)
	}
	if err != nil {
		t.Fatal(err)
	}
	more := fill(t, l, len(kept))
	if len(more) < 100 {
		t.Errorf("%d denials found place in 64 KiB, want more than 100", len(more))
	}
	l.Close()
	wantDenials(t, open(t, path), append(kept, more...))
}

// TestNoSpaceToBegin: a list that could not keep its promise is not begun.
func TestNoSpaceToBegin(t *testing.T) {
	dir := ktest.SmallDisk(t, "size=1m")
	ballast := filepath.Join(dir, "ballast")
	ktest.FillDisk(t, ballast)
	if err := os.Truncate(ballast, 900<<10); err != nil {
		t.Fatal(err)
	}
	_, err := deny.Open(filepath.Join(dir, "denied"), node)
	wantFault(t, err, fault.Unavailable)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want ENOSPC", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v; want the ballast alone", left, err)
	}
}

// TestSparseCopy: a copy that was made with holes gets its space back.
func TestSparseCopy(t *testing.T) {
	path := filepath.Join(ktest.SmallDisk(t, "size=2m"), "denied")
	data, _, end := written(t, path)
	if err := errors.Join(os.WriteFile(path, data[:end], 0o600), os.Truncate(path, int64(len(data)))); err != nil {
		t.Fatal(err)
	}
	wantDenials(t, open(t, path), []escrow.Denial{denial(1), denial(3)})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if allocated := info.Sys().(*syscall.Stat_t).Blocks * 512; allocated < deny.Space {
		t.Errorf("%d bytes are allocated, want at least %d", allocated, deny.Space)
	}
}

// TestFailedWrite: a write that fails leaves the list as it was, and is not final.
func TestFailedWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "denied")
	l := open(t, path)
	add(t, l, denial(1))
	readOnly, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	file := l.SwapFile(readOnly)
	wantFault(t, l.Deny(denial(2)), fault.Unavailable)
	wantFault(t, l.Lift(denial(1).Subject), fault.Unavailable)
	wantDenials(t, l, list(1, 2))
	l.SwapFile(file)
	readOnly.Close()

	if err := l.Begin(long(3)); err != nil { // what it may leave is overwritten
		t.Fatal(err)
	}
	add(t, l, denial(2))
	l.Close()
	wantDenials(t, open(t, path), list(1, 3))
}

// rounds is how often a power cut is tried in each way.
func rounds() int {
	if os.Getenv("KTSD_SOAK") == "1" {
		return 200
	}
	return 20
}

// TestPowerCuts: whatever a power cut leaves of a line that was being written, all
// that was denied and lifted before is so after it. Now and then the file is renewed.
func TestPowerCuts(t *testing.T) {
	for name, keep := range map[string]powerfs.Keep{"nothing": powerfs.Nothing, "a beginning": powerfs.Beginning, "some sectors": powerfs.Some} {
		t.Run("keeping "+name, func(t *testing.T) {
			dir := t.TempDir()
			fs := powerfs.Mount(t, dir)
			path := filepath.Join(dir, "denied")
			var want []escrow.Denial
			next := 0
			for range rounds() {
				l := open(t, path)
				for range 1 + rand.IntN(20) {
					next++
					d := []escrow.Denial{denial(next), long(next)}[rand.IntN(2)]
					add(t, l, d)
					want = append(want, d)
					if rand.IntN(4) > 0 {
						i := rand.IntN(len(want))
						lift(t, l, want[i])
						want = slices.Delete(want, i, i+1)
					}
				}
				next++
				begun := []escrow.Denial{denial(next), long(next)}[rand.IntN(2)]
				if err := l.Begin(begun); err != nil {
					t.Fatal(err)
				}
				l.Close()
				fs.PowerCut(t, keep)

				l = open(t, path)
				if got := l.Denials(); len(got) == len(want)+1 {
					want = append(want, begun)
				}
				wantDenials(t, l, want)
				l.Close()
				fs.PowerCut(t, powerfs.Nothing) // what Open accepted is on disk
			}
		})
	}
}

// TestFailedFsync: an fsync that failed is final. What it should have brought to disk
// is kept out by this process and, once the next one has started, for good: the
// kernel alone would not see to that.
func TestFailedFsync(t *testing.T) {
	for _, times := range []int{1, 3} {
		dir := t.TempDir()
		fs := powerfs.Mount(t, dir)
		path := filepath.Join(dir, "denied")
		l := open(t, path)
		add(t, l, list(0, 20)...)
		fs.FailFsync("denied", times)
		err := l.Deny(denial(20))
		wantFault(t, err, fault.Unavailable)
		for _, again := range []error{l.Deny(denial(20)), l.Deny(denial(1)), l.Deny(denial(21)), l.Lift(denial(1).Subject), l.Lift(denial(77).Subject)} {
			if !errors.Is(err, syscall.EIO) || again != err {
				t.Errorf("got %v, want EIO and no other error after it: %v", err, again)
			}
		}
		if fs.Failed() != 1 {
			t.Errorf("%d fsyncs failed, want one and no other try", fs.Failed())
		}
		wantDenials(t, l, list(0, 21))
		l.Close()
		for range times - 1 { // for as long as the disk fails there is no start
			if _, err := deny.Open(path, node); !errors.Is(err, syscall.EIO) {
				t.Fatalf("Open: got %v, want EIO", err)
			}
		}
		l = open(t, path)
		wantDenials(t, l, list(0, 21))
		add(t, l, denial(21))
		l.Close()
		fs.PowerCut(t, powerfs.Nothing)
		l = open(t, path)
		wantDenials(t, l, list(0, 22))
		l.Close()
	}
}

// TestFailedRenewal: a new file that cannot be brought to disk leaves the old one,
// and nothing is final.
func TestFailedRenewal(t *testing.T) {
	dir := t.TempDir()
	fs := powerfs.Mount(t, dir)
	path := filepath.Join(dir, "denied")
	l := open(t, path)
	fs.FailFsync("denied.new", 1000)
	var want []escrow.Denial
	for n := range 120 {
		add(t, l, long(n))
		want = append(want, long(n))
	}
	if fs.Failed() == 0 {
		t.Error("the list was not renewed")
	}
	l.Close()
	fs.PowerCut(t, powerfs.Nothing)
	l = open(t, path)
	if diff := cmp.Diff(l.Denials(), want); diff != "" {
		t.Errorf("denials: -got +want:\n%s", diff)
	}
	l.Close()
}
