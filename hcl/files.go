package hcl

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// The bounds of a site's files.
const (
	MaxFileSize = 4 << 20  // of one, in bytes
	maxTotal    = 32 << 20 // of all of them
	maxFiles    = 1000
)

// readAll reads files, and the files of directories. Those that cannot be read
// are reported.
func readAll(paths []string) (files sources, diags Diagnostics) {
	var seen []fs.FileInfo
	total := 0
	for _, path := range paths {
		inside, open, err := filesAt(path)
		if err != nil {
			diags = append(diags, cannotRead(path, err))
			continue
		}
		for _, file := range inside {
			text, info, err := read(file, open)
			switch {
			case err != nil:
				diags = append(diags, cannotRead(file, err))
			case len(files) == maxFiles || total+len(text) > maxTotal:
				return files, append(diags, cannotRead(file, fmt.Errorf("a site has at most %d files, of %d bytes together", maxFiles, maxTotal)))
			case !contains(seen, info):
				total += len(text)
				seen = append(seen, info)
				files = append(files, &source{name: file, text: text})
			}
		}
	}
	return files, diags
}

func cannotRead(path string, err error) Diagnostic {
	return Diagnostic{Severity: SeverityError, Summary: "cannot read " + path, Detail: sentence(err.Error())}
}

func contains(seen []fs.FileInfo, info fs.FileInfo) bool {
	for _, other := range seen {
		if os.SameFile(other, info) {
			return true
		}
	}
	return false
}

// opener opens a file to read it.
type opener func(path string) (*os.File, error)

// filesAt returns the files that a path stands for, and how they are opened: itself,
// which may be a pipe, or those of a site in a directory, in the order of their names.
func filesAt(path string) ([]string, opener, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, bare(err)
	}
	if !info.IsDir() {
		return []string{path}, os.Open, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, nil, bare(err)
	}
	var files []string
	for _, entry := range entries {
		name := entry.Name()
		if filepath.Ext(name) == ".hcl" && !strings.HasPrefix(name, ".") && !entry.IsDir() {
			files = append(files, filepath.Join(path, name))
		}
	}
	if files == nil {
		return nil, nil, errors.New("the directory has no file whose name ends in .hcl")
	}
	return files, openRegular, nil
}

// openRegular is an opener that never waits: whoever opens a pipe waits for one who
// writes, and a device may never come to an end.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// read reads a file, and no more of it than shows that it is too large.
func read(path string, open opener) ([]byte, fs.FileInfo, error) {
	f, err := open(path)
	if err != nil {
		return nil, nil, bare(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, bare(err)
	}
	src, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, nil, bare(err)
	}
	return src, info, nil
}

// bare drops the path, which stands before it.
func bare(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
