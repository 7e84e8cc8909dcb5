package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/safefile"
)

// openPGP gives the domain what it needs of package pgp.
type openPGP struct{}

var _ escrow.OpenPGP = openPGP{}

func (openPGP) ParsePublicKey(block []byte, now time.Time) (escrow.PublicKey, error) {
	key, err := pgp.ParsePublicKey(block, now)
	if err != nil {
		return escrow.PublicKey{}, fault.New(fault.Invalid, "public key: %v", err)
	}
	return escrow.PublicKey{Fingerprint: escrow.Fingerprint(key.Fingerprint()), Binary: key.Binary()}, nil
}

func (openPGP) VerifyDetached(key escrow.PublicKey, message, signature []byte, now time.Time) error {
	parsed, err := pgp.ParsePublicKey(key.Binary, now)
	if err != nil {
		return err
	}
	return parsed.Verify(message, signature, now)
}

// serverKey returns the server's OpenPGP key, whose secret part signs what ktsd
// says of itself.
func serverKey(dir confdir.Dir, fingerprint string) (*pgp.SecretKey, error) {
	ring, err := readRing(dir.SecretKeyring())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "the server's OpenPGP secret key %s is missing", dir.SecretKeyring()).
			WithHint("restore it from a backup of the configuration directory; clients know this server by that key")
	} else if err != nil {
		return nil, fmt.Errorf("reading the server's OpenPGP key: %w", err)
	}
	defer clear(ring)
	if err := hasPublicKey(dir, fingerprint); err != nil {
		return nil, err
	}
	key, err := pgp.ReadSecretKeyring(ring, fingerprint)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "%s does not hold the server's key %s, which keytrustee.conf names", dir.SecretKeyring(), fingerprint).
			WithHint("restore pubring.gpg, secring.gpg and keytrustee.conf from one backup; they belong together").Because(err)
	}
	return key, nil
}

// hasPublicKey refuses a public keyring that does not belong to the secret one:
// gpg and the other node work with it.
func hasPublicKey(dir confdir.Dir, fingerprint string) error {
	ring, err := readRing(dir.PublicKeyring())
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "the server's public key is missing: there is no %s", dir.PublicKeyring()).
			WithHint("have it written again from secring.gpg: ktadmin init --confdir %s", dir)
	} else if err != nil {
		return fmt.Errorf("reading the server's OpenPGP key: %w", err)
	}
	keys, err := pgp.ReadPublicKeyring(ring)
	if err != nil {
		return fmt.Errorf("reading the server's OpenPGP key: %s: %w", dir.PublicKeyring(), err)
	}
	for _, key := range keys {
		if key.Fingerprint() == fingerprint {
			return nil
		}
	}
	return fault.New(fault.Unavailable, "%s does not hold the server's key %s, which keytrustee.conf names", dir.PublicKeyring(), fingerprint).
		WithHint("restore pubring.gpg, secring.gpg and keytrustee.conf from one backup; they belong together")
}

// readRing reads a keyring, which is a regular file.
func readRing(file string) ([]byte, error) {
	f, _, err := safefile.OpenRegular(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
