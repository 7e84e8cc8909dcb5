package load

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"

	"github.com/google/uuid"
)

// spread is over how many bytes of the pool contents begin.
const spread = 16 << 20

// Bodies are contents of one size. They are random, so that nothing on their way
// can shrink them, and follow from the deposit's UUID: what comes back is compared
// without having been kept.
type Bodies struct {
	pool []byte
	size int
}

// NewBodies returns contents of size bytes.
func NewBodies(size int) *Bodies {
	b := &Bodies{pool: make([]byte, spread+size), size: size}
	rand.NewChaCha8([32]byte{}).Read(b.pool)
	return b
}

// Size returns the number of bytes of each.
func (b *Bodies) Size() int { return b.size }

// of returns the part of the pool that a deposit's contents have; in front of it
// stands as much of the UUID as there is room for.
func (b *Bodies) of(id uuid.UUID) []byte {
	at := binary.BigEndian.Uint64(id[8:]) % spread
	return b.pool[at : at+uint64(b.size)]
}

// Append appends a deposit's contents to buf.
func (b *Bodies) Append(buf []byte, id uuid.UUID) []byte {
	at := len(buf)
	buf = append(buf, b.of(id)...)
	copy(buf[at:], id[:])
	return buf
}

// Equal tells whether got are a deposit's contents.
func (b *Bodies) Equal(id uuid.UUID, got []byte) bool {
	if len(got) != b.size {
		return false
	}
	n := min(len(id), b.size)
	return bytes.Equal(got[:n], id[:n]) && bytes.Equal(got[n:], b.of(id)[n:])
}
