package safefile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks bounds the symbolic links that a path is followed through, as the system
// does.
const maxLinks = 40

// Program returns the absolute path without links of a program that nobody can change,
// or have another take the place of, but root and the account of number uid, under
// which it is to be run: the file, every directory on the way to it, and every link,
// belong to one of the two, and no others can write there. Run what it returns, and
// not path.
func Program(path string, uid int) (string, error) {
	real, rest, links := "/", path, 0
	for {
		info, err := os.Lstat(real)
		if err != nil {
			return "", err
		}
		if err := checkChangeable(real, info, uid); err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			if links++; links > maxLinks {
				return "", fmt.Errorf("%s leads through too many links", path)
			}
			target, err := os.Readlink(real)
			if err != nil {
				return "", err
			}
			real, rest = filepath.Dir(real), target+"/"+rest
			if filepath.IsAbs(target) {
				real = "/"
			}
		} else if !info.IsDir() && strings.Trim(rest, "/") != "" {
			return "", fmt.Errorf("%s is no directory", real)
		}
		next := ""
		for rest != "" && (next == "" || next == ".") {
			next, rest, _ = strings.Cut(rest, "/")
		}
		if next == "" || next == "." {
			if !info.Mode().IsRegular() {
				return "", fmt.Errorf("%s is not a program", real)
			}
			return real, nil
		}
		real = filepath.Join(real, next) // ".." too: there are no links in it
	}
}

// checkChangeable returns an error if others than root and the account can change what
// is at a path.
func checkChangeable(path string, info fs.FileInfo, uid int) error {
	mode, chown := info.Mode(), "chown"
	link := mode&fs.ModeSymlink != 0
	if link {
		chown = "chown -h"
	}
	free := link || mode.IsDir() && mode&fs.ModeSticky != 0 // a link has no mode; in such as /tmp what is there is its owner's
	if !free && mode&0o022 != 0 {
		return fmt.Errorf("%s can be written by others, its mode is %04o: run chmod go-w %s", path, mode.Perm(), path)
	}
	if owner := uidOf(info); owner != 0 && owner != uid {
		return fmt.Errorf("%s belongs to user %s, who could change what is run as user %s: run %s root %[1]s", path, userName(owner), userName(uid), chown)
	}
	return nil
}
