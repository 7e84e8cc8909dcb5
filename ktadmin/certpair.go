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

// pairFiles are the files of the certificate in use and of its key, which the service
// account has named, and may have chosen badly (safefile.CheckFor). They are replaced
// so that ktsd finds two that belong together whenever it starts:
//
//	1  the pair in place is written to .ssl, as the previous one
//	2  the key's next file is written, then the certificate's: the new pair
//	3  the key's next file becomes the key
//	4  the certificate's next file becomes the certificate
//
// Between 3 and 4 ktsd takes the key and the certificate's next file
// (tlsconf.NextSuffix), which then is there without the key's. Before, the old pair is
// in force: abandon removes what is beside it, the certificate's first, so that this
// never looks like the other.
type pairFiles struct {
	dir   confdir.Dir
	files tlsconf.Files
}

// pairData are the contents of the two files; nil: it is not there.
type pairData struct {
	certificate, key []byte
	mode             fs.FileMode // the certificate's
}

func (d pairData) equal(other pairData) bool {
	return bytes.Equal(d.certificate, other.certificate) && bytes.Equal(d.key, other.key)
}

// certificateMode is that of a certificate's file that is new.
const certificateMode = 0o644

// check refuses what cannot be replaced in this way.
func (p pairFiles) check() error {
	if p.oneFile() {
		return fault.New(fault.Conflict, "keytrustee.conf names one file for certificate and private key, %s", p.files.Key).
			WithHint("install writes two: name two files (SSL_CERTIFICATE and SSL_PRIVATE_KEY, or in the site's file), or replace that file yourself")
	}
	for _, file := range []string{p.files.Certificate, p.files.Key} {
		info, err := os.Lstat(file)
		if err == nil && !info.Mode().IsRegular() {
			return fault.New(fault.Conflict, "%s is no regular file, but a link, or of another kind: it is somebody else's to replace", file).
				WithHint("replace what it leads to, then have ktsd take that on: systemctl reload ktsd")
		}
		if err := p.dir.CheckReplace(file); err != nil {
			return foreign(err)
		}
	}
	return nil
}

// foreign says what to do about a file that is not the account's.
func foreign(err error) error {
	if _, ok := errors.AsType[*safefile.ForeignError](err); ok {
		return fault.New(fault.Conflict, "%v", err).
			WithHint("the configuration directory's owner has named it: have its directory belong to that account, name another, or replace the file yourself")
	}
	return err
}

// oneFile tells whether both are one file, whatever the paths to it.
func (p pairFiles) oneFile() bool {
	certificate, err := os.Stat(p.files.Certificate)
	if err != nil {
		return resolved(p.files.Certificate) == resolved(p.files.Key)
	}
	key, err := os.Stat(p.files.Key)
	return err == nil && os.SameFile(certificate, key)
}

// resolved is the path of a file that need not be there, without links on the way.
func resolved(file string) string {
	dir, err := filepath.EvalSymlinks(filepath.Dir(file))
	if err != nil {
		return filepath.Clean(file)
	}
	return filepath.Join(dir, filepath.Base(file))
}

// read returns what is in place.
func (p pairFiles) read() (pairData, error) {
	d := pairData{mode: certificateMode}
	certificate, mode, err := p.dir.Read(p.files.Certificate)
	if err == nil {
		d.certificate, d.mode = certificate, mode
	} else if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	d.key, _, err = p.dir.Read(p.files.Key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	return d, nil
}

// keep makes step 1.
func (p pairFiles) keep(d pairData) error {
	if d.key == nil || d.certificate == nil {
		return nil
	}
	if err := p.dir.MakeDir(p.dir.SSL()); err != nil {
		return err
	}
	if err := p.dir.Replace(p.dir.PreviousKey(), "", d.key, 0o600); err != nil {
		return err
	}
	mode := d.mode & certificateMode
	if bytes.Contains(d.certificate, []byte("PRIVATE KEY-----")) {
		mode &= 0o600
	}
	return p.dir.Replace(p.dir.PreviousCertificate(), "", d.certificate, mode)
}

// swap makes the steps 2 to 4.
func (p pairFiles) swap(d pairData) error {
	if err := p.dir.Replace(p.files.Key, tlsconf.NextSuffix, d.key, 0o600); err != nil {
		return err
	}
	if err := p.dir.Replace(p.files.Certificate, tlsconf.NextSuffix, d.certificate, d.mode); err != nil {
		return errors.Join(err, p.abandon())
	}
	if err := rename(p.files.Key); err != nil {
		return errors.Join(err, p.abandon())
	}
	return rename(p.files.Certificate)
}

// abandon gives up what step 2 has written.
func (p pairFiles) abandon() error {
	return errors.Join(remove(p.files.Certificate+tlsconf.NextSuffix), remove(p.files.Key+tlsconf.NextSuffix))
}

// restore puts back what swap has replaced, byte for byte.
func (p pairFiles) restore(d pairData) error {
	if d.key == nil || d.certificate == nil { // there was no pair
		return errors.Join(p.put(p.files.Certificate, d.certificate, d.mode), p.put(p.files.Key, d.key, 0o600))
	}
	return p.swap(d)
}

// put writes a file, or removes it where there was none.
func (p pairFiles) put(file string, data []byte, mode fs.FileMode) error {
	if data == nil {
		return remove(file)
	}
	return p.dir.Replace(file, "", data, mode)
}

// finish ends a replacement that was interrupted: after step 3 it is completed, and
// before that given up. Where the files in place are not those that it left, because
// somebody else has replaced them since, it decides nothing that ktsd could not start
// with: only a certificate of the key in place takes the other's place, and only beside
// a pair that belongs together is anything removed.
func (p pairFiles) finish() error {
	if err := p.sweep(); err != nil {
		return err
	}
	key, certificate := isFile(p.files.Key+tlsconf.NextSuffix), isFile(p.files.Certificate+tlsconf.NextSuffix)
	if !key && !certificate {
		return nil
	}
	next := p.files
	next.Certificate += tlsconf.NextSuffix
	if certificate && !key && loads(next) {
		return rename(p.files.Certificate)
	}
	if loads(p.files) {
		return p.abandon()
	}
	return nil // whatever comes next replaces them
}

func loads(files tlsconf.Files) bool {
	_, err := files.Load()
	return err == nil
}

// isFile tells whether a regular file is there, and not a link to one.
func isFile(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular()
}

// sweep removes the temporary files of a run that was killed: above all, no private key
// is to lie about that nothing uses.
func (p pairFiles) sweep() error {
	for _, file := range []string{p.files.Key, p.files.Certificate} {
		if err := errors.Join(safefile.Sweep(file), safefile.Sweep(file+tlsconf.NextSuffix)); err != nil {
			return err
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
