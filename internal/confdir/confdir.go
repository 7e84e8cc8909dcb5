// Package confdir knows the configuration directory and the state directory:
// where each file is, which are secret, and how they are written so that a crash
// leaves the old file or the new one. It knows nothing of what the files hold
// but keytrustee.conf.
package confdir

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ktsd/ktsd/internal/safefile"
)

// Default is the configuration directory unless --confdir or
// KEYTRUSTEE_CONFDIR says otherwise.
const Default = "/var/lib/keytrustee/.keytrustee"

// Dir is a configuration directory, as an absolute path.
type Dir string

// New returns the directory at path, made absolute.
func New(path string) (Dir, error) {
	abs, err := filepath.Abs(path)
	return Dir(abs), err
}

func (d Dir) file(elem ...string) string {
	return filepath.Join(append([]string{string(d)}, elem...)...)
}

// The files that nodes have in common, by the original's names.

// Conf is the configuration, JSON.
func (d Dir) Conf() string { return d.file("keytrustee.conf") }

// NextConf is a configuration that ktsd is asked about before it becomes Conf. Like
// Conf it is a secret.
func (d Dir) NextConf() string { return d.file("keytrustee.conf.next") }

// PreviousConf is the configuration that Conf replaced last. It is a secret.
func (d Dir) PreviousConf() string { return d.file("keytrustee.conf.previous") }

// SecretKeyring holds the server's OpenPGP secret key. It is a secret.
func (d Dir) SecretKeyring() string { return d.file("secring.gpg") }

// PublicKeyring holds the server's OpenPGP public key.
func (d Dir) PublicKeyring() string { return d.file("pubring.gpg") }

// KEKRing holds the generations of the key-encryption key. It is a secret.
func (d Dir) KEKRing() string { return d.file("kekring.json") }

// The files of one node's own TLS identity: no copy to a peer takes them along.

// SSL is the directory of the TLS files.
func (d Dir) SSL() string { return d.file(".ssl") }

// Certificate is the TLS certificate, with its chain, PEM.
func (d Dir) Certificate() string { return d.file(".ssl", "ssl-cert-keytrustee.pem") }

// PrivateKey is the TLS private key, PEM. It is a secret.
func (d Dir) PrivateKey() string { return d.file(".ssl", "ssl-cert-keytrustee-pk.pem") }

// RequestedKey is the TLS private key of a certificate that was requested and is not
// installed yet, PEM. It is a secret.
func (d Dir) RequestedKey() string { return d.file(".ssl", "ssl-cert-keytrustee-pk.pem.requested") }

// PreviousCertificate and PreviousKey are the certificate and the private key that were
// replaced last, wherever these are, PEM. The key is a secret.
func (d Dir) PreviousCertificate() string { return d.Certificate() + ".previous" }

// PreviousKey: see PreviousCertificate.
func (d Dir) PreviousKey() string { return d.PrivateKey() + ".previous" }

// CertificateChain holds intermediate and root certificates, where the
// certificate's own file does not; PEM. It need not be there.
func (d Dir) CertificateChain() string { return d.file(".ssl", "ssl-cert-keytrustee-ca.pem") }

// The state of one node: it stays where it was made.

// State returns elem below the state directory: /var/lib/keytrustee for the
// default configuration directory, else its own folder "state".
func (d Dir) State(elem ...string) string {
	root := d.file("state")
	if d == Default {
		root = filepath.Dir(Default)
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

// StateDirs are the directories of the state, outermost first, each with mode
// 0700.
func (d Dir) StateDirs() []string {
	dirs := []string{d.State("db"), d.State("audit"), d.State("run")}
	if d != Default {
		dirs = append([]string{d.State()}, dirs...)
	}
	return dirs
}

// Database is the SQLite file, which is in use unless keytrustee.conf names a
// PostgreSQL database.
func (d Dir) Database() string { return d.State("db", "keytrustee.db") }

// Audit is the directory of the audit segments.
func (d Dir) Audit() string { return d.State("audit") }

// DenyList is the file of those from whom access was taken away while the
// database could not be told.
func (d Dir) DenyList() string { return d.State("run", "denied") }

// Lock is the file that a running ktsd has locked. It holds the directory's
// identity (Instance).
func (d Dir) Lock() string { return d.State("run", "ktsd.lock") }

// Socket is the admin socket.
func (d Dir) Socket() string {
	if d == Default {
		return "/run/keytrustee/admin.sock"
	}
	return d.State("run", "admin.sock")
}

// Write replaces a file below d (safefile.Write). What root writes belongs to the
// directory's owner; so it is with Adopt and MakeDir.
func (d Dir) Write(path string, data []byte, mode fs.FileMode) error {
	return safefile.WriteAs(string(d), path, data, mode)
}

// Replace writes what takes the place of a file that keytrustee.conf names, which the
// directory's owner may have chosen, or stands below d (safefile.WriteFor).
func (d Dir) Replace(path, suffix string, data []byte, mode fs.FileMode) error {
	return safefile.WriteFor(string(d), path, suffix, data, mode)
}

// CheckReplace says whether Replace would refuse (safefile.CheckFor).
func (d Dir) CheckReplace(path string) error { return safefile.CheckFor(string(d), path) }

// Read returns what is in a file that Replace would replace, and its permission bits
// (safefile.ReadFor).
func (d Dir) Read(path string) ([]byte, fs.FileMode, error) {
	return safefile.ReadFor(string(d), path)
}

// MakeDir makes a directory below d, or beside it, with mode 0700.
func (d Dir) MakeDir(path string) error {
	if err := safefile.MakeDir(path); err != nil {
		return err
	}
	return d.Adopt(path)
}

// Adopt gives a file that was made below d to the directory's owner.
func (d Dir) Adopt(path string) error { return safefile.Adopt(path, string(d)) }

// Exists tells whether a file or directory is there. An error other than its
// absence counts as there, so that nothing is made in its place.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return !os.IsNotExist(err)
}
