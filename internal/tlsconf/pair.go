package tlsconf

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
	ErrEncryptedKey  = errors.New("the private key is encrypted, which is not supported in this build: write an unencrypted one with openssl pkey, mode 0600")
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

// LoadPair reads a certificate with its chain, the server's own first, and its
// private key, PKCS#1, PKCS#8 or SEC 1, from PEM files, which may be the same
// one. Dates are not checked.
//
// The error names the file and wraps one of this package's, a *PermissionError,
// or what the operating system said, such as fs.ErrNotExist; it is a *KeyError
// where the key's file alone is at fault.
func LoadPair(certFile, keyFile string) (*tls.Certificate, error) {
	certPEM, _, err := readFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	pair, err := parseCertificates(certPEM)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate %s: %w", certFile, err)
	}
	key, err := loadKey(keyFile)
	if err != nil {
		return nil, &KeyError{err}
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(pair.Leaf.PublicKey) {
		return nil, fmt.Errorf("%w: %s (its first certificate counts) and %s", ErrMismatch, certFile, keyFile)
	}
	pair.PrivateKey = key
	return pair, nil
}

func loadKey(file string) (crypto.Signer, error) {
	keyPEM, mode, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the private key: %w", err)
	}
	if mode&0o077 != 0 {
		return nil, &PermissionError{File: file, Mode: mode}
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("reading the private key %s: %w", file, err)
	}
	return key, nil
}

// LoadServer is LoadPair for a server. Where the certificate comes without its
// chain, and chainFile is there and begins with the certificate that signed it,
// the chain is taken from there, so that clients which know the root alone find
// the way to it.
func LoadServer(certFile, keyFile, chainFile string) (*tls.Certificate, error) {
	pair, err := LoadPair(certFile, keyFile)
	if err != nil || len(pair.Certificate) > 1 {
		return pair, err
	}
	data, _, err := readFile(chainFile)
	if errors.Is(err, fs.ErrNotExist) {
		return pair, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading the certificate chain: %w", err)
	}
	chain, err := parseCertificates(data)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate chain %s: %w", chainFile, err)
	}
	if pair.Leaf.CheckSignatureFrom(chain.Leaf) == nil {
		pair.Certificate = append(pair.Certificate, chain.Certificate...)
	}
	return pair, nil
}

// readFile returns a file's content and its permission bits.
func readFile(name string) ([]byte, fs.FileMode, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
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

// parseKey reads the first private key of a PEM file. Its errors say nothing of
// the content.
func parseKey(data []byte) (crypto.Signer, error) {
	if !isPEM(data) {
		return nil, ErrNotPEM
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, ErrEncryptedKey
		default:
			continue
		}
		if block.Headers["DEK-Info"] != "" { // RFC 1421's encryption, openssl's old one
			return nil, ErrEncryptedKey
		}
		signer, ok := key.(crypto.Signer)
		if err != nil || !ok {
			return nil, ErrDamaged
		}
		return signer, nil
	}
	return nil, ErrNoKey
}

func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }
