package pgp

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// clearHead begins a text that is signed in the clear (RFC 9580, section 7).
const clearHead = "-----BEGIN PGP SIGNED MESSAGE-----"

// Clearsign returns text, lines of UTF-8 that end with a line feed and with
// nothing blank before it, followed by a signature, as "gpg --clearsign" makes
// it: people can read it, and "gpg --verify" checks it.
func (k *SecretKey) Clearsign(text []byte) ([]byte, error) {
	now := time.Now()
	if err := checkUsable(k.entity, now); err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", k.Fingerprint(), err)
	}
	signer, ok := k.entity.SigningKey(now)
	if !ok {
		return nil, fmt.Errorf("signing with key %s: %w", k.Fingerprint(), ErrNotYetValid)
	}
	var message bytes.Buffer
	w, err := clearsign.Encode(&message, signer.PrivateKey, &packet.Config{DefaultHash: crypto.SHA512, Time: func() time.Time { return now }})
	if err == nil {
		_, err = w.Write(bytes.TrimSuffix(text, []byte("\n"))) // the last line's end is not signed, and added anyhow
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", k.Fingerprint(), err)
	}
	return withChecksum(message.Bytes())
}

// withChecksum gives the armored signature under a text the checksum that gpg takes
// its END line for base64 without (RFC 9580, section 6.1, has it optional).
func withChecksum(message []byte) ([]byte, error) {
	at := bytes.LastIndex(message, []byte("-----BEGIN "+openpgp.SignatureType))
	signature, _, err := unarmor(message[max(at, 0):])
	if err != nil {
		return nil, err
	}
	whole := bytes.NewBuffer(bytes.Clone(message[:max(at, 0)]))
	w, err := armor.EncodeWithChecksumOption(whole, openpgp.SignatureType, nil, true)
	if err == nil {
		_, err = w.Write(signature)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, err
	}
	whole.WriteByte('\n')
	return whole.Bytes(), nil
}

// VerifyClearsigned returns the text of a message of at most MaxSignature bytes
// that this key signed in the clear, and nothing else: a message with something
// before, behind or beside it is refused. It checks what Verify does; line feeds
// end the lines of the text, and what is blank at their ends is gone.
//
// The error wraps those of Verify.
func (k *PublicKey) VerifyClearsigned(message []byte, now time.Time) (text []byte, err error) {
	block, err := oneClearsigned(message)
	if err != nil {
		return nil, fmt.Errorf("verifying a text signed by key %s: %w: %w", k.Fingerprint(), ErrSignature, err)
	}
	signature, err := io.ReadAll(block.ArmoredSignature.Body)
	if err == nil {
		err = checkKind(signature, packet.SigTypeText)
	}
	if err != nil {
		return nil, fmt.Errorf("verifying a text signed by key %s: %w: %w", k.Fingerprint(), ErrSignature, err)
	}
	if err := k.verify(block.Bytes, signature, now); err != nil {
		return nil, fmt.Errorf("verifying a text signed by key %s: %w", k.Fingerprint(), err)
	}
	return append(block.Plaintext, '\n'), nil
}

// oneClearsigned takes a message apart that has to be a single one.
func oneClearsigned(message []byte) (*clearsign.Block, error) {
	if len(message) > MaxSignature {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are taken", ErrTooLarge, len(message), MaxSignature)
	}
	if !bytes.HasPrefix(message, []byte(clearHead)) {
		return nil, errors.New("it does not begin as a signed text does")
	}
	block, rest := clearsign.Decode(message)
	if block == nil {
		return nil, errors.New("it is not a signed text, or cut off")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("something follows it")
	}
	return block, nil
}
