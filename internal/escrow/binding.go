package escrow

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Sealed is what a Sealer makes of plaintext: the contents under a data key of
// their own, and that key wrapped by a generation of the key-encryption key.
type Sealed struct {
	Generation uint32 // of the key-encryption key; 0: nothing is sealed
	Key        []byte // the wrapped data key
	Contents   []byte
}

// Binding is the associated data of sealed bytes: what they are, in a form that
// no other thing has. Sealed bytes open only under the binding they were sealed
// with, so a row that is edited or moved does not open.
//
// Layout: a purpose with its version, then the fields, each one behind its
// length as 4 bytes, big-endian.
type Binding []byte

func bind(purpose string, fields ...string) Binding {
	b := make([]byte, 0, 256)
	b = appendField(b, purpose)
	for _, f := range fields {
		b = appendField(b, f)
	}
	return b
}

func appendField(b []byte, field string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
	return append(b, field...)
}

// binding is the deposit's associated data: everything about it that does not
// change.
func (d *Deposit) binding(org OrgName) Binding {
	return bind("ktsd-deposit/1", string(org), string(d.Client), string(d.UUID), string(d.Handle),
		number(d.Version), micros(d.NotAfter), micros(d.Created))
}

// codeBinding is the associated data of an organization's authorization code.
func codeBinding(org OrgName) Binding { return bind("ktsd-auth-code/1", string(org)) }

// depositDigest tells a put that is sent again from another one under the same
// UUID: SHA-256 over handle, not_after and contents in the layout of a Binding.
func depositDigest(h Handle, notAfter time.Time, contents []byte) (digest [sha256.Size]byte) {
	head := bind("ktsd-deposit-digest/1", string(h), micros(notAfter))
	head = binary.BigEndian.AppendUint32(head, uint32(len(contents)))
	hash := sha256.New()
	hash.Write(head)
	hash.Write(contents)
	hash.Sum(digest[:0])
	return digest
}

// micros is a time as 8 bytes, microseconds since 1970, big-endian; the zero
// time is 0.
func micros(t time.Time) string {
	var n int64
	if !t.IsZero() {
		n = t.UnixMicro()
	}
	return number(n)
}

// number is n as 8 bytes, big-endian.
func number(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }
