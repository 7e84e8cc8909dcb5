package pgp

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/gopenpgp/v2/crypto"
)

// PublicKey is a version 4 key that can sign, with its subkeys. It is safe for
// concurrent use.
type PublicKey struct {
	entity *openpgp.Entity
	raw    []byte
}

// SecretKey is a key with its secret part, ready for use. It is safe for
// concurrent use. Printed, it shows its qualified fingerprint.
type SecretKey struct {
	entity *openpgp.Entity
	public *PublicKey
}

// Fingerprint returns the 40 upper-case hex digits of the key's fingerprint.
func (k *PublicKey) Fingerprint() string {
	return fmt.Sprintf("%X", k.entity.PrimaryKey.Fingerprint)
}

// Qualified returns the fingerprint with the key's size in bits and the letter
// of its algorithm before it: 4096R/<40 hex digits>, 256E/<40 hex digits>. The
// letters are those of GnuPG's key listings up to 2.0: R is RSA, E is any
// signature on an elliptic curve, ECDSA as well as EdDSA (D, DSA, is refused).
func (k *PublicKey) Qualified() string {
	key := k.entity.PrimaryKey
	letter, bits := "E", uint16(256)
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA:
		letter = "R"
		bits = rsaBits(key)
	case packet.PubKeyAlgoECDSA:
		bits = curveBits(key)
	}
	return fmt.Sprintf("%d%s/%s", bits, letter, k.Fingerprint())
}

// Binary returns the key's packets: one key of a public keyring.
func (k *PublicKey) Binary() []byte { return bytes.Clone(k.raw) }

// Armored returns the key as a PGP PUBLIC KEY BLOCK.
func (k *PublicKey) Armored() (string, error) {
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err == nil {
		_, err = w.Write(k.raw)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", fmt.Errorf("armoring key %s: %w", k.Fingerprint(), err)
	}
	text.WriteByte('\n')
	return text.String(), nil
}

// Format prints the qualified fingerprint, whatever the verb: the secret part
// must not get into a message or a log by any of them.
func (k SecretKey) Format(f fmt.State, _ rune) {
	io.WriteString(f, k.Qualified())
}

// Public returns the key without its secret part.
func (k *SecretKey) Public() *PublicKey { return k.public }

// Fingerprint is that of the public key.
func (k *SecretKey) Fingerprint() string { return k.public.Fingerprint() }

// Qualified is that of the public key.
func (k *SecretKey) Qualified() string { return k.public.Qualified() }

// newSecretKey makes a SecretKey of an entity with unlocked secret parts.
func newSecretKey(entity *openpgp.Entity) (*SecretKey, error) {
	var raw bytes.Buffer
	if err := entity.Serialize(&raw); err != nil {
		return nil, fmt.Errorf("extracting the public key: %w", err)
	}
	// The public entity is read anew, so that it holds no secret part.
	public, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(raw.Bytes())))
	if err != nil {
		return nil, fmt.Errorf("reading the public key back: %w", err)
	}
	return &SecretKey{entity: entity, public: &PublicKey{entity: public, raw: raw.Bytes()}}, nil
}

// keyring gives an entity to gopenpgp, which works on keyrings.
func keyring(entity *openpgp.Entity) (*crypto.KeyRing, error) {
	key, err := crypto.NewKeyFromEntity(entity)
	if err != nil {
		return nil, err
	}
	return crypto.NewKeyRing(key)
}

// signingRing gives the key to gopenpgp, which signs with the present time.
func (k *SecretKey) signingRing() (*crypto.KeyRing, error) {
	now := time.Now()
	if err := checkUsable(k.entity, now); err != nil {
		return nil, err
	}
	if _, ok := k.entity.SigningKey(now); !ok {
		return nil, ErrNotYetValid
	}
	return keyring(k.entity)
}

// rsaBits is the size of an RSA key's modulus, 0 for another key.
func rsaBits(key *packet.PublicKey) uint16 {
	bits, err := key.BitLength()
	if err != nil {
		return 0
	}
	return bits
}

// curveBits is the size of an ECDSA key's field: the names of the curves that
// GnuPG makes keys on all say it.
func curveBits(key *packet.PublicKey) uint16 {
	curve, err := key.Curve()
	if err != nil {
		return 0
	}
	switch curve {
	case packet.CurveNistP384, packet.CurveBrainpoolP384:
		return 384
	case packet.CurveNistP521:
		return 521
	case packet.CurveBrainpoolP512:
		return 512
	}
	return 256
}
