package ktest

import (
	"errors"
	"fmt"
	"os"
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
