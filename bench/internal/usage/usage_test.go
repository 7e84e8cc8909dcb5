package usage_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/ktsd/ktsd/bench/internal/usage"
)

// burn uses as much processor time.
func burn(t *testing.T, d time.Duration) {
	t.Helper()
	before, err := usage.Self()
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		if n%100_000 != 0 {
			continue
		}
		if now, err := usage.Self(); err != nil {
			t.Fatal(err)
		} else if now-before >= d {
			return
		}
	}
}

// TestBurning is run by TestTree, in processes of their own.
func TestBurning(t *testing.T) {
	switch os.Getenv("USAGE_BURN") {
	case "parent": // of a child that has ended, and of one that runs
		child := exec.Command(os.Args[0], "-test.run", "^TestBurning$")
		child.Env = append(os.Environ(), "USAGE_BURN=child")
		if err := child.Run(); err != nil {
			t.Fatal(err)
		}
		child = exec.Command(os.Args[0], "-test.run", "^TestBurning$")
		child.Env = append(os.Environ(), "USAGE_BURN=child and wait")
		child.Stdin = os.Stdin
		if err := child.Run(); err != nil {
			t.Fatal(err)
		}
	case "child":
		burn(t, 300*time.Millisecond)
	case "child and wait":
		burn(t, 300*time.Millisecond)
		os.Stdout.WriteString("burnt\n")
		os.Stdin.Read(make([]byte, 1)) // until the test closes it
	default:
		t.Skip("only as a part of TestTree")
	}
}

// TestTree: what children have used counts, be they alive or not.
func TestTree(t *testing.T) {
	before, err := usage.Tree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(os.Args[0], "-test.run", "^TestBurning$")
	parent.Env = append(os.Environ(), "USAGE_BURN=parent")
	stdin, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		parent.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got, err := usage.Tree(parent.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if got >= 550*time.Millisecond { // of the 600 that two children use
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("processor time of the tree: got %s, want some 600 ms", got)
		}
	}
	after, err := usage.Tree(os.Getpid()) // the child that has ended is now two below
	if got := after - before; err != nil || got < 550*time.Millisecond {
		t.Errorf("processor time of the tree with this process: got %s, %v, want some 600 ms", got, err)
	}
}

func TestSelf(t *testing.T) {
	pid := os.Getpid()
	before, err := usage.Tree(pid)
	if err != nil {
		t.Fatal(err)
	}
	burn(t, 200*time.Millisecond)
	after, err := usage.Tree(pid)
	if got := after - before; err != nil || got < 180*time.Millisecond {
		t.Errorf("got %s, %v, want at least the 200 ms that were used, to a tick or two", got, err)
	}
}

func TestMemory(t *testing.T) {
	before, _, err := usage.RSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<20)
	for i := range block {
		block[i] = byte(i)
	}
	now, most, err := usage.RSS(os.Getpid())
	if err != nil || now < before+60<<20 || most < now {
		t.Errorf("with 64 MB more: got %d after %d, the most %d, %v", now, before, most, err)
	}
	_ = block[len(block)-1]
}

func TestNoProcess(t *testing.T) {
	if got, err := usage.Tree(1 << 30); err == nil {
		t.Errorf("processor time of no process: got %s", got)
	}
	if got, _, err := usage.RSS(1 << 30); err == nil {
		t.Errorf("memory of no process: got %d", got)
	}
}

// TestParseStat: whatever a program is called.
func TestParseStat(t *testing.T) {
	line := " S 17 1 1 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 1 0 5 6 7\n"
	for _, name := range []string{"ktsd", "a b", ")", "x) R 1 2", ""} {
		parent, own, waited, err := usage.ParseStat([]byte("4711 (" + name + ")" + line))
		if err != nil || parent != 17 || own != 330*time.Millisecond || waited != 770*time.Millisecond {
			t.Errorf("%q: got parent %d, %s, %s, %v, want 17, 330ms, 770ms", name, parent, own, waited, err)
		}
	}
	for _, bad := range []string{"", "4711", "4711 (x", "4711 (x) S 1", "4711 (x) S a b c d e f g h i j k l m n o p q"} {
		if _, _, _, err := usage.ParseStat([]byte(bad)); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}
