package pgp

import "errors"

// What can be wrong with a key. Errors of this package wrap these, with details.
var (
	ErrNotKey       = errors.New("this is not an OpenPGP key")
	ErrTruncated    = errors.New("the OpenPGP key is cut off: send the whole block")
	ErrTooLarge     = errors.New("too large")
	ErrPrivateKey   = errors.New("this is a private key; send the public one (gpg --armor --export) and keep this one to yourself")
	ErrSeveralKeys  = errors.New("several OpenPGP keys where one is expected: export a single one by its fingerprint")
	ErrUnsupported  = errors.New("this kind of OpenPGP key is not supported: use version 4 with RSA of 2048 bits or more, EdDSA or ECDSA")
	ErrExpired      = errors.New("the OpenPGP key has expired")
	ErrNotYetValid  = errors.New("the OpenPGP key is dated in the future: check the clocks of both hosts")
	ErrRevoked      = errors.New("the OpenPGP key is revoked")
	ErrNoSigningKey = errors.New("the OpenPGP key cannot sign")
	ErrNoSecretKey  = errors.New("the keyring holds no such secret key")
	ErrPassphrase   = errors.New("the secret key is under a passphrase: remove it (gpg --change-passphrase) and export it again")
)

// What can be wrong with a signature or an envelope.
var (
	// ErrSignature: there is no signature, or it is bad, or by another key. It
	// comes with ErrExpired or ErrRevoked where the key is the reason.
	ErrSignature = errors.New("the OpenPGP signature is not valid")
	// ErrContext: the signature is good, but was made for another place.
	ErrContext = errors.New("the content was signed for another place")
	// ErrDecrypt: the message is damaged, no message, or for another key.
	ErrDecrypt = errors.New("the OpenPGP message cannot be decrypted")
)
