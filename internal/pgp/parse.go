package pgp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// minRSABits is the shortest RSA key that is taken.
const minRSABits = 2048

// ParsePublicKey reads the one public key that somebody sent, armored or
// binary, at most MaxKey bytes. It has to be able to sign at the time now.
//
// The error wraps ErrNotKey, ErrTruncated, ErrTooLarge, ErrPrivateKey,
// ErrSeveralKeys, ErrUnsupported, ErrExpired, ErrNotYetValid, ErrRevoked or
// ErrNoSigningKey.
func ParsePublicKey(data []byte, now time.Time) (*PublicKey, error) {
	key, err := parsePublicKey(data, now)
	if err != nil {
		return nil, fmt.Errorf("reading an OpenPGP public key: %w", err)
	}
	return key, nil
}

func parsePublicKey(data []byte, now time.Time) (*PublicKey, error) {
	if len(data) > MaxKey {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are taken: export it with --export-options export-minimal", ErrTooLarge, len(data), MaxKey)
	}
	binary, err := unarmorKey(data)
	if err != nil {
		return nil, err
	}
	blocks, err := splitKeys(binary)
	if err != nil {
		return nil, err
	}
	for _, block := range blocks {
		if block.secret {
			return nil, ErrPrivateKey
		}
	}
	if len(blocks) > 1 {
		return nil, ErrSeveralKeys
	}
	entity, err := readEntity(blocks[0])
	if err != nil {
		return nil, err
	}
	if err := checkUsable(entity, now); err != nil {
		return nil, err
	}
	return &PublicKey{entity: entity, raw: blocks[0].raw}, nil
}

// unarmorKey is unarmor for a text that has to hold one public key block.
func unarmorKey(data []byte) ([]byte, error) {
	switch {
	case !isArmored(data):
		return data, nil
	case bytes.Contains(data, []byte("-----BEGIN "+openpgp.PrivateKeyType)):
		return nil, ErrPrivateKey
	case bytes.Count(data, []byte("-----BEGIN "+openpgp.PublicKeyType)) > 1:
		return nil, ErrSeveralKeys
	}
	binary, blockType, err := unarmor(data)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, ErrTruncated
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNotKey, err)
	case blockType != openpgp.PublicKeyType:
		return nil, fmt.Errorf("%w: it is a block of type %q", ErrNotKey, blockType)
	}
	return binary, nil
}

// readEntity parses one key and checks that it is of a kind that we use.
func readEntity(block keyBlock) (*openpgp.Entity, error) {
	if len(block.raw) > MaxKey {
		return nil, fmt.Errorf("%w: %d bytes in one key, at most %d are taken", ErrTooLarge, len(block.raw), MaxKey)
	}
	if block.version != 4 {
		return nil, fmt.Errorf("%w (this one is version %d)", ErrUnsupported, block.version)
	}
	switch block.algorithm {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoECDSA, packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoEd25519:
	default:
		return nil, fmt.Errorf("%w (this one has algorithm number %d)", ErrUnsupported, block.algorithm)
	}
	entity, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(block.raw)))
	if err != nil {
		return nil, fmt.Errorf("%w: it is incomplete or damaged", ErrNotKey)
	}
	if self, _ := entity.PrimarySelfSignature(); self == nil {
		return nil, fmt.Errorf("%w: it has no user ID with a valid signature of its own", ErrNotKey)
	}
	if err := checkStrength(entity.PrimaryKey); err != nil {
		return nil, err
	}
	for _, subkey := range entity.Subkeys {
		if err := checkStrength(subkey.PublicKey); err != nil {
			return nil, err
		}
	}
	return entity, nil
}

// checkStrength refuses short RSA keys and DSA, in subkeys too.
func checkStrength(key *packet.PublicKey) error {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoDSA:
		return fmt.Errorf("%w (this one holds a DSA key)", ErrUnsupported)
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly, packet.PubKeyAlgoRSAEncryptOnly:
		if bits := rsaBits(key); bits < minRSABits {
			return fmt.Errorf("%w (this one holds an RSA key of %d bits)", ErrUnsupported, bits)
		}
	}
	return nil
}

// checkUsable says why a key cannot sign at the time now, give or take
// ClockTolerance.
func checkUsable(entity *openpgp.Entity, now time.Time) error {
	later := now.Add(ClockTolerance)
	self, identity := entity.PrimarySelfSignature()
	if entity.Revoked(later) || identity.Revoked(later) {
		return ErrRevoked
	}
	for _, at := range []time.Time{now, later} {
		if _, ok := entity.SigningKey(at); ok {
			return nil
		}
	}
	switch {
	case entity.PrimaryKey.CreationTime.After(later) || self.CreationTime.After(later):
		return ErrNotYetValid
	case entity.PrimaryKey.KeyExpired(self, later) || self.SigExpired(later):
		return ErrExpired
	}
	return ErrNoSigningKey
}
