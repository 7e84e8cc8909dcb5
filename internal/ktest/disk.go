package ktest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// SmallDisk puts a file system of its own on a new directory, with options of
// tmpfs ("size=2m").
func SmallDisk(t testing.TB, options string) string {
	t.Helper()
	dir := Public(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		Missing(t, fmt.Sprintf("the right to mount a tmpfs (root): %v", err))
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return dir
}

// OwnDisk puts a file system of its own, with options of tmpfs, under a directory
// that is there, with what is in it.
func OwnDisk(t testing.TB, dir, options string) {
	t.Helper()
	aside := dir + ".aside"
	if out, err := exec.Command("cp", "-a", dir, aside).CombinedOutput(); err != nil {
		t.Fatalf("copying: %v\n%s", err, out)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		os.RemoveAll(aside)
		Missing(t, fmt.Sprintf("the right to mount a tmpfs (root): %v", err))
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	if out, err := exec.Command("cp", "-aT", aside, dir).CombinedOutput(); err != nil {
		t.Fatalf("copying: %v\n%s", err, out)
	}
	if err := os.RemoveAll(aside); err != nil {
		t.Fatal(err)
	}
}

// FillDisk writes a file until its disk is full.
func FillDisk(t testing.TB, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
}
