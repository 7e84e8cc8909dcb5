package pgp

import (
	"crypto"
	"fmt"
	"strings"
	"unicode"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// KeyType names what a client's key is made of.
type KeyType string

// The types of key that GenerateClientKey makes. Both are version 4 and read by
// GnuPG 2.1 and later; GnuPG 1 and 2.0 read RSA only.
const (
	Ed25519 KeyType = "ed25519" // Ed25519 to sign, X25519 to encrypt; made in under a millisecond
	RSA4096 KeyType = "rsa4096" // RSA-4096 for both; made in some seconds
)

// GenerateServerKey makes the key of the server on host: RSA-4096, with an
// RSA-4096 subkey to encrypt, without expiry, and the user ID
// "keytrustee (keytrustee Server Key) <keytrustee@HOST>". It takes some seconds.
func GenerateServerKey(host string) (*SecretKey, error) {
	return generate(RSA4096, "keytrustee Server Key", "keytrustee@"+host)
}

// GenerateClientKey makes the key of client name on host: of the given type,
// with a subkey to encrypt, without expiry, and the user ID
// "keytrustee (client) <NAME@HOST>".
func GenerateClientKey(name, host string, keyType KeyType) (*SecretKey, error) {
	return generate(keyType, "client", name+"@"+host)
}

func generate(keyType KeyType, comment, email string) (*SecretKey, error) {
	notInUserID := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar || strings.ContainsRune("()<>", r)
	}
	if local, host, _ := strings.Cut(email, "@"); local == "" || host == "" || strings.ContainsFunc(email, notInUserID) {
		return nil, fmt.Errorf("generating an OpenPGP key: %q does not fit into a user ID: name and host must not be empty or hold spaces, control characters, brackets", email)
	}
	config := &packet.Config{
		DefaultHash:   crypto.SHA512,
		DefaultCipher: packet.CipherAES256,
	}
	switch keyType {
	case Ed25519:
		// The algorithm numbers of GnuPG, 22 and 18, not those of RFC 9580.
		config.Algorithm = packet.PubKeyAlgoEdDSA
		config.Curve = packet.Curve25519
	case RSA4096:
		config.Algorithm = packet.PubKeyAlgoRSA
		config.RSABits = 4096
	default:
		return nil, fmt.Errorf("generating an OpenPGP key: unknown key type %q: use %q or %q", keyType, Ed25519, RSA4096)
	}
	entity, err := openpgp.NewEntity("keytrustee", comment, email, config)
	if err != nil {
		return nil, fmt.Errorf("generating an OpenPGP key for %s: %w", email, err)
	}
	return newSecretKey(entity)
}
