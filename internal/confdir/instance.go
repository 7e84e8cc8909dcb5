package confdir

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ktsd/ktsd/internal/safefile"
)

// instanceBytes is the length of an identity: 128 bits, written as hex digits.
const instanceBytes = 16

// Instance returns the identity of a state directory: random, made once, and kept
// in the lock file, which TakeLock returned. Two directories never have the same
// one, whatever their hosts are called; a copy does, so none is made. What is no
// identity, such as the rest of a write that a crash cut off, is replaced.
func Instance(lock *os.File) (string, error) {
	id, err := readInstance(lock)
	if err != nil || id != "" {
		return id, err
	}
	random := make([]byte, instanceBytes)
	_, _ = rand.Read(random) // it never fails
	id = hex.EncodeToString(random)
	for _, step := range []func() error{
		func() error { return lock.Truncate(0) },
		func() error { _, err := lock.WriteAt([]byte(id+"\n"), 0); return err },
		lock.Sync,
		func() error { return safefile.SyncDir(filepath.Dir(lock.Name())) },
	} {
		if err := step(); err != nil {
			return "", fmt.Errorf("writing the state directory's identity to %s: %w", lock.Name(), err)
		}
	}
	return id, nil
}

// readInstance returns "" if the file has no whole identity.
func readInstance(lock *os.File) (string, error) {
	const digits = 2 * instanceBytes
	data, err := io.ReadAll(io.NewSectionReader(lock, 0, digits+2))
	if err != nil {
		return "", fmt.Errorf("reading the state directory's identity from %s: %w", lock.Name(), err)
	}
	if len(data) != digits+1 || data[digits] != '\n' {
		return "", nil
	}
	if _, err := hex.DecodeString(string(data[:digits])); err != nil {
		return "", nil
	}
	return string(data[:digits]), nil
}
