package pgp

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Packet tags (RFC 9580, section 5) that a keyring is told apart by.
const (
	tagSecretKey = 5
	tagPublicKey = 6
	tagMarker    = 10
	tagTrust     = 12
)

// isArmored tells text from binary: the first octet of every packet has its
// highest bit set (RFC 9580, section 4.2), and armor is ASCII.
func isArmored(data []byte) bool {
	return len(data) > 0 && data[0] < 0x80
}

// unarmor returns the binary form of data and its armor type, which is empty
// where data is binary already.
func unarmor(data []byte) (body []byte, blockType string, err error) {
	if !isArmored(data) {
		return data, "", nil
	}
	block, err := armor.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, "", errors.New("no armored block found")
	}
	if !bytes.Contains(data, []byte("-----END ")) {
		return nil, "", io.ErrUnexpectedEOF
	}
	body, err = io.ReadAll(block.Body)
	if err != nil {
		return nil, "", errors.New("the armor is damaged")
	}
	return body, block.Type, nil
}

// keyBlock is one key of a keyring: its primary key packet and all that
// follows up to the next, without the trust packets of GnuPG's own files.
type keyBlock struct {
	raw       []byte
	secret    bool
	version   byte
	algorithm packet.PublicKeyAlgorithm
}

// splitKeys cuts binary packets into keys.
func splitKeys(data []byte) ([]keyBlock, error) {
	var blocks []keyBlock
	rest := bytes.NewReader(data)
	packets := packet.NewOpaqueReader(rest)
	for rest.Len() > 0 {
		start := len(data) - rest.Len()
		p, err := packets.Next()
		isKey := p != nil && (p.Tag == tagSecretKey || p.Tag == tagPublicKey)
		switch {
		case len(blocks) == 0 && !isKey:
			return nil, fmt.Errorf("%w: it does not begin with a key packet", ErrNotKey)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, ErrTruncated
		case err != nil:
			return nil, fmt.Errorf("%w: its packets are damaged", ErrNotKey)
		case p.Tag == tagTrust || p.Tag == tagMarker:
			continue
		}
		if isKey {
			// Version, creation time (4 octets), algorithm: section 5.5.2.
			if len(p.Contents) < 6 {
				return nil, ErrTruncated
			}
			blocks = append(blocks, keyBlock{
				secret:    p.Tag == tagSecretKey,
				version:   p.Contents[0],
				algorithm: packet.PublicKeyAlgorithm(p.Contents[5]),
			})
		}
		last := &blocks[len(blocks)-1]
		last.raw = append(last.raw, data[start:len(data)-rest.Len()]...)
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrNotKey)
	}
	return blocks, nil
}
