package tlsconf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/scrypt"
)

// What an encrypted key may ask of whoever opens it: with the most of each,
// seconds of work, and 64 MiB of memory.
const (
	maxIterations   = 10_000_000 // of PBKDF2
	maxScryptMemory = 64 << 20   // 128·N·r, in bytes
	maxScryptPasses = 16         // p
)

// EncryptedPrivateKeyInfo and what is in it, as RFC 5958 and RFC 8018 (appendix A)
// have them:
//
//	EncryptedPrivateKeyInfo { { PBES2, { key derivation, cipher } }, encrypted }
//	key derivation          { PBKDF2, { salt, iterations, [key length], [PRF] } }
//	                      | { scrypt, { salt, N, r, p, [key length] } }      (RFC 7914)
//	cipher                  { AES-CBC or DES-EDE3-CBC, IV }
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Encrypted []byte
	}
	pbes2Params  struct{ Derivation, Cipher pkix.AlgorithmIdentifier }
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	scryptParams struct {
		Salt      []byte
		N, R, P   int
		KeyLength int `asn1:"optional"`
	}
)

func oidPBES2() asn1.ObjectIdentifier  { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13} }
func oidPBKDF2() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12} }

// prf returns the hash of a PBKDF2's pseudorandom function: HMAC with one of those
// that RFC 8018 names (appendix B.1).
func prf(id asn1.ObjectIdentifier) func() hash.Hash {
	switch id.String() {
	case "", "1.2.840.113549.2.7": // hmacWithSHA1 is the default
		return sha1.New
	case "1.2.840.113549.2.8":
		return sha256.New224
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	case "1.2.840.113549.2.12":
		return sha512.New512_224
	case "1.2.840.113549.2.13":
		return sha512.New512_256
	}
	return nil
}

// block returns the cipher of an identifier and the length of its key, in bytes.
func block(id asn1.ObjectIdentifier) (func([]byte) (cipher.Block, error), int) {
	switch id.String() {
	case "2.16.840.1.101.3.4.1.2":
		return aes.NewCipher, 16
	case "2.16.840.1.101.3.4.1.22":
		return aes.NewCipher, 24
	case "2.16.840.1.101.3.4.1.42":
		return aes.NewCipher, 32
	case "1.2.840.113549.3.7":
		return des.NewTripleDESCipher, 24
	}
	return nil, 0
}

// decryptPKCS8 opens an EncryptedPrivateKeyInfo. Its errors are ErrEncryption,
// ErrPassword and ErrDamaged.
func decryptPKCS8(der, password []byte) ([]byte, error) {
	var info encryptedKey
	var params pbes2Params
	if !unmarshalAll(der, &info) {
		return nil, ErrDamaged
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2()) {
		return nil, ErrEncryption
	}
	if !unmarshalAll(info.Algorithm.Parameters.FullBytes, &params) {
		return nil, ErrDamaged
	}
	newBlock, length := block(params.Cipher.Algorithm)
	if newBlock == nil {
		return nil, ErrEncryption
	}
	key, err := deriveKey(params.Derivation, password, length)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	b, err := newBlock(key)
	if err != nil {
		return nil, ErrDamaged
	}
	var iv []byte
	if !unmarshalAll(params.Cipher.Parameters.FullBytes, &iv) || len(iv) != b.BlockSize() {
		return nil, ErrDamaged
	}
	if n := len(info.Encrypted); n == 0 || n%b.BlockSize() != 0 {
		return nil, ErrDamaged
	}
	plain := make([]byte, len(info.Encrypted))
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(plain, info.Encrypted)
	return unpad(plain, b.BlockSize())
}

// deriveKey makes the key of a cipher out of a password.
func deriveKey(derivation pkix.AlgorithmIdentifier, password []byte, length int) ([]byte, error) {
	switch id := derivation.Algorithm; {
	case id.Equal(oidPBKDF2()):
		var p pbkdf2Params
		if !unmarshalAll(derivation.Parameters.FullBytes, &p) || p.KeyLength != 0 && p.KeyLength != length {
			return nil, ErrDamaged
		}
		h := prf(p.PRF.Algorithm)
		if h == nil {
			return nil, ErrEncryption
		}
		if p.Iterations < 1 || p.Iterations > maxIterations {
			return nil, fmt.Errorf("%w: %d iterations; at most %d are made", ErrEncryption, p.Iterations, maxIterations)
		}
		return pbkdf2.Key(h, string(password), p.Salt, p.Iterations, length)
	case id.String() == "1.3.6.1.4.1.11591.4.11":
		var p scryptParams
		if !unmarshalAll(derivation.Parameters.FullBytes, &p) || p.KeyLength != 0 && p.KeyLength != length {
			return nil, ErrDamaged
		}
		if p.N < 2 || p.R < 1 || p.P < 1 || p.P > maxScryptPasses || p.N > maxScryptMemory/128 || p.R > maxScryptMemory/128/p.N {
			return nil, fmt.Errorf("%w: its scrypt wants more memory or time than is given, 64 MiB and 16 passes", ErrEncryption)
		}
		key, err := scrypt.Key(password, p.Salt, p.N, p.R, p.P, length)
		if err != nil {
			return nil, ErrDamaged
		}
		return key, nil
	}
	return nil, ErrEncryption
}

// unpad takes away the padding of RFC 8018, section 6.1.1: n bytes of value n. One
// that is wrong tells of a wrong password.
func unpad(plain []byte, size int) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n < 1 || n > size || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(n)}, n)) {
		clear(plain)
		return nil, ErrPassword
	}
	return plain[:len(plain)-n], nil
}

// unmarshalAll tells whether der is one value of v's form, and nothing more.
func unmarshalAll(der []byte, v any) bool {
	rest, err := asn1.Unmarshal(der, v)
	return err == nil && len(rest) == 0
}

// encryptIterations is what OWASP's list asks for of PBKDF2-HMAC-SHA256 in 2023.
const encryptIterations = 600_000

// encryptPKCS8 makes an EncryptedPrivateKeyInfo: AES-256-CBC under a key of
// PBKDF2-HMAC-SHA256, which OpenSSL since 1.0 and Java since 8 read.
func encryptPKCS8(pkcs8, password []byte) ([]byte, error) {
	salt, iv := make([]byte, 16), make([]byte, aes.BlockSize)
	for _, random := range [][]byte{salt, iv} {
		if _, err := rand.Read(random); err != nil {
			return nil, err
		}
	}
	derivation, err := identifier(oidPBKDF2(), pbkdf2Params{
		Salt: salt, Iterations: encryptIterations,
		PRF: pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, Parameters: asn1.NullRawValue},
	})
	if err != nil {
		return nil, err
	}
	encryption, err := identifier(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, iv)
	if err != nil {
		return nil, err
	}
	algorithm, err := identifier(oidPBES2(), pbes2Params{derivation, encryption})
	if err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(sha256.New, string(password), salt, encryptIterations, 32)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	n := aes.BlockSize - len(pkcs8)%aes.BlockSize
	data := append(bytes.Clone(pkcs8), bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(b, iv).CryptBlocks(data, data)
	return asn1.Marshal(encryptedKey{algorithm, data})
}

// identifier is an algorithm with its parameters.
func identifier(id asn1.ObjectIdentifier, parameters any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(parameters)
	if err != nil {
		return pkix.AlgorithmIdentifier{}, errors.New("encoding the parameters of a key's encryption")
	}
	return pkix.AlgorithmIdentifier{Algorithm: id, Parameters: asn1.RawValue{FullBytes: der}}, nil
}
