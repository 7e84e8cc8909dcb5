package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
)

// The sizes of what a MAC is made of, in bytes: version and generation, and the
// whole.
const (
	macHead = 1 + 4
	macSize = macHead + sha256.Size
)

// macs makes MACs with one key. To set up the two halves of HMAC costs as much as
// a row itself, so they are kept.
type macs struct{ pool sync.Pool }

func newMACs(key []byte) *macs {
	return &macs{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// sum appends the HMAC of head and b to dst.
func (m *macs) sum(dst, head []byte, b escrow.Binding) []byte {
	h := m.pool.Get().(hash.Hash)
	defer m.pool.Put(h)
	h.Reset()
	h.Write(head)
	h.Write(b)
	return h.Sum(dst)
}

// Authenticate implements escrow.Sealer. The HMAC is over version, generation and
// binding, under a key derived from the generation (HKDF, RFC 5869).
func (s *Sealer) Authenticate(b escrow.Binding) escrow.MAC {
	mac := make([]byte, macHead, macSize)
	mac[0] = formatVersion
	binary.BigEndian.PutUint32(mac[1:], s.current)
	return s.macs[s.current].sum(mac, mac[:macHead], b)
}

// Verify implements escrow.Sealer. It compares in constant time.
func (s *Sealer) Verify(b escrow.Binding, mac escrow.MAC) error {
	if len(mac) != macSize || mac[0] != formatVersion {
		return fault.New(fault.Corrupt, "there is no MAC of version %d", formatVersion)
	}
	generation := binary.BigEndian.Uint32(mac[1:])
	key, ok := s.macs[generation]
	if !ok {
		return fault.New(fault.Unavailable, "generation %d of the key-encryption key is not in the KEK ring", generation)
	}
	var sum [sha256.Size]byte
	if !hmac.Equal(key.sum(sum[:0], mac[:macHead], b), mac[macHead:]) {
		return fault.New(fault.Corrupt, "the MAC is not that of the row")
	}
	return nil
}
