package hcl

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// world is what the functions env and file see of the host.
type world struct {
	env    func(string) (string, bool) // nil: there is none
	files  map[string]fileText         // by path, those read before; nil: none is read
	secret bool                        // set once something sensitive was seen
}

// fileText is what a file holds, or why it cannot be read.
type fileText struct {
	text   string
	secret bool // others cannot read it
	err    error
}

// read returns the contents of a file, which is the same as often as it is asked for.
func (w *world) read(folder, path string) fileText {
	if w.files == nil {
		return fileText{err: errors.New("no other file is read here")}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	if _, found := w.files[path]; !found {
		text, secret, err := readText(path)
		w.files[path] = fileText{text, secret, err}
	}
	return w.files[path]
}

// readText reads a regular file of UTF-8 text.
func readText(path string) (text string, secret bool, err error) {
	if strings.ContainsRune(path, 0) {
		return "", false, errors.New("a path cannot hold a zero byte")
	}
	f, err := openRegular(path)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", false, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxString+1))
	switch {
	case err != nil:
		return "", false, err
	case len(data) > maxString:
		return "", false, fmt.Errorf("%s has more than %d bytes", path, maxString)
	case !utf8.Valid(data):
		return "", false, fmt.Errorf("%s is no UTF-8 text", path)
	}
	return string(data), info.Mode().Perm()&0o004 == 0, nil
}
