// Package pgp is what ktsd and its clients do with OpenPGP (RFC 4880, RFC
// 9580): make and keep keys, read the public keys of others, sign and verify
// short texts, and put a deposit into its encrypted and signed envelope.
//
// It is the only importer of gopenpgp and go-crypto. GnuPG reads everything it
// writes, and it reads what GnuPG writes.
//
// It refuses keys of other versions than 4, DSA keys, and RSA keys under 2048
// bits; secret keys under a passphrase; messages that are not encrypted, or not
// signed, or signed in text mode. It reads and writes no files, keeps no
// state, and never puts key material or plaintext into an error.
package pgp

import "time"

// Bounds on what is read, in bytes.
const (
	MaxKey       = 64 << 10 // one public or secret key, armored or binary
	MaxKeyring   = 1 << 20  // a keyring file of several keys
	MaxSignature = 16 << 10 // a detached signature, armored or binary; a text signed in the clear
	MaxPlaintext = 16 << 20 // the content of an envelope, after decompression
)

// ClockTolerance is how far in the future a key or a detached signature may be
// dated: hosts whose clocks differ must understand each other. It is the
// tolerance that gopenpgp has for signatures. Who needs a closer look puts the
// time into the signed text.
const ClockTolerance = 48 * time.Hour
