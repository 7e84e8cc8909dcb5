package pgp

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/gopenpgp/v2/crypto"
)

// Sign returns a detached signature over message: binary, of type binary, as
// "gpg --detach-sign" makes it.
func (k *SecretKey) Sign(message []byte) ([]byte, error) {
	ring, err := k.signingRing()
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", k.Fingerprint(), err)
	}
	signature, err := ring.SignDetached(crypto.NewPlainMessage(message))
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", k.Fingerprint(), err)
	}
	return signature.GetBinary(), nil
}

// Verify checks that signature, armored or binary, at most MaxSignature bytes,
// is one detached signature over message by this key (or a signing subkey of
// it), with a SHA-2 or SHA-3 hash, and that key and signature are valid at the
// time now, dated at most ClockTolerance after it.
//
// The error wraps ErrSignature, and ErrExpired or ErrRevoked where the key is
// the reason.
func (k *PublicKey) Verify(message, signature []byte, now time.Time) error {
	binary, err := oneSignature(signature)
	if err != nil {
		return fmt.Errorf("verifying a signature of key %s: %w: %w", k.Fingerprint(), ErrSignature, err)
	}
	if err := k.verify(message, binary, now); err != nil {
		return fmt.Errorf("verifying a signature of key %s: %w", k.Fingerprint(), err)
	}
	return nil
}

// verify is Verify for a signature that was looked at. A text has the line ends of
// the signed form.
func (k *PublicKey) verify(message, binary []byte, now time.Time) error {
	ring, err := keyring(k.entity)
	if err != nil {
		return err
	}
	if err := ring.VerifyDetached(crypto.NewPlainMessage(message), crypto.NewPGPSignature(binary), now.Unix()); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, signatureReason(err))
	}
	return nil
}

// oneSignature returns the binary form of what has to be a single signature
// packet of type binary.
func oneSignature(signature []byte) ([]byte, error) {
	if len(signature) > MaxSignature {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are taken", ErrTooLarge, len(signature), MaxSignature)
	}
	binary, _, err := unarmor(signature)
	if err != nil {
		return nil, err
	}
	if err := checkKind(binary, packet.SigTypeBinary); err != nil {
		return nil, err
	}
	return binary, nil
}

// checkKind refuses what is not a single signature packet of a type.
func checkKind(binary []byte, of packet.SignatureType) error {
	rest := bytes.NewReader(binary)
	p, err := packet.Read(rest)
	if err != nil {
		return errors.New("it cannot be read")
	}
	sig, ok := p.(*packet.Signature)
	switch {
	case !ok:
		return errors.New("it is no signature")
	case sig.SigType != of && of == packet.SigTypeBinary:
		return errors.New("it is not of type binary: sign without --textmode")
	case sig.SigType != of:
		return errors.New("it is not a signature of a text")
	case rest.Len() > 0:
		return errors.New("something follows it: send one signature")
	}
	return nil
}

// signatureReason says in our words why the library refuses a signature.
func signatureReason(err error) error {
	switch {
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return ErrExpired
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return ErrRevoked
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		return errors.New("the signature has expired or is dated in the future: check the clocks of both hosts")
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return errors.New("it was made by another key")
	}
	return errors.New("it is not over this text, or damaged")
}
