package pgp

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// SecretKeyring returns the content of a secring.gpg with this key: binary,
// without a passphrase. "gpg --import" reads it.
func (k *SecretKey) SecretKeyring() ([]byte, error) {
	var ring bytes.Buffer
	if err := k.entity.SerializePrivateWithoutSigning(&ring, nil); err != nil {
		return nil, fmt.Errorf("writing the secret keyring of %s: %w", k.Fingerprint(), err)
	}
	return ring.Bytes(), nil
}

// PublicKeyring returns the content of a pubring.gpg with these keys: binary.
// "gpg --import" reads it.
func PublicKeyring(keys ...*PublicKey) []byte {
	var ring []byte
	for _, key := range keys {
		ring = append(ring, key.raw...)
	}
	return ring
}

// ReadSecretKeyring reads a binary secring.gpg of at most MaxKeyring bytes, as
// SecretKeyring, "gpg --export-secret-keys" and GnuPG before 2.1 write it, and
// returns the key with the given fingerprint, in either case of letters; with
// an empty one, the only key there is. An expired key is returned: reading old
// deposits takes no valid key.
//
// The error wraps ErrNoSecretKey, ErrPassphrase, or one of those of
// ParsePublicKey.
func ReadSecretKeyring(ring []byte, fingerprint string) (*SecretKey, error) {
	blocks, err := splitKeyring(ring)
	if err != nil {
		return nil, fmt.Errorf("reading a secret keyring: %w", err)
	}
	if fingerprint == "" && len(blocks) > 1 {
		return nil, fmt.Errorf("reading a secret keyring: %w", ErrSeveralKeys)
	}
	err = ErrNoSecretKey
	for _, block := range blocks {
		key, keyErr := readSecretKey(block)
		switch {
		case keyErr != nil:
			err = keyErr
		case fingerprint == "" || strings.EqualFold(key.Fingerprint(), fingerprint):
			return key, nil
		}
	}
	return nil, fmt.Errorf("reading a secret keyring: %w", err)
}

// ReadPublicKeyring reads a binary pubring.gpg of at most MaxKeyring bytes, as
// PublicKeyring, "gpg --export" and GnuPG before 2.1 write it. Keys of a kind
// that this package refuses are left out; expired and revoked ones are not. No
// key at all is an error, which wraps one of those of ParsePublicKey.
func ReadPublicKeyring(ring []byte) ([]*PublicKey, error) {
	blocks, err := splitKeyring(ring)
	if err != nil {
		return nil, fmt.Errorf("reading a public keyring: %w", err)
	}
	var keys []*PublicKey
	for _, block := range blocks {
		if block.secret {
			return nil, fmt.Errorf("reading a public keyring: %w", ErrPrivateKey)
		}
		entity, keyErr := readEntity(block)
		if keyErr != nil {
			err = keyErr
			continue
		}
		keys = append(keys, &PublicKey{entity: entity, raw: block.raw})
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("reading a public keyring: %w", err)
	}
	return keys, nil
}

func splitKeyring(ring []byte) ([]keyBlock, error) {
	if len(ring) > MaxKeyring {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, len(ring), MaxKeyring)
	}
	return splitKeys(ring)
}

func readSecretKey(block keyBlock) (*SecretKey, error) {
	if !block.secret {
		return nil, fmt.Errorf("%w: it holds public keys", ErrNoSecretKey)
	}
	entity, err := readEntity(block)
	if err != nil {
		return nil, err
	}
	if err := checkUnlocked(entity); err != nil {
		return nil, err
	}
	return newSecretKey(entity)
}

// checkUnlocked makes sure that every secret part is there and not under a
// passphrase. GnuPG writes stubs for parts that are kept elsewhere.
func checkUnlocked(entity *openpgp.Entity) error {
	secrets := []*packet.PrivateKey{entity.PrivateKey}
	for _, subkey := range entity.Subkeys {
		secrets = append(secrets, subkey.PrivateKey)
	}
	for _, secret := range secrets {
		switch {
		case secret == nil || secret.Dummy():
			return fmt.Errorf("%w: a part of it is kept elsewhere (smart card or offline key)", ErrNoSecretKey)
		case secret.Encrypted:
			return ErrPassphrase
		}
	}
	return nil
}
