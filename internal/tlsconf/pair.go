package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/ktsd/ktsd/internal/safefile"
)

// maxPEM bounds what is read of a certificate or key file, in bytes.
const maxPEM = 1 << 20

// What can be wrong with a certificate and its key, beside a file that cannot
// be read and a PermissionError.
var (
	ErrNotPEM        = errors.New("the file is not in PEM form: it has no line -----BEGIN …-----")
	ErrNoCertificate = errors.New("the file holds no certificate")
	ErrNoKey         = errors.New("the file holds no private key")
	ErrDamaged       = errors.New("the content is damaged, or of a kind that is not supported")
	ErrEncryptedKey  = errors.New("the private key is encrypted, and nothing is set that prints its password: for a server name a program (private_key_password_script), for a client write the key unencrypted with openssl pkey, mode 0600")
	ErrMismatch      = errors.New("certificate and private key do not belong together")
)

// PermissionError is a private key that others than its owner have access to.
type PermissionError struct {
	File string
	Mode fs.FileMode // its permission bits
}

// Error names the file, its mode, and the command that mends it.
func (e *PermissionError) Error() string {
	return fmt.Sprintf("private key %s has mode %04o, so others than its owner have access: run chmod 0600 %s", e.File, e.Mode, e.File)
}

// KeyError tells that it is the private key's file which is at fault, and not the
// certificate's.
type KeyError struct{ Err error }

// Error says what is wrong with the key.
func (e *KeyError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *KeyError) Unwrap() error { return e.Err }

// readFile returns the content of a regular file and its permission bits.
func readFile(name string) ([]byte, fs.FileMode, error) {
	f, info, err := safefile.OpenRegular(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err != nil {
		return nil, 0, err
	}
	if len(data) > maxPEM {
		return nil, 0, fmt.Errorf("%s: larger than %d bytes", name, maxPEM)
	}
	return data, info.Mode().Perm(), nil
}

// parseCertificates reads all certificates of a PEM file, and takes the first
// for the leaf.
func parseCertificates(data []byte) (*tls.Certificate, error) {
	if !isPEM(data) {
		return nil, ErrNotPEM
	}
	pair := &tls.Certificate{}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if pair.Leaf == nil {
			pair.Leaf = certificate
		}
		pair.Certificate = append(pair.Certificate, block.Bytes)
	}
	if pair.Leaf == nil {
		return nil, ErrNoCertificate
	}
	return pair, nil
}
