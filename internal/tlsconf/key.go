package tlsconf

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// What can be wrong with an encrypted private key, beside its password's not being
// there (ErrEncryptedKey).
var (
	ErrPassword   = errors.New("the password is not that of the private key, or the key is damaged")
	ErrEncryption = errors.New("the private key is encrypted in a way that is not supported: encrypt it with openssl pkcs8 -topk8 -v2 aes-256-cbc")
)

// ParseKey reads the first private key of PEM data: PKCS#1, PKCS#8 or SEC 1; RSA,
// ECDSA or Ed25519. Encrypted ones are PKCS#8 with PBES2 (AES or triple DES in CBC
// mode; PBKDF2 with SHA-1 or any of SHA-2, or scrypt) or what OpenSSL wrote before (a header
// DEK-Info); only for these is password called, which may be nil, and what it
// returns is wiped. Errors say nothing of the content: they wrap ErrNotPEM, ErrNoKey,
// ErrDamaged, ErrEncryptedKey, ErrPassword, ErrEncryption, or are password's own.
func ParseKey(data []byte, password func() ([]byte, error)) (crypto.Signer, error) {
	if !isPEM(data) {
		return nil, ErrNotPEM
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" { // RFC 1421's encryption
				return parseEncrypted(block, password)
			}
			return parseDER(block.Type, block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return parseEncrypted(block, password)
		}
	}
	return nil, ErrNoKey
}

// parseEncrypted opens a block with its password.
func parseEncrypted(block *pem.Block, password func() ([]byte, error)) (crypto.Signer, error) {
	if password == nil {
		return nil, ErrEncryptedKey
	}
	secret, err := password()
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	var der []byte
	kind := block.Type
	if kind == "ENCRYPTED PRIVATE KEY" {
		kind = "PRIVATE KEY"
		der, err = decryptPKCS8(block.Bytes, secret)
	} else if der, err = decryptLegacy(block, secret); err != nil && !errors.Is(err, ErrPassword) {
		err = ErrEncryption
	}
	if err != nil {
		return nil, err
	}
	defer clear(der)
	key, err := parseDER(kind, der)
	if err != nil {
		return nil, ErrPassword // one in 256 wrong ones passes for right so far
	}
	return key, nil
}

// decryptLegacy opens what OpenSSL wrote before PKCS#8.
func decryptLegacy(block *pem.Block, password []byte) ([]byte, error) {
	//lint:ignore SA1019 operators have such keys; nothing here writes one
	der, err := x509.DecryptPEMBlock(block, password)
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, ErrPassword
	}
	return der, err
}

// parseDER reads a key of a PEM type.
func parseDER(kind string, der []byte) (crypto.Signer, error) {
	var key any
	var err error
	switch kind {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	default:
		key, err = x509.ParsePKCS8PrivateKey(der)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, ErrDamaged
	}
	return signer, nil
}

// MarshalKey returns a private key as PKCS#8 in PEM, encrypted unless password is
// empty.
func MarshalKey(key crypto.Signer, password []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errors.New("encoding a TLS key")
	}
	defer clear(der)
	if len(password) == 0 {
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	}
	encrypted, err := encryptPKCS8(der, password)
	if err != nil {
		return nil, errors.New("encrypting a TLS key")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: encrypted}), nil
}

func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }
