// Package proof holds the texts that clients and servers sign, so that whoever
// signs and whoever verifies read the same page. Each names its purpose, with a version,
// and everything it is bound to; a signature over one says nothing elsewhere.
// It signs and verifies nothing itself.
package proof

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// Registration is the text by which a client binds a TLS key to its OpenPGP key:
// the client makes a detached OpenPGP signature of exactly these bytes.
//
//	ktsd-registration/1
//	organization: NAME
//	server: 40 hex digits, the fingerprint of the server's OpenPGP key
//	certificate-key: 64 hex digits, SHA-256 of the TLS key's SubjectPublicKeyInfo
//	time: RFC 3339 in UTC, seconds
//
// Each line ends with a line feed.
func Registration(organization, server string, key [sha256.Size]byte, at time.Time) []byte {
	return fmt.Appendf(nil, "ktsd-registration/1\norganization: %s\nserver: %s\ncertificate-key: %x\ntime: %s\n",
		organization, server, key, at.UTC().Format(time.RFC3339))
}

// Certificate is the text by which a registered client binds another TLS key to
// itself: the client makes a detached OpenPGP signature of exactly these bytes.
//
//	ktsd-certificate/1
//	organization: NAME
//	server: 40 hex digits, the fingerprint of the server's OpenPGP key
//	client: 40 hex digits, the fingerprint of the client's OpenPGP key
//	certificate-key: 64 hex digits, SHA-256 of the new TLS key's SubjectPublicKeyInfo
//	time: RFC 3339 in UTC, seconds
//
// Each line ends with a line feed.
func Certificate(organization, server, client string, key [sha256.Size]byte, at time.Time) []byte {
	return fmt.Appendf(nil, "ktsd-certificate/1\norganization: %s\nserver: %s\nclient: %s\ncertificate-key: %x\ntime: %s\n",
		organization, server, client, key, at.UTC().Format(time.RFC3339))
}

// DepositContext is the value of the notation context@proton.ch in the signature
// inside a deposit, which tells the deposit it belongs to:
//
//	ktsd-deposit/1 SERVER ORGANIZATION UUID HANDLE
//
// SERVER is the fingerprint of the server's OpenPGP key. The handle is last,
// since it may hold spaces.
func DepositContext(server, organization, uuid, handle string) string {
	return fmt.Sprintf("ktsd-deposit/1 %s %s %s %s", server, organization, uuid, handle)
}

// AuditHead is the text by which the server vouches for its audit log up to a line:
// a detached OpenPGP signature of exactly these bytes.
//
//	ktsd-audit-head/1
//	node: NAME
//	segment: number of the segment that the line lies in
//	seq: the line's number
//	hash: 64 hex digits, the line's hash
//	time: RFC 3339 in UTC, seconds
//
// Each line ends with a line feed.
func AuditHead(node string, segment int, seq uint64, hash string, at time.Time) []byte {
	return fmt.Appendf(nil, "ktsd-audit-head/1\nnode: %s\nsegment: %d\nseq: %d\nhash: %s\ntime: %s\n",
		node, segment, seq, hash, at.UTC().Format(time.RFC3339))
}
