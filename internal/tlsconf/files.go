package tlsconf

import (
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
)

// Files are where a server's certificate is, and what opens its key.
type Files struct {
	Certificate string // PEM, with its chain or without, the server's own first
	Key         string // PEM (ParseKey); may be the certificate's file
	Chain       string // PEM, for a certificate without its chain; need not be there

	// PasswordScript is a program with its arguments (CheckPasswordScript), run
	// where Key is encrypted: it prints the password. Where root loads the files the
	// program is run under the account that the directory Owner belongs to, as it
	// would be by ktsd.
	PasswordScript string
	Owner          string
}

// NextSuffix is that of the files which take the place of a certificate and its key:
// the key's first, and then the certificate's. Where that was interrupted between the
// two, LoadServer finds the certificate that belongs to the key under its own name
// with this suffix. No other file is called so.
const NextSuffix = ".ktsd-next"

// LoadPair reads a certificate with its chain and its private key, which is not
// encrypted. See Files.Load.
func LoadPair(certFile, keyFile string) (*tls.Certificate, error) {
	return Files{Certificate: certFile, Key: keyFile}.Load()
}

// Load reads the certificate and its key. Dates are not checked.
//
// The error names the file and wraps one of this package's, a *PermissionError,
// or what the operating system said, such as fs.ErrNotExist; it is a *KeyError
// where the key's file alone is at fault, or the program that prints its password,
// which it wraps as a *ScriptError.
func (f Files) Load() (*tls.Certificate, error) { return f.load() }

// load reads the key and the certificate, or one of the others where that does not
// belong to the key. They need not be there.
func (f Files) load(others ...string) (*tls.Certificate, error) {
	pair, err := f.loadCertificate(f.Certificate)
	if err != nil {
		return nil, err
	}
	key, err := f.LoadKey()
	if err != nil {
		return nil, &KeyError{err}
	}
	for _, other := range others {
		if belong(pair, key) {
			break
		}
		if next, err := f.loadCertificate(other); err == nil && belong(next, key) {
			pair = next
		}
	}
	if !belong(pair, key) {
		return nil, fmt.Errorf("%w: %s (its first certificate counts) and %s", ErrMismatch, f.Certificate, f.Key)
	}
	pair.PrivateKey = key
	return pair, nil
}

func (f Files) loadCertificate(file string) (*tls.Certificate, error) {
	data, _, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	pair, err := parseCertificates(data)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate %s: %w", file, err)
	}
	return pair, nil
}

// belong tells whether key is that of the pair's own certificate.
func belong(pair *tls.Certificate, key crypto.Signer) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(pair.Leaf.PublicKey)
}

// LoadKey reads the private key, which nobody but its owner may have access to.
func (f Files) LoadKey() (crypto.Signer, error) {
	keyPEM, mode, err := readFile(f.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the private key: %w", err)
	}
	defer clear(keyPEM)
	if mode&0o077 != 0 {
		return nil, &PermissionError{File: f.Key, Mode: mode}
	}
	var password func() ([]byte, error)
	if f.PasswordScript != "" {
		password = f.Password
	}
	key, err := ParseKey(keyPEM, password)
	if err != nil {
		return nil, fmt.Errorf("reading the private key %s: %w", f.Key, err)
	}
	return key, nil
}

// Password runs the script and returns what it prints. Its errors are *ScriptErrors.
func (f Files) Password() ([]byte, error) {
	script, err := parseScript(f.PasswordScript)
	if err != nil {
		return nil, &ScriptError{err}
	}
	password, err := script.run(f.Owner)
	if err != nil {
		return nil, &ScriptError{err}
	}
	return password, nil
}

// LoadServer is Load for a server. Where the certificate comes without its chain, and
// Chain is there and begins with the certificate that signed it, the chain is taken
// from there, so that clients which know the root alone find the way to it. Where
// the certificate and its key were about to be replaced (NextSuffix) it takes the
// new ones.
func (f Files) LoadServer() (*tls.Certificate, error) {
	pair, err := f.load(f.Certificate+NextSuffix, f.Certificate) // the latter: replaced while this reads
	if err != nil || len(pair.Certificate) > 1 {
		return pair, err
	}
	return f.addChain(pair)
}

// addChain adds what is in the chain's file, if that belongs to the certificate.
func (f Files) addChain(pair *tls.Certificate) (*tls.Certificate, error) {
	if f.Chain == "" {
		return pair, nil
	}
	data, _, err := readFile(f.Chain)
	if errors.Is(err, fs.ErrNotExist) {
		return pair, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading the certificate chain: %w", err)
	}
	chain, err := parseCertificates(data)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate chain %s: %w", f.Chain, err)
	}
	if pair.Leaf.CheckSignatureFrom(chain.Leaf) == nil {
		pair.Certificate = append(pair.Certificate, chain.Certificate...)
	}
	return pair, nil
}
