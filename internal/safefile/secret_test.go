package safefile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktsd/ktsd/internal/safefile"
)

// TestReadSecret: one line of a bounded length, from a file that is its owner's
// alone. No error shows what is in it.
func TestReadSecret(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("s", safefile.MaxSecret)
	for _, test := range []struct {
		contents, want, wrong string
		mode                  os.FileMode
	}{
		{"s3cr3t", "s3cr3t", "", 0o600},
		{"s3cr3t\n", "s3cr3t", "", 0o400},
		{"s3cr3t\r\n\n", "s3cr3t", "", 0o600},
		{" s3cr3t ", " s3cr3t ", "", 0o600},
		{"", "", "", 0o600},
		{long, long, "", 0o600},
		{"s3cr3t\n", "", "run chmod 600", 0o640},
		{"s3cr3t\nmore\n", "", "more than one line", 0o600},
		{"s3cr3t\rmore", "", "more than one line", 0o600},
		{long + "s3cr3t", "", "more than 4096 bytes", 0o600},
	} {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(test.contents), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, test.mode); err != nil {
			t.Fatal(err)
		}
		got, err := safefile.ReadSecret(file)
		if test.wrong == "" {
			if got != test.want || err != nil {
				t.Errorf("%.20q with mode %04o: got %.20q and %v, want %.20q", test.contents, test.mode, got, err, test.want)
			}
			continue
		}
		if err == nil || got != "" || !strings.Contains(err.Error(), test.wrong) || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%.20q with mode %04o: got %.20q and %v, want an error with the file's name and %q", test.contents, test.mode, got, err, test.wrong)
		}
	}
	if _, err := safefile.ReadSecret(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v, want %v", err, os.ErrNotExist)
	}
	if _, err := safefile.ReadSecret(t.TempDir()); err == nil {
		t.Error("a directory: got no error")
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := safefile.ReadSecret(pipe); err == nil || err.Error() != pipe+" is no regular file" {
		t.Errorf("a pipe that nobody writes to: got error %v, want that it is no regular file", err)
	}
}
