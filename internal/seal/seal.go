// Package seal encrypts what the server keeps: each thing under an AES-256-GCM
// data key of its own, wrapped by a generation of the key-encryption key (KEK),
// both bound to what the thing is. It decides nothing about who may open what,
// and never writes a key anywhere.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// Format of sealed bytes, both the contents and the wrapped data key (NIST SP
// 800-38D):
//
//	version 1 byte = 1 | nonce 12 bytes, random | ciphertext | tag 16 bytes
//
// Associated data: the same version byte, a byte that tells contents (0) from
// data key (1), the KEK's generation as 4 bytes, big-endian, and the Binding.
// A KEK wraps at most 2^32 data keys (8.3 there); a data key seals once.
const (
	formatVersion = 1
	partContents  = 0
	partDataKey   = 1
)

// Sealer seals with a ring's current generation and opens with any.
type Sealer struct {
	current uint32
	keks    map[uint32]cipher.AEAD
	macs    map[uint32]*macs
	checks  map[uint32][]byte
}

var _ escrow.Sealer = (*Sealer)(nil)

// New makes a Sealer of a ring.
func New(r *Ring) (*Sealer, error) {
	s := &Sealer{current: r.Current, keks: map[uint32]cipher.AEAD{}, macs: map[uint32]*macs{}, checks: map[uint32][]byte{}}
	for _, k := range r.KEKs {
		wrap, err := hkdf.Key(sha256.New, k.Key, nil, "ktsd-kek-wrap/1", keySize)
		if err != nil {
			return nil, fmt.Errorf("deriving from the key-encryption key: %w", err)
		}
		rows, err := hkdf.Key(sha256.New, k.Key, nil, "ktsd-row-mac/1", keySize)
		if err != nil {
			return nil, fmt.Errorf("deriving from the key-encryption key: %w", err)
		}
		s.macs[k.Generation] = newMACs(rows)
		check, err := hkdf.Key(sha256.New, k.Key, nil, "ktsd-kek-check/1", 16)
		if err != nil {
			return nil, fmt.Errorf("deriving from the key-encryption key: %w", err)
		}
		if s.keks[k.Generation], err = newAEAD(wrap); err != nil {
			return nil, err
		}
		s.checks[k.Generation] = check
	}
	return s, nil
}

// Checks returns for each generation 16 bytes derived from its key (HKDF, RFC
// 5869), which do not give it away.
func (s *Sealer) Checks() map[uint32][]byte { return s.checks }

// Seal implements escrow.Sealer.
func (s *Sealer) Seal(b escrow.Binding, plaintext []byte) (escrow.Sealed, error) {
	var key [keySize]byte
	rand.Read(key[:])
	defer clear(key[:])
	data, err := newAEAD(key[:])
	if err != nil {
		return escrow.Sealed{}, err
	}
	return escrow.Sealed{
		Generation: s.current,
		Key:        seal(s.keks[s.current], key[:], associated(partDataKey, s.current, b)),
		Contents:   seal(data, plaintext, associated(partContents, s.current, b)),
	}, nil
}

// Open implements escrow.Sealer.
func (s *Sealer) Open(b escrow.Binding, sealed escrow.Sealed) ([]byte, error) {
	return s.open(nil, b, sealed)
}

// OpenInPlace implements escrow.Sealer.
func (s *Sealer) OpenInPlace(b escrow.Binding, sealed escrow.Sealed) ([]byte, error) {
	return s.open(place(sealed.Contents), b, sealed)
}

// open opens into the memory of dst, or into new memory.
func (s *Sealer) open(dst []byte, b escrow.Binding, sealed escrow.Sealed) ([]byte, error) {
	kek, ok := s.keks[sealed.Generation]
	if !ok {
		return nil, fault.New(fault.Unavailable, "generation %d of the key-encryption key is not in the KEK ring", sealed.Generation)
	}
	key, ok := open(nil, kek, sealed.Key, associated(partDataKey, sealed.Generation, b))
	if !ok || len(key) != keySize {
		return nil, fault.New(fault.Corrupt, "the wrapped data key is not what was sealed")
	}
	defer clear(key)
	data, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	plaintext, ok := open(dst, data, sealed.Contents, associated(partContents, sealed.Generation, b))
	if !ok {
		return nil, fault.New(fault.Corrupt, "the sealed bytes are not what was sealed")
	}
	return plaintext, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("making an AES-256 cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("making a GCM: %w", err)
	}
	return aead, nil
}

func associated(part byte, generation uint32, b escrow.Binding) []byte {
	ad := make([]byte, 0, 6+len(b))
	ad = append(ad, formatVersion, part)
	ad = binary.BigEndian.AppendUint32(ad, generation)
	return append(ad, b...)
}

func seal(aead cipher.AEAD, plaintext, ad []byte) []byte {
	out := make([]byte, headSize, headSize+len(plaintext)+aead.Overhead())
	out[0] = formatVersion
	rand.Read(out[1:])
	return aead.Seal(out, out[1:], plaintext, ad)
}

// headSize is the length of what stands before a ciphertext: version and nonce.
const headSize = 1 + 12

// place is where the ciphertext stands in sealed bytes, for the plaintext to
// take; nil where there is none.
func place(sealed []byte) []byte {
	if len(sealed) < headSize {
		return nil
	}
	return sealed[headSize:headSize]
}

// open appends the plaintext to dst.
func open(dst []byte, aead cipher.AEAD, sealed, ad []byte) ([]byte, bool) {
	if len(sealed) < headSize+aead.Overhead() || sealed[0] != formatVersion {
		return nil, false
	}
	plaintext, err := aead.Open(dst, sealed[1:headSize], sealed[headSize:], ad)
	if err != nil {
		return nil, false
	}
	return plaintext, true
}
