package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/safefile"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// previousSuffix is that of the pair that was replaced last.
const previousSuffix = ".previous"

// pairFiles are the files of the certificate in use and of its key. They are replaced
// so that ktsd finds two that belong together whenever it starts:
//
//	1  key.previous and certificate.previous are written: the pair in place
//	2  key.next is written, then certificate.next: the new pair
//	3  key.next becomes the key
//	4  certificate.next becomes the certificate
//
// Between 3 and 4 ktsd takes the key and certificate.next (tlsconf.NextSuffix), which
// then is there without key.next. Before, the old pair is in force: finish removes what
// is beside it, certificate.next first, so that this never looks like the other.
type pairFiles struct {
	dir   confdir.Dir
	files tlsconf.Files
}

// pairData are the contents of the two files; nil: it is not there.
type pairData struct{ certificate, key []byte }

func (d pairData) equal(other pairData) bool {
	return bytes.Equal(d.certificate, other.certificate) && bytes.Equal(d.key, other.key)
}

// check refuses what cannot be replaced in this way.
func (p pairFiles) check() error {
	if p.files.Certificate == p.files.Key {
		return fault.New(fault.Conflict, "keytrustee.conf names one file for certificate and private key, %s", p.files.Key).
			WithHint("install writes two: name two files (SSL_CERTIFICATE and SSL_PRIVATE_KEY, or in the site's file), or replace that file yourself")
	}
	for _, file := range []string{p.files.Certificate, p.files.Key} {
		info, err := os.Lstat(file)
		if err == nil && !info.Mode().IsRegular() {
			return fault.New(fault.Conflict, "%s is no regular file, but a link, or of another kind: it is somebody else's to replace", file).
				WithHint("replace what it leads to, then have ktsd take that on: systemctl reload ktsd")
		}
	}
	return nil
}

// read returns what is in place.
func (p pairFiles) read() (pairData, error) {
	var d pairData
	var errs [2]error
	d.certificate, errs[0] = os.ReadFile(p.files.Certificate)
	d.key, errs[1] = os.ReadFile(p.files.Key)
	for _, err := range errs {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
	}
	return d, nil
}

// keep makes step 1.
func (p pairFiles) keep(d pairData) error {
	if d.key == nil || d.certificate == nil {
		return nil
	}
	if err := p.dir.Write(p.files.Key+previousSuffix, d.key, 0o600); err != nil {
		return err
	}
	return p.dir.Write(p.files.Certificate+previousSuffix, d.certificate, 0o644)
}

// swap makes the steps 2 to 4.
func (p pairFiles) swap(d pairData) error {
	if err := p.dir.Write(p.files.Key+tlsconf.NextSuffix, d.key, 0o600); err != nil {
		return err
	}
	if err := p.dir.Write(p.files.Certificate+tlsconf.NextSuffix, d.certificate, 0o644); err != nil {
		return errors.Join(err, p.finish())
	}
	if err := rename(p.files.Key); err != nil {
		return errors.Join(err, p.finish())
	}
	return rename(p.files.Certificate)
}

// restore puts back what swap has replaced, byte for byte.
func (p pairFiles) restore(d pairData) error {
	if d.key == nil || d.certificate == nil { // there was no pair
		return errors.Join(put(p.dir, p.files.Certificate, d.certificate, 0o644), put(p.dir, p.files.Key, d.key, 0o600))
	}
	return p.swap(d)
}

// put writes a file, or removes it where there was none.
func put(dir confdir.Dir, file string, data []byte, mode fs.FileMode) error {
	if data == nil {
		return remove(file)
	}
	return dir.Write(file, data, mode)
}

// finish ends a replacement that was interrupted: after step 3 it is completed, and
// before that given up.
func (p pairFiles) finish() error {
	if err := p.sweep(); err != nil {
		return err
	}
	key, certificate := p.files.Key+tlsconf.NextSuffix, p.files.Certificate+tlsconf.NextSuffix
	if !confdir.Exists(key) && confdir.Exists(certificate) {
		return rename(p.files.Certificate)
	}
	if err := remove(certificate); err != nil {
		return err
	}
	return remove(key)
}

// sweep removes the temporary files of a run that was killed: above all, no private key
// is to lie about that nothing uses.
func (p pairFiles) sweep() error {
	for _, file := range []string{p.files.Key, p.files.Certificate, p.dir.RequestedKey()} {
		left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".*.tmp"))
		if err != nil {
			return err
		}
		for _, tmp := range left {
			if err := os.Remove(tmp); err != nil {
				return err
			}
		}
	}
	return nil
}

// rename has the next file take the place of one, and is on disk when it returns.
func rename(file string) error {
	if err := os.Rename(file+tlsconf.NextSuffix, file); err != nil {
		return err
	}
	return safefile.SyncDir(filepath.Dir(file))
}

// remove removes a file that may be there, and is on disk when it returns.
func remove(file string) error {
	if err := os.Remove(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return safefile.SyncDir(filepath.Dir(file))
}
