package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"strings"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"golang.org/x/crypto/cryptobyte"
)

// parseJKS reads Java's older format. The password is that of the store and of the
// key, as keytool has it unless told otherwise.
func parseJKS(data, password []byte, alias string) (Contents, error) {
	if password == nil {
		return Contents{}, ErrNeedsPassword
	}
	if !fitsJKS(data) {
		return Contents{}, ErrDamaged
	}
	store := keystore.New(keystore.WithOrderedAliases(), keystore.WithCaseExactAliases())
	if err := store.Load(bytes.NewReader(data), bytes.Clone(password)); err != nil {
		return Contents{}, ErrPassword // what is damaged has another digest, too
	}
	c := Contents{Format: "JKS"}
	var have []string
	for _, a := range store.Aliases() {
		if store.IsPrivateKeyEntry(a) {
			have = append(have, a)
		} else if trusted, err := store.GetTrustedCertificateEntry(a); err == nil {
			if certificate, err := x509.ParseCertificate(trusted.Certificate.Content); err == nil {
				c.Certificates = append(c.Certificates, certificate)
			}
		}
	}
	wanted := ""
	for _, a := range have {
		if strings.EqualFold(a, alias) || alias == "" && len(have) == 1 {
			wanted = a
		}
	}
	if wanted == "" {
		if alias == "" && len(have) == 0 {
			return c, nil
		}
		return Contents{}, &AliasError{Wanted: alias, Have: have}
	}
	private, err := store.GetPrivateKeyEntry(wanted, bytes.Clone(password))
	if err != nil {
		return Contents{}, ErrPassword
	}
	defer clear(private.PrivateKey)
	key, err := x509.ParsePKCS8PrivateKey(private.PrivateKey)
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return Contents{}, ErrDamaged
	}
	c.Key = signer
	var chain []*x509.Certificate
	for _, element := range private.CertificateChain {
		certificate, err := x509.ParseCertificate(element.Content)
		if err != nil {
			return Contents{}, ErrDamaged
		}
		chain = append(chain, certificate)
	}
	c.Certificates = append(chain, c.Certificates...)
	return c, nil
}

// jksTags tell what an entry of a JKS file is.
const (
	jksPrivateKey  = 1
	jksCertificate = 2
)

// fitsJKS tells whether the lengths in a JKS file lie within it: the library makes
// room for what they promise before it reads. Big-endian, strings and certificates
// with their length before them:
//
//	magic 4, version 4, entries 4
//	entry: tag 4, alias 2+n, time 8, then one of
//	       1: key 4+n, certificates 4, each: type 2+n, 4+n     2: type 2+n, 4+n
//	SHA-1 20
//
// Version 1 has no types of certificates.
func fitsJKS(data []byte) bool {
	s := cryptobyte.String(data)
	var version, entries, tag, certificates uint32
	if !s.Skip(4) || !s.ReadUint32(&version) || !s.ReadUint32(&entries) {
		return false
	}
	for range entries {
		if !s.ReadUint32(&tag) || !skip16(&s) || !s.Skip(8) {
			return false
		}
		certificates = 1
		if tag == jksPrivateKey && (!skip32(&s) || !s.ReadUint32(&certificates) || int64(certificates) > int64(len(s))) {
			return false
		} else if tag != jksPrivateKey && tag != jksCertificate {
			return false
		}
		for range certificates {
			if version != 1 && !skip16(&s) || !skip32(&s) {
				return false
			}
		}
	}
	return len(s) == 20
}

func skip16(s *cryptobyte.String) bool {
	var skipped cryptobyte.String
	return s.ReadUint16LengthPrefixed(&skipped)
}

func skip32(s *cryptobyte.String) bool {
	var n uint32
	return s.ReadUint32(&n) && int64(n) <= int64(len(*s)) && s.Skip(int(n))
}
