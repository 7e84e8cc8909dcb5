package pgp

import (
	"bytes"
	stdcrypto "crypto"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
	"unicode/utf8"

	"github.com/ProtonMail/go-crypto/openpgp"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/gopenpgp/v2/constants"
	"github.com/ProtonMail/gopenpgp/v2/crypto"
)

// Encrypt puts plaintext, at most MaxPlaintext bytes, into the envelope of a
// deposit: a binary OpenPGP message, encrypted to the key's own subkey and,
// inside, signed by the key, not compressed. The signature carries the notation
// "context@proton.ch" with context as its value, which must be UTF-8 and not
// empty, so that the content cannot be passed off as that of another place. The
// notation is not critical: Decrypt requires it anyway, and a plain
// "gpg --decrypt" would call the signature of a critical one bad. The same
// envelope is made by
//
//	gpg --encrypt --sign -r KEY -u KEY --sig-notation context@proton.ch=CONTEXT
//
// where each % of the context has to be written %%.
//
// Encrypting takes a key that is valid now; the error wraps ErrExpired,
// ErrNotYetValid, ErrRevoked, ErrNoSigningKey or ErrTooLarge.
func Encrypt(plaintext []byte, key *SecretKey, context string) ([]byte, error) {
	ciphertext, err := encrypt(plaintext, key, context)
	if err != nil {
		return nil, fmt.Errorf("encrypting to key %s: %w", key.Fingerprint(), err)
	}
	return ciphertext, nil
}

func encrypt(plaintext []byte, key *SecretKey, context string) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are taken", ErrTooLarge, len(plaintext), MaxPlaintext)
	}
	if context == "" || !utf8.ValidString(context) {
		return nil, errors.New("the context is empty or not UTF-8")
	}
	ring, err := key.signingRing()
	if err != nil {
		return nil, err
	}
	message, err := ring.EncryptWithContext(crypto.NewPlainMessage(plaintext), ring, crypto.NewSigningContext(context, false))
	if err != nil {
		return nil, err
	}
	return message.GetBinary(), nil
}

// Decrypt opens an envelope, binary or armored, and returns exactly the bytes
// that were put in, at most MaxPlaintext. It requires the one signature inside
// to be by this key, over these bytes, with exactly this context, in a notation
// that may be critical or not.
//
// No clock takes part: when an envelope was made, and whether key or signature
// have expired since, plays no role, so neither a clock that runs ahead or
// behind nor an old key locks anybody out of what is theirs. A revoked key is
// refused, since others may have used it; "gpg --decrypt" still shows the
// content.
//
// The error wraps ErrDecrypt, ErrSignature or ErrContext.
func Decrypt(ciphertext []byte, key *SecretKey, context string) ([]byte, error) {
	plaintext, signature, err := open(ciphertext, key)
	if err == nil {
		err = checkContext(signature, context)
	}
	if err != nil {
		return nil, fmt.Errorf("decrypting with key %s: %w", key.Fingerprint(), err)
	}
	return plaintext, nil
}

// open decrypts a message and checks its signature, but not the context.
func open(ciphertext []byte, key *SecretKey) ([]byte, *packet.Signature, error) {
	message, _, err := unarmor(ciphertext)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrDecrypt, err)
	}
	limit := int64(MaxPlaintext + MaxSignature)
	endOfTime := time.Unix(math.MaxUint32, 0) // OpenPGP's: see Decrypt on clocks
	config := &packet.Config{
		Time:                       func() time.Time { return endOfTime },
		KnownNotations:             map[string]bool{constants.SignatureContextName: true},
		MaxDecompressedMessageSize: &limit,
	}
	details, err := openpgp.ReadMessage(bytes.NewReader(message), openpgp.EntityList{key.entity}, nil, config)
	switch {
	case errors.Is(err, pgperrors.ErrKeyIncorrect):
		return nil, nil, fmt.Errorf("%w: it is for another key", ErrDecrypt)
	case err != nil:
		return nil, nil, fmt.Errorf("%w: it is damaged, or no OpenPGP message", ErrDecrypt)
	case !details.IsEncrypted:
		return nil, nil, fmt.Errorf("%w: it is not encrypted", ErrDecrypt)
	case !details.LiteralData.IsBinary:
		return nil, nil, fmt.Errorf("%w: it is in text mode, which changes line ends: encrypt without --textmode", ErrDecrypt)
	}
	// The signature is checked when the end of the body has been read.
	plaintext, err := io.ReadAll(io.LimitReader(details.UnverifiedBody, MaxPlaintext+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: it is damaged or cut off", ErrDecrypt)
	case len(plaintext) > MaxPlaintext:
		return nil, nil, fmt.Errorf("%w: it holds more than %d bytes", ErrDecrypt, MaxPlaintext)
	}
	if err := checkSignature(details); err != nil {
		return nil, nil, err
	}
	return plaintext, details.Signature, nil
}

// checkSignature judges the signature of a message read to its end.
func checkSignature(details *openpgp.MessageDetails) error {
	switch {
	case !details.IsSigned:
		return fmt.Errorf("%w: there is none", ErrSignature)
	case details.SignedBy == nil:
		return fmt.Errorf("%w: it was made by another key, %016X", ErrSignature, details.SignedByKeyId)
	}
	// go-crypto reports expiry only after everything else was found good.
	err := details.SignatureError
	if err != nil && !errors.Is(err, pgperrors.ErrKeyExpired) && !errors.Is(err, pgperrors.ErrSignatureExpired) {
		return fmt.Errorf("%w: %w", ErrSignature, signatureReason(err))
	}
	if details.Signature == nil || details.Signature.SigType != packet.SigTypeBinary {
		return fmt.Errorf("%w: it is not of type binary", ErrSignature)
	}
	switch details.Signature.Hash {
	case stdcrypto.SHA256, stdcrypto.SHA384, stdcrypto.SHA512, stdcrypto.SHA3_256, stdcrypto.SHA3_512:
		return nil
	}
	return fmt.Errorf("%w: its hash function is too weak", ErrSignature)
}

// checkContext makes sure that a signature has one context, the one wanted.
func checkContext(signature *packet.Signature, want string) error {
	var contexts []string
	for _, notation := range signature.Notations {
		if notation.Name == constants.SignatureContextName {
			contexts = append(contexts, string(notation.Value))
		}
	}
	switch {
	case len(contexts) != 1:
		return fmt.Errorf("%w: its signature has %d contexts, not one", ErrContext, len(contexts))
	case contexts[0] != want:
		return fmt.Errorf("%w: for %q, not for %q", ErrContext, contexts[0], want)
	}
	return nil
}
