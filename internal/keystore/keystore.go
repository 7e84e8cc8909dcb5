// Package keystore reads certificates and their private keys from the files in
// which CAs and other servers hand them over: PEM, DER, PKCS#12 and JKS, told
// apart by their content. It is for import alone: it writes none of them, and ktsd
// reads PEM only (package tlsconf). It judges nothing of what it finds.
package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ktsd/ktsd/internal/tlsconf"
)

// MaxSize bounds what is read of a file, in bytes.
const MaxSize = 1 << 20

// What can be wrong with a file, beside an *AliasError. None of the errors says
// anything of the content.
var (
	ErrNeedsPassword = errors.New("it is encrypted, and no password was given")
	ErrPassword      = errors.New("the password does not open it, or it is damaged")
	ErrFormat        = errors.New("it is neither PEM nor DER, PKCS#12 or JKS")
	ErrDamaged       = errors.New("its content is damaged, or of a kind that is not supported")
	ErrJCEKS         = errors.New("it is a JCEKS file, which is not read: convert it with keytool -importkeystore -deststoretype pkcs12")
	ErrPKCS7         = errors.New("it is a PKCS#7 file, which is not read: convert it with openssl pkcs7 -print_certs")
)

// AliasError tells that a file has several private keys, or not the one that was
// asked for.
type AliasError struct {
	Wanted string   // empty: none was asked for
	Have   []string // the aliases of the file's private keys
}

// Error names the aliases, which are no secret.
func (e *AliasError) Error() string {
	have := "none that has a name"
	if len(e.Have) > 0 {
		quoted := make([]string, len(e.Have))
		for i, alias := range e.Have {
			quoted[i] = fmt.Sprintf("%q", alias)
		}
		have = strings.Join(quoted, ", ")
	}
	if e.Wanted == "" {
		return "it has several private keys: say which, by its alias (" + have + ")"
	}
	return fmt.Sprintf("it has no private key with the alias %q: there is %s", e.Wanted, have)
}

// Contents are what a file holds.
type Contents struct {
	Format       string // PEM, DER, PKCS#12 or JKS
	Certificates []*x509.Certificate
	Key          crypto.Signer // nil: none
}

// ReadFile reads a file. The error names it.
func ReadFile(file string, password []byte, alias string) (Contents, error) {
	f, err := os.Open(file)
	if err != nil {
		return Contents{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return Contents{}, err
	}
	defer clear(data)
	if len(data) > MaxSize {
		return Contents{}, fmt.Errorf("%s: it has more than %d bytes", file, MaxSize)
	}
	c, err := Parse(data, password, alias)
	if err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// Parse reads a file's content. The password, nil where none was given, opens what
// is encrypted; of several private keys alias chooses one, by the name that the file
// gives it, without regard to case.
func Parse(data, password []byte, alias string) (Contents, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}):
		return parseJKS(data, password, alias)
	case bytes.HasPrefix(data, []byte{0xce, 0xce, 0xce, 0xce}):
		return Contents{}, ErrJCEKS
	case bytes.Contains(data, []byte("-----BEGIN ")):
		c, err := parsePEM(data, password)
		return unnamed(c, err, alias)
	case bytes.HasPrefix(data, []byte{0x30}):
		return parseDER(data, password, alias)
	}
	return Contents{}, ErrFormat
}

// unnamed refuses an alias where nothing has a name.
func unnamed(c Contents, err error, alias string) (Contents, error) {
	if err == nil && alias != "" {
		return Contents{}, &AliasError{Wanted: alias}
	}
	return c, err
}

// parsePEM reads every certificate, and the first private key.
func parsePEM(data, password []byte) (Contents, error) {
	c := Contents{Format: "PEM"}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE":
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return Contents{}, ErrDamaged
			}
			c.Certificates = append(c.Certificates, certificate)
		case "PKCS7", "CMS":
			return Contents{}, ErrPKCS7
		}
	}
	key, err := tlsconf.ParseKey(data, give(password))
	switch {
	case errors.Is(err, tlsconf.ErrNoKey) && len(c.Certificates) > 0:
	case errors.Is(err, tlsconf.ErrNoKey), errors.Is(err, tlsconf.ErrDamaged):
		return Contents{}, ErrDamaged
	case errors.Is(err, tlsconf.ErrPassword):
		return Contents{}, ErrPassword
	case errors.Is(err, tlsconf.ErrEncryptedKey):
		return Contents{}, ErrNeedsPassword
	case err != nil:
		return Contents{}, err
	}
	c.Key = key
	return c, nil
}

// give returns what gives a copy of the password, or nil where there is none.
func give(password []byte) func() ([]byte, error) {
	if password == nil {
		return nil
	}
	return func() ([]byte, error) { return bytes.Clone(password), nil }
}

// parseDER reads certificates, a private key, or PKCS#12: each is a SEQUENCE.
func parseDER(data, password []byte, alias string) (Contents, error) {
	// A certificate refers to what it was read from, which ReadFile wipes.
	if certificates, err := x509.ParseCertificates(bytes.Clone(data)); err == nil && len(certificates) > 0 {
		return unnamed(Contents{Format: "DER", Certificates: certificates}, nil, alias)
	}
	for _, kind := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"} {
		if key, err := tlsconf.ParseKey(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), nil); err == nil {
			return unnamed(Contents{Format: "DER", Key: key}, nil, alias)
		}
	}
	return parsePKCS12(data, password, alias)
}
