package deny

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/safefile"
)

const (
	lowSpace  = 64 << 10 // where less is left more is asked for, which may be there now and not when it is needed
	newSuffix = ".new"   // of the file that is to take the place of the old one
)

// add writes a line at the end and returns it as it will be read back, with an error
// unless it is on disk. The caller holds writing.
func (l *List) add(entry line) (line, error) {
	if l.size-l.end < l.ask {
		err := l.makeRoom()
		if l.err != nil {
			return entry, l.err
		}
		if l.size-l.end < maxLine {
			return entry, fault.New(fault.Unavailable, "the deny list of this node has no space left, and cannot have more").
				WithHint("make place on the disk of the state directory, then try again").Because(err)
		}
	}
	entry.Seq = l.lines + 1
	b, err := encode(entry)
	if err != nil {
		return entry, err
	}
	kept, err := parse(bytes.TrimSuffix(b, []byte("\n"))) // of a record, what is not UTF-8 does not stay
	if err != nil {
		return entry, fault.New(fault.Invalid, "the denial cannot be written down").Because(err)
	}
	if err := l.put(b, l.end); err != nil {
		_ = l.put(nil, l.end) // else the next line overwrites it, or Open finds it torn
		return entry, fault.New(fault.Unavailable, "the deny list of this node cannot be written").
			WithHint("check the disk of the state directory, then try again").Because(err)
	}
	if err := l.sync(l.file); err != nil {
		return kept, err
	}
	l.end += int64(len(b))
	l.lines++
	return kept, nil
}

// put writes a line at an offset, and zeros behind it, as far as there may be
// something left of a line that was not to be.
func (l *List) put(b []byte, at int64) error {
	zeros := max(0, min(maxLine, l.size-at-int64(len(b))))
	_, err := l.file.WriteAt(append(bytes.Clone(b), make([]byte, zeros)...), at)
	l.size = max(l.size, at+int64(len(b)))
	return err
}

// sync brings the file, or the directory, to disk. When that fails it is final, since
// nobody knows what is on disk then, and a second fsync would not tell.
func (l *List) sync(f *os.File) error {
	if err := f.Sync(); err != nil {
		l.err = fault.New(fault.Unavailable, "the deny list of this node could not be brought to disk: its last change may be lost").
			WithHint("check the disk of the state directory, then restart ktsd and make the change again").Because(err)
		return l.err
	}
	return nil
}

// makeRoom sees that there is space for more lines: in a new file without what was
// lifted, or, where that cannot be had, at the end of this one.
func (l *List) makeRoom() error {
	err := l.renew()
	if err == nil {
		l.ask = lowSpace
	}
	if err == nil || l.err != nil {
		return err
	}
	err = errors.Join(err, l.grow())
	l.ask = max(maxLine, min(lowSpace, (l.size-l.end)/2)) // not at every line: it takes time
	return err
}

// grow adds zeros at the end of the file, as many as there is space for.
func (l *List) grow() error {
	for l.size-l.end < Space {
		if l.size >= maxFile {
			return fmt.Errorf("%s has %d bytes", l.path, l.size)
		}
		n, err := l.file.WriteAt(make([]byte, maxLine), l.size)
		l.size += int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// renew puts a new file in the place of the old one, if there is any, with the
// denials in force and Space behind them. An error leaves the old one, unless it is
// final.
func (l *List) renew() error {
	b, err := encode(line{Seq: 1, Node: l.node})
	for i := 0; err == nil && i < len(l.denials); i++ {
		var next []byte
		next, err = encode(line{Seq: i + 2, Deny: &l.denials[i]})
		b = append(b, next...)
	}
	if err != nil {
		return err
	}
	end := int64(len(b))
	b = append(b, make([]byte, Space)...)
	f, err := create(l.path+newSuffix, l.dir.Name(), b)
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), l.path); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.size, l.end, l.lines = f, int64(len(b)), end, 1+len(l.denials)
	return l.sync(l.dir)
}

// isSparse tells whether the file has holes, for instance since it was copied: they
// would take space when it is needed.
func isSparse(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Blocks*512 < info.Size()
}

// create makes a file with the given contents, on disk, mode 0600, in the hands of
// the directory's owner. An error leaves none, so it may be tried again, even after
// a failed fsync.
func create(name, dir string, contents []byte) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err = safefile.Adopt(name, dir); err == nil {
		err = f.Chmod(0o600)
	}
	if err == nil {
		_, err = f.Write(contents)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	return f, nil
}
